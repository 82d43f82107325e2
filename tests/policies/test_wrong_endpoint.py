"""Wrong key, host, model, protocol: an error that names what is wrong and the cure."""

from __future__ import annotations

import socket

import pytest
from raw_server import ask, http

from gym_llm.errors import ConfigError, ModelError
from gym_llm.mock_model import MockModel
from gym_llm.policies import OpenAIPolicy


def refused(*arguments, **settings):
    error = ask(OpenAIPolicy(*arguments, **{"max_attempts": 2, "timeout": 10, **settings}))[0]
    assert isinstance(error, ModelError), error
    return error


def test_missing_and_wrong_key():
    with MockModel(api_key="right") as server:
        missing = refused("m", server.base_url)
        wrong = refused("m", server.base_url, api_key="wrong", api_key_env="MY_KEY")
    for error in (missing, wrong):
        assert (error.kind, error.status, error.fatal, error.retryable) == ("auth", 401, True, False)
        assert server.base_url in str(error)
    assert "set OPENAI_API_KEY" in str(missing)
    assert "Check the API key in MY_KEY" in str(wrong)


def test_key_of_the_environment_is_found(monkeypatch):
    monkeypatch.setenv("MY_KEY", " right\n")
    with MockModel(api_key="right") as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        answer = ask(OpenAIPolicy("m", api_key_env="MY_KEY"))[0]
    assert isinstance(answer, dict)


def test_key_that_no_header_can_hold(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "one\r\ntwo")
    error = ask(OpenAIPolicy("m", "http://127.0.0.1:9/v1"))[0]
    assert isinstance(error, ConfigError)
    assert "$OPENAI_API_KEY" in str(error)
    assert "one" not in str(error)


def test_wrong_model():
    with MockModel(model="right") as server:
        error = refused("wrong", server.base_url)
    assert (error.kind, error.fatal) == ("not_found", True)
    assert "model='wrong'" in str(error)
    assert server.base_url in str(error)


def test_missing_v1():
    with MockModel() as server:
        error = refused("m", server.url)
    assert error.kind == "not_found"
    assert "base_url" in str(error)


def test_nothing_listens():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = refused("m", f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
    assert (error.kind, error.fatal, len(error.attempts)) == ("connection", True, 2)
    assert "check base_url and that the server is running" in str(error)


def test_unknown_host():
    error = refused("m", "http://no-such-host.invalid/v1")
    assert error.kind == "connection"
    assert "no-such-host.invalid" in str(error)


def test_tls_to_a_plain_port(raw_server):
    server = raw_server(http(b"", "400 Bad Request"))
    error = refused("m", server.base_url.replace("http:", "https:"))
    assert (error.kind, error.fatal, len(error.attempts)) == ("connection", True, 1)
    assert "is it an http:// address" in str(error)


def test_tls_to_a_plain_port_that_says_nothing():
    with MockModel() as server:
        error = refused("m", server.base_url.replace("http:", "https:"), timeout=1.0)
    assert error.kind in ("connection", "timeout")
    assert len(error.attempts) == 1
    assert server.base_url.removeprefix("http:") in str(error)


def test_html_says_that_this_is_no_endpoint():
    with MockModel(faults="html:status=200") as server:
        error = refused("m", server.base_url)
    assert "does not look like an OpenAI-compatible endpoint" in str(error)


def test_html_from_an_endpoint_that_has_answered_is_tried_again():
    with MockModel(faults="html:status=200:every=2") as server:
        first, second = ask(OpenAIPolicy("m", server.base_url, max_in_flight=1, max_attempts=2), times=2)
    assert isinstance(first, dict)
    assert isinstance(second, dict)


def test_redirects_are_not_followed_with_the_key(raw_server):
    elsewhere = raw_server(http(b"{}"))
    server = raw_server(http(b"", "308 Permanent Redirect", f"Location: {elsewhere.base_url}/responses?token=abc"))
    error = refused("m", server.base_url, api_key="secret-key")
    assert elsewhere.requests == []
    assert (error.kind, error.status, error.fatal) == ("not_found", 308, True)
    assert "127.0.0.1/v1/responses" in str(error)
    assert "token" not in str(error)


def test_server_text_is_short_and_harmless(raw_server):
    server = raw_server(http(b'{"error": {"message": "bad \\u001b[31m' + b"x" * 5000 + b'"}}', "400 Bad Request"))
    text = str(refused("m", server.base_url))
    assert "\x1b" not in text
    assert len(text) < 600


@pytest.mark.parametrize("body", [b'{"error": "plain"}', b'{"detail": "plain"}', b'{"message": "plain"}', b"plain"])
def test_message_is_found_in_every_shape(body, raw_server):
    assert "plain" in str(refused("m", raw_server(http(body, "400 Bad Request")).base_url))
