"""The fault table: every broken response is an error or is asked for again, none becomes a short answer."""

from __future__ import annotations

import gzip
import json
import time

import pytest
from raw_server import ask, http, unframed

from gym_llm.errors import ModelError
from gym_llm.items import output_text
from gym_llm.mock_model import MockModel
from gym_llm.policies import OpenAIPolicy

TEXT = "The whole answer, " * 20
GOOD = {"id": "r", "status": "completed", "error": None, "output": [{
    "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": TEXT}],
}]}  # fmt: skip
BODY = json.dumps(GOOD).encode()
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def one(base_url, **settings):
    return ask(OpenAIPolicy("m", base_url, **{"max_attempts": 2, "timeout": 10, **settings}))[0]


# fault of the mock model: kind of error, whether it is asked for again at once, whether it is fatal
FINAL = {
    "rate_limit:retry_after=0": ("rate_limit", True, False),
    "rate_limit:retry_after=0.1:as_date=true": ("rate_limit", True, False),
    "server_error": ("server", True, False),
    "unavailable": ("server", True, False),
    "server_error:status=408": ("timeout", True, False),
    "server_error:status=409": ("server", True, False),
    "server_error:status=425": ("server", True, False),
    "server_error:status=504": ("server", True, False),
    "server_error:status=529": ("server", True, False),
    "server_error:status=400": ("bad_request", False, False),
    "server_error:status=413": ("bad_request", False, False),
    "server_error:status=422": ("bad_request", False, False),
    "unauthorized": ("auth", False, True),
    "unauthorized:status=403": ("auth", False, True),
    "not_found": ("not_found", False, True),
    "drop": ("connection", True, False),
    "drop_mid_body": ("truncated", True, False),
    "malformed_json": ("invalid_response", True, False),
    "truncated_length": ("truncated", True, False),
    "truncated_close": ("truncated", True, False),
    "html": ("server", True, False),
    "html:status=200": ("invalid_response", False, True),
    "html:status=404": ("not_found", False, True),
    "gzip_bomb": ("too_large", False, False),
}


@pytest.mark.parametrize("fault", FINAL)
def test_fault_is_an_error(fault):
    kind, again, fatal = FINAL[fault]
    with MockModel(text=TEXT, faults=fault) as server:
        error = one(server.base_url)
        assert isinstance(error, ModelError)
        assert (error.kind, error.fatal) == (kind, fatal)
        assert server.stats.requests == len(error.attempts) == (2 if again else 1)
        assert error.retryable == again
        assert all(attempt["kind"] == kind and attempt["seconds"] >= 0 for attempt in error.attempts)


@pytest.mark.parametrize("fault", [fault for fault, (_, again, _) in FINAL.items() if again])
def test_fault_that_passes_is_survived(fault):
    with MockModel(text=TEXT, faults=f"{fault}:first=1") as server:
        answer = one(server.base_url)
        assert isinstance(answer, dict)
        assert output_text(answer["output"]) == TEXT
        assert [attempt["kind"] for attempt in answer["_gym_llm"]["attempts"]] == [FINAL[fault][0]]
        assert answer["_gym_llm"]["latency"] > 0


def test_full_context_ends_the_episode_and_fails_nothing():
    with MockModel(text=TEXT, faults="context_overflow") as server:
        answer = one(server.base_url)
        assert isinstance(answer, dict)
        assert (answer["status"], answer["output"]) == ("incomplete", [])
        assert answer["incomplete_details"] == {"reason": "context_overflow"}
        assert server.stats.requests == 1


@pytest.mark.parametrize("fault", ["slow:interval=0.2", "hang"])
def test_deadline_is_total(fault):
    with MockModel(text=TEXT, faults=fault) as server:
        started = time.monotonic()
        error = one(server.base_url, timeout=0.5, max_attempts=5)
        assert isinstance(error, ModelError)
        assert (error.kind, error.retryable, len(error.attempts)) == ("timeout", True, 1)
        assert time.monotonic() - started < 5
        assert "timeout=0.5" in str(error)


@pytest.mark.parametrize(
    ("fault", "reason"), [("incomplete", "max_output_tokens"), ("content_filter", "content_filter")]
)
def test_honest_incomplete_responses_are_answers_marked_so(fault, reason):
    with MockModel(text=TEXT, faults=fault) as server:
        answer = one(server.base_url)
        assert isinstance(answer, dict)
        assert (answer["status"], answer["incomplete_details"]) == ("incomplete", {"reason": reason})


# raw bytes: kind of error, None for the whole answer
RAW = {
    "whole": (http(BODY), None),
    "whole, unframed": (unframed(BODY), None),
    "whole, compressed": (http(gzip.compress(BODY), "200 OK", "Content-Encoding: gzip"), None),
    "short against its length": (http(BODY[:-9], length=len(BODY)), "truncated"),
    "short, unframed": (unframed(BODY[:-9]), "truncated"),
    "empty": (http(b""), "truncated"),
    "empty, unframed": (unframed(b""), "truncated"),
    "no content": (http(b"", "204 No Content"), "bad_request"),
    "chunked, unfinished": (CHUNKED + b"%x\r\n" % len(BODY) + BODY + b"\r\n", "truncated"),
    "chunked, cut in a chunk": (CHUNKED + b"%x\r\n" % len(BODY) + BODY[:-9], "truncated"),
    "compressed, cut": (http(gzip.compress(BODY)[:-20], "200 OK", "Content-Encoding: gzip"), "truncated"),
    "unknown coding": (http(BODY, "200 OK", "Content-Encoding: br"), "invalid_response"),
    "event stream": (http(b'event: response.created\ndata: {"type": "x"}\n\n'), "invalid_response"),
    "in progress": (http(BODY.replace(b"completed", b"in_progress")), "invalid_response"),
    "failed": (http(b'{"status": "failed", "error": {"code": "server_error", "message": "No."}}'), "server"),
    "an error with status 200": (http(b'{"error": {"message": "No."}}'), "server"),
    "another object": (http(b'{"hello": "world"}'), "invalid_response"),
    "a list": (http(b"[]"), "invalid_response"),
    "no HTTP": (b"\x15\x03\x01\x00\x02\x02\x50SSH-2.0\r\n\r\n", "invalid_response"),
    "half a head": (b"HTTP/1.1 200 OK\r\nContent-Le", "connection"),
    "nothing": (b"", "connection"),
    "quota": (http(b'{"error": {"code": "insufficient_quota", "message": "Pay."}}', "429 Wait"), "rate_limit"),
    "redirect": (http(b"", "307 Temporary Redirect", "Location: https://elsewhere.test/v1?k=1"), "not_found"),
}  # fmt: skip


@pytest.mark.parametrize("name", RAW)
def test_odd_answers(name, raw_server):
    reply, kind = RAW[name]
    result = one(raw_server(reply).base_url)
    if kind is None:
        assert isinstance(result, dict)
        assert output_text(result["output"]) == TEXT
    else:
        assert isinstance(result, ModelError)
        assert result.kind == kind


def test_a_used_up_quota_is_not_asked_again(raw_server):
    server = raw_server(RAW["quota"][0])
    error = one(server.base_url)
    assert isinstance(error, ModelError)
    assert error.fatal
    assert len(server.requests) == 1


def test_body_over_the_cap_is_not_read(raw_server):
    for reply in (http(b" " * 5000), unframed(b" " * 5000)):
        error = one(raw_server(reply).base_url, max_body=1000)
        assert isinstance(error, ModelError)
        assert error.kind == "too_large"
        assert "max_body=1000" in str(error)


def test_identity_is_asked_for(raw_server):
    server = raw_server(http(BODY))
    one(server.base_url)
    assert b"Accept-Encoding: identity\r\n" in server.requests[0]
