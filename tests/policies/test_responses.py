"""The Responses wire: what is sent, and what counts as an answer."""

from __future__ import annotations

import json

import pytest

from gym_llm.errors import ConfigError
from gym_llm.policies.responses import check, checked_params, encoded
from gym_llm.policies.settings import Settings

SETTINGS = Settings("http://h/v1", "/responses", "m", None, None, 1.0, 1, 1, 1000)
GOOD = {"status": "completed", "output": [{"type": "message", "content": []}], "error": None}


def body(params=None, **sampling):
    return json.loads(encoded("m", checked_params(sampling), params or {}, [{"role": "user", "content": "x"}]))


def test_policy_settings_come_before_those_of_the_row():
    row = {"temperature": 0.1, "top_p": 0.5, "model": "row's", "input": "row's"}
    sent = body(row, temperature=0.9)
    assert sent == {"temperature": 0.9, "top_p": 0.5, "model": "m", "input": [{"role": "user", "content": "x"}]}


def test_nulls_are_not_sent():
    assert body({"temperature": None, "tools": [], "stream": None}, top_p=None).keys() == {
        "tools",
        "model",
        "input",
    }


def test_extra_body_fills_in_and_never_replaces():
    sent = body({"extra_body": {"top_k": 1, "seed": 2}, "top_p": 0.5}, extra_body={"top_k": 9, "top_p": 0.1})
    assert (sent["top_k"], sent["seed"], sent["top_p"]) == (9, 2, 0.5)
    assert "extra_body" not in sent
    assert "extra_body" not in body({"extra_body": None})


@pytest.mark.parametrize("name", ["stream", "background"])
def test_rows_that_want_streams_are_refused(name):
    assert name not in body({name: False})
    with pytest.raises(ConfigError, match=name):
        body({name: True})


def test_lone_surrogates_are_replaced():
    sent = json.loads(encoded("m", {}, {}, [{"role": "user", "content": "a\ud800"}]))
    assert sent["input"][0]["content"] == "a\ufffd"


@pytest.mark.parametrize("status", ["completed", "incomplete"])
def test_finished_responses_are_answers(status):
    assert check({**GOOD, "status": status}, SETTINGS) is None
    assert check({**GOOD, "output": []}, SETTINGS) is None


@pytest.mark.parametrize(
    ("change", "kind", "again"),
    [
        ({"status": "in_progress"}, "invalid_response", True),
        ({"status": "queued"}, "invalid_response", True),
        ({"status": None}, "invalid_response", True),
        ({"status": ["completed"]}, "invalid_response", True),
        ({"output": None}, "invalid_response", True),
        ({"output": "text"}, "invalid_response", True),
        ({"output": ["text"]}, "invalid_response", True),
        ({"output": [{}]}, "invalid_response", True),
        ({"status": "failed"}, "server", True),
        ({"error": {"code": "server_error", "message": "x"}}, "server", True),
        ({"error": "x"}, "server", True),
        ({"error": {"code": "rate_limit_exceeded", "message": "x"}}, "rate_limit", True),
        ({"error": {"code": "invalid_prompt", "message": "x"}}, "bad_request", False),
        ({"error": {"code": "context_length_exceeded", "message": "x"}}, "context_overflow", False),
        ({"error": {"code": "image_content_policy_violation", "message": "x"}}, "content_filter", False),
    ],
)  # fmt: skip
def test_anything_else_is_none(change, kind, again):
    failure = check({**GOOD, **change}, SETTINGS)
    assert failure is not None
    assert (failure.kind, failure.again) == (kind, again)


def test_chat_completion_is_named_as_such():
    failure = check({"choices": [], "object": "chat.completion"}, SETTINGS)
    assert failure is not None
    assert "chat completion" in failure.message
