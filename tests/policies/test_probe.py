"""Probing: each wrong endpoint and its message, a right one found without generating anything, never a hang."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest
from raw_server import http

from gym_llm.errors import ConfigError, ModelError
from gym_llm.mock_model import MockModel
from gym_llm.policies import ChatCompletionsPolicy, OpenAIPolicy, RandomPolicy, as_policy

HTML = http(b"<html>Welcome</html>", "200 OK", "Content-Type: text/html")
LOST = http(b"<html>Lost</html>", "404 Not Found", "Content-Type: text/html")
LIST = http(b'{"object": "list", "data": [{"id": "m"}, {"id": "other"}]}')
ABSENT = http(b'{"detail": "Not Found"}', "404 Not Found")
CANARY = "SECRET_9d31"


def said(message: str, status: str, code: object = None) -> bytes:
    return http(json.dumps({"error": {"message": message, "code": code}}).encode(), status)


def probed(policy, timeout=5.0):
    return asyncio.run(policy.probe(timeout))


def refused(policy, timeout=5.0) -> ModelError:
    started = time.monotonic()
    with pytest.raises(ModelError) as caught:
        probed(policy, timeout)
    assert time.monotonic() - started < timeout + 3
    assert CANARY not in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value


# what a server answers to GET /models, then to the call: kind of error, whether it is fatal, what the message says
ANSWERS = {
    "a web site": ([HTML], "invalid_response", True, "answered with an HTML page"),
    "a web site without such a page": ([LOST], "not_found", True, "an HTML page; this does not look like"),
    "a redirect": (
        [http(b"", "308 Moved", "Location: https://new.test/v1/models?k=1")],
        "not_found", True, "redirects (308) to https://new.test/v1/models, where the key is not sent; correct base_url",
    ),
    "no HTTP": ([b"SSH-2.0-OpenSSH_9\r\n\r\n"], "invalid_response", True, "did not answer in HTTP"),
    "another JSON service": ([http(b'{"hello": "world"}')], "invalid_response", True, "no answer of the Responses API"),
    "a wrong key": (
        [said(f"Incorrect key {CANARY}", "401 Unauthorized")], "auth", True, "Check the API key in OPENAI_API_KEY",
    ),
    "a wrong key, the list being public": ([LIST, said("No auth", "401 Unauthorized")], "auth", True, "No auth"),
    "a key without rights": ([LIST, said("Not in your country", "403 Forbidden")], "auth", True, "Not in your country"),
    "a used up quota": (
        [LIST, said("Pay.", "429 Wait", "insufficient_quota")], "rate_limit", True, "the quota at",
    ),
    "no Responses API": ([LIST, ABSENT], "not_found", True, "has no /responses (404): it does not speak"),
    "a model that is refused": (
        [http(b'{"data": [{"id": "a/b"}]}'), ABSENT, said("m is not a valid model ID", "400 Bad Request")],
        "not_found", True, "has no model 'm' (400): m is not a valid model ID. It has: a/b",
    ),
    "a deployment that is missing": (
        [ABSENT, said("The API deployment does not exist", "404 Not Found", "DeploymentNotFound")],
        "not_found", True, "has no model 'm' (404): The API deployment does not exist. Correct model",
    ),
    "a server that loads its model": (
        [said("Loading model", "503 Service Unavailable")], "server", False, "Loading model; still so after 1 seconds",
    ),
    "a dropped connection": ([b""], "connection", False, "was lost"),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_wrong_answers(name, raw_server):
    replies, kind, fatal, text = ANSWERS[name]
    error = refused(OpenAIPolicy("m", raw_server(*replies).base_url, api_key=CANARY), 1.0)
    assert (error.kind, error.fatal) == (kind, fatal)
    assert text in str(error)


def test_no_chat_api_names_the_other_policy(raw_server):
    server = raw_server(LIST, ABSENT)
    assert "use a policy of type 'openai'" in str(refused(ChatCompletionsPolicy("m", server.base_url)))
    server = raw_server(LIST, ABSENT)
    assert "leave out `completions`" in str(refused(ChatCompletionsPolicy("m", server.base_url, completions=True)))


POLICIES = [OpenAIPolicy, ChatCompletionsPolicy]


@pytest.mark.parametrize("make", POLICIES)
def test_missing_and_wrong_key(make):
    with MockModel(api_key="right") as server:
        missing = refused(make("mock-model", server.base_url))
        wrong = refused(make("mock-model", server.base_url, api_key=CANARY, api_key_env="MY_KEY"))
    assert "No API key was sent: set OPENAI_API_KEY" in str(missing)
    assert "Check the API key in MY_KEY" in str(wrong)
    assert (wrong.kind, wrong.status, wrong.fatal) == ("auth", 401, True)


@pytest.mark.parametrize("make", POLICIES)
def test_wrong_model_is_told_what_there_is(make):
    with MockModel(model="tiny") as server:
        error = refused(make("tinny", server.base_url))
    assert (error.kind, error.fatal) == ("not_found", True)
    assert "has no model 'tinny'" in str(error)
    assert "Did you mean 'tiny'? It has: tiny" in str(error)


@pytest.mark.parametrize("make", POLICIES)
@pytest.mark.parametrize("end", ["", "/v1/responses", "/v1/chat/completions", "/v1/models"])
def test_wrong_path_is_told_the_right_one(make, end):
    with MockModel(api_key="right") as server:
        error = refused(make("m", server.url + end, api_key="right"))
        assert f"The API is at {server.base_url}: set base_url to that" in str(error)


def test_nothing_listens():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = refused(OpenAIPolicy("m", f"http://127.0.0.1:{taken.getsockname()[1]}/v1"))
    assert (error.kind, error.fatal) == ("connection", True)
    assert "Connection refused; check base_url and that the server is running" in str(error)


def test_unknown_host():
    error = refused(OpenAIPolicy("m", "http://no-such-host.invalid/v1"))
    assert (error.kind, error.fatal) == ("connection", True)
    assert "no-such-host.invalid" in str(error)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_silence_is_no_hang(scheme):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        error = refused(OpenAIPolicy("m", f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/v1"), 0.5)
    assert (error.kind, error.fatal) == ("timeout", True)
    assert "does not answer (waited 0.5 seconds)" in str(error)
    assert ("http:// address" in str(error)) == (scheme == "https")


def test_tls_to_a_plain_port(raw_server):
    address = raw_server(http(b"", "400 Bad Request")).base_url.replace("http:", "https:")
    error = refused(OpenAIPolicy("m", address))
    assert (error.kind, error.fatal) == ("connection", True)
    assert "is it an http:// address, or the certificate wrong?" in str(error)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_certificate_that_nobody_trusts(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.socket() as plain:
        plain.bind(("127.0.0.1", 0))
        plain.listen()

        def serve() -> None:
            raw, _ = plain.accept()
            with raw, contextlib.suppress(OSError):
                context.wrap_socket(raw, server_side=True)

        thread = threading.Thread(target=serve)
        thread.start()
        error = refused(OpenAIPolicy("m", f"https://127.0.0.1:{plain.getsockname()[1]}/v1"))
        thread.join()
    assert (error.kind, error.fatal) == ("connection", True)
    assert "certificate" in str(error)


@pytest.mark.parametrize("make", POLICIES)
def test_right_endpoint_generates_nothing(make):
    with MockModel(api_key="right", model="tiny", faults="server_error") as server:
        (found,) = probed(make("tiny", server.base_url, api_key="right"))
        assert server.stats.requests == 0
    assert (found.endpoint, found.model, found.models, found.problem) == (server.base_url, "tiny", ("tiny",), None)
    assert found.latency is not None
    assert found.latency > 0
    assert found.apis is None


def test_any_name_will_do_where_the_server_says_so():
    with MockModel() as server:
        probed(OpenAIPolicy("a/b", server.base_url))
        assert server.stats.requests == 0


def test_apis_are_found_when_asked_for():
    with MockModel() as server:
        (found,) = asyncio.run(OpenAIPolicy("m", server.base_url).probe(thorough=True))
    assert found.apis == ("/responses", "/chat/completions")


def test_server_without_a_list_is_asked_for_the_least(raw_server):
    server = raw_server(ABSENT, http(b'{"status": "incomplete", "output": []}'))
    probed(OpenAIPolicy("m", server.base_url))
    assert b'"max_output_tokens":16' in server.requests[1]


def test_empty_call_that_breaks_a_server_is_followed_by_a_real_one(raw_server):
    server = raw_server(LIST, said("'messages' is missing", "500 Oops"), http(b'{"choices": []}'))
    probed(ChatCompletionsPolicy("m", server.base_url))
    assert len(server.requests) == 3
    assert b'"max_tokens":1' in server.requests[2]


def test_parameter_that_is_refused_shows_that_the_server_is_there(raw_server):
    refusal = said("Unsupported parameter: 'max_tokens' is not supported with this model.", "400 Bad Request")
    assert probed(ChatCompletionsPolicy("m", raw_server(ABSENT, refusal).base_url))


def test_loading_server_is_waited_for(raw_server):
    loading = said("Loading model", "503 Service Unavailable")
    assert probed(ChatCompletionsPolicy("m", raw_server(loading, loading, http(b'{"choices": []}')).base_url))


def test_names_that_a_server_lists_are_harmless(raw_server):
    names = json.dumps({"data": [{"id": f"\x1b[31m{CANARY}"}, {"id": "m"}, {"id": 3}, "x"]}).encode()
    (found,) = probed(OpenAIPolicy("m", raw_server(http(names), said("No input", "400 Bad")).base_url, api_key=CANARY))
    assert found.models[1:] == ("m",)
    assert "\x1b" not in found.models[0]
    assert CANARY not in found.models[0]


def test_policies_without_a_server_have_nothing_to_probe():
    assert probed(RandomPolicy()) == []
    assert probed(as_policy(lambda observation: [])) == []


def test_key_that_no_header_can_hold(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "one\r\ntwo")
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        probed(OpenAIPolicy("m", "http://127.0.0.1:9/v1"))
