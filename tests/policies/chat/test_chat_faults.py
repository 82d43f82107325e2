"""The fault table over chat: a broken answer is an error or is asked for again, never a short answer."""

from __future__ import annotations

import gzip
import json
import time
from typing import get_args

import pytest
from asking import completion, one, said
from raw_server import http, unframed

from gym_llm.errors import ModelError
from gym_llm.items import output_text
from gym_llm.mock_model import MockModel
from gym_llm.mock_model.config import FaultKind

TEXT = "The whole answer, " * 20
BODY = json.dumps(completion({"role": "assistant", "content": TEXT})).encode()
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

# fault of the mock model: kind of error, whether it is asked for again at once, whether it is fatal
ERRORS = {
    "rate_limit:retry_after=0": ("rate_limit", True, False),
    "rate_limit:retry_after=0.1:as_date=true": ("rate_limit", True, False),
    "server_error": ("server", True, False),
    "server_error:status=408": ("timeout", True, False),
    "server_error:status=409": ("server", True, False),
    "server_error:status=425": ("server", True, False),
    "server_error:status=504": ("server", True, False),
    "server_error:status=400": ("bad_request", False, False),
    "server_error:status=422": ("bad_request", False, False),
    "unavailable": ("server", True, False),
    "unauthorized": ("auth", False, True),
    "not_found": ("not_found", False, True),
    "drop": ("connection", True, False),
    "drop_mid_body": ("truncated", True, False),
    "malformed_json": ("invalid_response", True, False),
    "truncated_length": ("truncated", True, False),
    "truncated_close": ("truncated", True, False),
    "html": ("server", True, False),
    "html:status=200": ("invalid_response", False, True),
    "gzip_bomb": ("too_large", False, False),
}
LATE = ("slow:interval=0.2", "hang")
CUT_OFF = {"incomplete": "max_output_tokens", "content_filter": "content_filter"}
WHOLE = {"cut_stream"}  # strikes streams only


def test_no_fault_of_the_mock_model_is_left_out():
    named = {fault.partition(":")[0] for fault in (*ERRORS, *LATE, *CUT_OFF, *WHOLE, "context_overflow")}
    assert named == set(get_args(FaultKind))


@pytest.mark.parametrize("fault", ERRORS)
def test_fault_is_an_error(fault):
    kind, again, fatal = ERRORS[fault]
    with MockModel(text=TEXT, faults=fault) as server:
        error = one(server.base_url)
        assert isinstance(error, ModelError)
        assert (error.kind, error.fatal, error.retryable) == (kind, fatal, again)
        assert server.stats.requests == len(error.attempts) == (2 if again else 1)


@pytest.mark.parametrize("fault", [fault for fault, (_, again, _) in ERRORS.items() if again])
def test_fault_that_passes_is_survived(fault):
    with MockModel(text=TEXT, faults=f"{fault}:first=1") as server:
        answer = one(server.base_url)
        assert output_text(answer["output"]) == TEXT
        assert [attempt["kind"] for attempt in answer["_gym_llm"]["attempts"]] == [ERRORS[fault][0]]


@pytest.mark.parametrize("fault", LATE)
def test_deadline_is_total(fault):
    with MockModel(text=TEXT, faults=fault) as server:
        started = time.monotonic()
        error = one(server.base_url, timeout=0.5, max_attempts=5)
        assert isinstance(error, ModelError)
        assert (error.kind, error.retryable, len(error.attempts)) == ("timeout", True, 1)
        assert time.monotonic() - started < 5


@pytest.mark.parametrize(("fault", "reason"), CUT_OFF.items())
def test_cut_off_answers_say_so(fault, reason):
    with MockModel(text=TEXT, faults=fault) as server:
        answer = one(server.base_url)
        assert (answer["status"], answer["incomplete_details"]) == ("incomplete", {"reason": reason})
        assert answer["output"][0]["status"] == "incomplete"
        assert TEXT.startswith(output_text(answer["output"]))


def test_faults_of_streams_do_not_strike():
    with MockModel(text=TEXT, faults="cut_stream") as server:
        assert output_text(one(server.base_url)["output"]) == TEXT


REFUSALS = [
    ("context_overflow", "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens."),
    ("context_overflow", "max_tokens must be at least 1, got -36."),
    ("context_overflow", "the request exceeds the available context size: context length is 512"),
    ("content_filter", "The response was filtered due to the prompt triggering the content management policy."),
]


@pytest.mark.parametrize(("reason", "message"), REFUSALS)
def test_a_conversation_that_cannot_go_on_is_an_incomplete_response(reason, message, raw_server):
    body = json.dumps({"error": {"message": message, "code": 400}}).encode()
    answer = one(raw_server(http(body, "400 Bad Request")).base_url)
    assert (answer["status"], answer["incomplete_details"], answer["output"]) == (
        "incomplete",
        {"reason": reason},
        [],
    )
    assert answer["_gym_llm"]["attempts"] == []
    assert answer["_gym_llm"]["latency"] >= 0


MISUSED = [
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    "max_tokens is too large: 100000. This model supports at most 16384 completion tokens.",
    "[{'loc': ('body', 'max_tokens'), 'msg': 'Input should be a valid integer'}]",
]


@pytest.mark.parametrize("message", MISUSED)
def test_a_wrong_setting_is_not_taken_for_a_full_context(message, raw_server):
    body = json.dumps({"error": {"message": message}}).encode()
    error = one(raw_server(http(body, "400 Bad Request")).base_url)
    assert isinstance(error, ModelError)
    assert error.kind == "bad_request"


# raw bytes: kind of error, None for the whole answer
RAW = {
    "whole": (http(BODY), None),
    "whole, unframed": (unframed(BODY), None),
    "whole, compressed": (http(gzip.compress(BODY), "200 OK", "Content-Encoding: gzip"), None),
    "short against its length": (http(BODY[:-9], length=len(BODY)), "truncated"),
    "short, unframed": (unframed(BODY[:-9]), "truncated"),
    "empty": (http(b""), "truncated"),
    "chunked, unfinished": (CHUNKED + b"%x\r\n" % len(BODY) + BODY + b"\r\n", "truncated"),
    "compressed, cut": (http(gzip.compress(BODY)[:-20], "200 OK", "Content-Encoding: gzip"), "truncated"),
    "event stream": (http(b'data: {"choices": []}\n\ndata: [DONE]\n\n'), "invalid_response"),
    "no choice": (said(completion() | {"choices": []}), "invalid_response"),
    "two choices": (said(completion() | {"choices": completion()["choices"] * 2}), "invalid_response"),
    "choices are no list": (said(completion() | {"choices": {}}), "invalid_response"),
    "no finish reason": (said(completion(finish_reason=None)), "truncated"),
    "finish reason left out": (said({"choices": [{"message": {"content": "Hi"}}]}), "truncated"),
    "aborted": (said(completion(finish_reason="abort")), "invalid_response"),
    "out of resources": (said(completion(finish_reason="insufficient_system_resource")), "invalid_response"),
    "no message": (said({"choices": [{"finish_reason": "stop"}]}), "invalid_response"),
    "message is a text": (said({"choices": [{"finish_reason": "stop", "message": "Hi"}]}), "invalid_response"),
    "content is a number": (said(completion({"content": 5})), "invalid_response"),
    "content parts without text": (said(completion({"content": [{"type": "text"}]})), "invalid_response"),
    "unknown content part": (said(completion({"content": [{"type": "image"}]})), "invalid_response"),
    "a call without function": (said(completion({"tool_calls": [{"id": "c"}]}, "tool_calls")), "invalid_response"),
    "a call without name": (
        said(completion({"tool_calls": [{"function": {"arguments": "{}"}}]})),
        "invalid_response",
    ),
    "calls that got lost": (said(completion({"content": None}, "tool_calls")), "invalid_response"),
    "usage is a list": (said(completion(usage=[1])), "invalid_response"),
    "usage in words": (said(completion(usage={"prompt_tokens": "nine"})), "invalid_response"),
    "an error with status 200": (said({"error": {"message": "No."}}), "server"),
    "an error in the choice": (said(completion(choice={"error": {"message": "No."}})), "server"),
    "a response": (said({"object": "response", "output": [], "status": "completed"}), "invalid_response"),
    "another object": (said({"hello": "world"}), "invalid_response"),
    "a list": (said([]), "invalid_response"),
    "nothing": (b"", "connection"),
}


@pytest.mark.parametrize("name", RAW)
def test_odd_answers(name, raw_server):
    reply, kind = RAW[name]
    result = one(raw_server(reply).base_url, max_attempts=1)
    if kind is None:
        assert output_text(result["output"]) == TEXT
    else:
        assert isinstance(result, ModelError)
        assert result.kind == kind


def test_every_beginning_of_an_answer_is_broken_off(raw_server):
    whole = json.dumps(completion({"role": "assistant", "content": "Yes or no"})).encode()
    for size in range(0, len(whole), 7):
        error = one(raw_server(unframed(whole[:size])).base_url, max_attempts=1)
        assert isinstance(error, ModelError)
        assert error.kind == "truncated"
