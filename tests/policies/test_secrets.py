"""A planted key is sent in one header, and stands nowhere else."""

from __future__ import annotations

import json
import logging
import pickle
import traceback

import pytest
from raw_server import ask, http

from gym_llm.errors import ConfigError, ModelError
from gym_llm.policies import OpenAIPolicy, from_spec

KEY = "SECRET_4f1c9a7e"
ECHO = json.dumps({"error": {"message": f"Bearer {KEY} may not do this"}}).encode()


@pytest.fixture
def everything_logged(caplog):
    caplog.set_level(logging.DEBUG)
    return caplog


@pytest.mark.parametrize("given", ["directly", "by the environment"])
@pytest.mark.parametrize("status", ["200 OK", "307 Temporary", "400 Bad", "401 No", "404 No", "429 Slow", "500 Oops"])
def test_key_never_comes_back(status, given, raw_server, everything_logged, monkeypatch):
    server = raw_server(http(ECHO, status, f"Location: http://h/{KEY}", "Retry-After: 0"))
    if given == "directly":
        policy = OpenAIPolicy("m", server.base_url, api_key=KEY, max_attempts=2)
    else:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        policy = OpenAIPolicy("m", server.base_url, max_attempts=2)
    error = ask(policy)[0]
    assert isinstance(error, ModelError)
    assert f"Authorization: Bearer {KEY}\r\n".encode() in server.requests[0]
    shown = [
        str(error), repr(error), repr(vars(error)), "".join(traceback.format_exception(error)),
        everything_logged.text, repr(policy), str(policy.spec()), repr(pickle.dumps(policy)),
        repr(pickle.dumps(policy.spec())),
        repr(pickle.dumps(error)), repr(error.__context__), repr(error.__cause__),
    ]  # fmt: skip
    assert not [text for text in shown if KEY in text]


def test_key_never_comes_back_from_broken_answers(raw_server, everything_logged):
    for reply in (
        b"",
        KEY.encode() + b"\r\n\r\n",
        http(KEY.encode()),
        http(b"{}", "200 OK", f"Content-Encoding: {KEY}"),
    ):
        error = ask(OpenAIPolicy("m", raw_server(reply).base_url, api_key=KEY, max_attempts=1))[0]
        assert isinstance(error, ModelError)
        assert KEY not in "".join(traceback.format_exception(error))
    assert KEY not in everything_logged.text


def test_spec_keeps_the_name_of_the_variable_and_no_key():
    policy = OpenAIPolicy("m", "http://h/v1", api_key=KEY, api_key_env="MY_KEY")
    assert policy.spec()["api_key_env"] == "MY_KEY"
    assert "api_key" not in policy.spec()
    assert from_spec({**policy.spec(), "api_key": KEY}) == policy


def test_key_in_an_address_is_refused_without_showing_it():
    for address in (f"http://user:{KEY}@h/v1", f"http://h/v1?api_key={KEY}"):
        with pytest.raises(ConfigError) as caught:
            OpenAIPolicy("m", address)
        assert KEY not in "".join(traceback.format_exception(caught.value))
