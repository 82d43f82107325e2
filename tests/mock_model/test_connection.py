from __future__ import annotations

import json
import time
from typing import Any

import pytest

from gym_llm.mock_model import MockModel


def test_one_connection_serves_many_requests(connect: Any, request_bytes: Any, call: Any) -> None:
    path, body = call
    with MockModel() as server:
        client = connect(server)
        for _ in range(20):
            client.send(request_bytes(path, body))
            assert client.read()[0] == 200
        assert (server.stats.requests, server.stats.connections) == (20, 1)


def test_pipelined_requests_are_answered_in_order(connect: Any, request_bytes: Any) -> None:
    with MockModel(answers="echo", latency="uniform:0:0.01") as server:
        client = connect(server)
        bodies = [{"model": "m", "input": f"number {n}", "stream": n % 3 == 0} for n in range(30)]
        client.send(b"".join(request_bytes("/v1/responses", body) for body in bodies))
        for number in range(30):
            assert f"number {number}".encode() in client.read()[2]
        assert server.stats.max_in_flight == 1


def test_a_flood_of_pipelined_bytes_waits_in_the_kernel_and_is_answered(connect: Any, request_bytes: Any) -> None:
    large = request_bytes("/v1/responses", {"model": "m", "input": "a" * 300_000})
    with MockModel(latency="0.02") as server:
        client = connect(server)
        client.send(large * 12)
        for _ in range(12):
            assert client.read()[0] == 200


def test_a_body_that_waits_for_continue_is_asked_for(connect: Any, request_bytes: Any) -> None:
    with MockModel() as server:
        client = connect(server)
        head, _, body = request_bytes("/v1/responses", {"input": "a"}, Expect="100-continue").partition(b"\r\n\r\n")
        client.send(head + b"\r\n\r\n")
        assert client.read_head()[0] == 100
        client.send(body)
        assert client.read()[0] == 200


def test_a_chunked_body_is_read(connect: Any) -> None:
    with MockModel() as server:
        client = connect(server)
        client.send(b"POST /v1/responses HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in (b'{"inp', b'ut": "a"}'):
            client.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        client.send(b"0\r\n\r\n")
        assert client.read()[0] == 200


def test_a_client_that_asks_for_close_gets_it(connect: Any, request_bytes: Any) -> None:
    with MockModel() as server:
        client = connect(server)
        client.send(request_bytes("/v1/responses", {"input": "a"}, Connection="close"))
        assert client.read()[0] == 200
        assert client.rest() == b""


def test_bytes_that_are_no_http_end_the_connection(connect: Any) -> None:
    with MockModel() as server:
        client = connect(server)
        client.send(b"\x16\x03\x01 TLS hello\r\n\r\n")
        assert client.read()[0] == 400
        assert client.rest() == b""


def test_a_body_above_the_cap_is_refused_before_it_is_sent(connect: Any) -> None:
    with MockModel(max_body_bytes=100) as server:
        client = connect(server)
        client.send(b"POST /v1/responses HTTP/1.1\r\nContent-Length: 101\r\n\r\n")
        assert client.read()[0] == 413


@pytest.mark.parametrize(
    ("path", "method", "body", "status", "says"),
    [
        ("/v1/response", "POST", {}, 404, "/v1/responses"),
        ("/", "GET", None, 404, "/health"),
        ("/v1/responses", "GET", None, 405, "POST only"),
        ("/v1/models", "POST", {}, 405, "GET only"),
    ],
)
def test_unknown_routes_name_the_known_ones(
    post: Any, path: str, method: str, body: Any, status: int, says: str
) -> None:
    with MockModel() as server:
        got, _, raw = post(server, path, body, method)
        assert got == status
        assert says in _error(raw)["message"]
        assert server.stats.requests == 0


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "JSON"),
        (b'{"input": "\xff"}', "JSON"),
        (b"[" * 200_000, "JSON"),
        ([], "one JSON object"),
        ({}, "input"),
        ({"input": [1]}, "list of items"),
        ({"input": [{"role": "user"}]}, "content"),
        ({"input": "a", "tools": ["t"]}, "tools"),
        ({"input": "a", "model": 1}, "model"),
        ({"input": "a", "previous_response_id": "r"}, "whole conversation"),
        ({"input": [{"type": "function_call", "call_id": "c"}]}, "No tool output"),
        ({"input": [{"type": "function_call_output", "call_id": "c"}]}, "No tool call"),
    ],
)
def test_wrong_responses_requests_get_an_openai_error(post: Any, body: Any, says: str) -> None:
    _refused(post, "/v1/responses", body, says)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "messages"),
        ({"messages": [{"role": "judge", "content": ""}]}, "judge"),
        ({"messages": [{"role": "user", "content": 1}]}, "content"),
        ({"messages": [{"role": "user", "content": "a"}], "n": 2}, "one choice"),
        ({"messages": [{"role": "tool", "tool_call_id": "c"}]}, "No tool call"),
        ({"messages": [{"role": "assistant", "tool_calls": [{}]}]}, "tool_calls"),
    ],
)
def test_wrong_chat_requests_get_an_openai_error(post: Any, body: Any, says: str) -> None:
    _refused(post, "/v1/chat/completions", body, says)


def _refused(post: Any, path: str, body: Any, says: str) -> None:
    with MockModel() as server:
        status, headers, raw = post(server, path, body)
        assert (status, headers["content-type"]) == (400, "application/json")
        assert says in _error(raw)["message"]
        assert (server.stats.rejected, server.stats.in_flight) == (1, 0)


def _error(raw: bytes) -> dict[str, Any]:
    error = json.loads(raw)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return dict(error)


def test_a_compressed_request_is_refused_with_415(post: Any) -> None:
    with MockModel() as server:
        assert post(server, "/v1/responses", b"x", Content_Encoding="gzip")[0] == 415


def test_an_answerers_bug_is_a_500_and_the_server_goes_on(post: Any) -> None:
    with MockModel(answerer=lambda request: 1 // 0) as server:
        for _ in range(2):
            status, _, raw = post(server, "/v1/responses", {"input": "a"})
            assert status == 500
            assert "ZeroDivisionError" in json.loads(raw)["error"]["message"]


def test_health_models_and_stats(post: Any) -> None:
    with MockModel(model="tiny", keep_requests=1) as server:
        post(server, "/v1/responses", {"input": "first"})
        post(server, "/v1/responses", {"input": "second", "model": "other"})
        assert json.loads(post(server, "/health", None, "GET")[2]) == {"status": "ok"}
        assert json.loads(post(server, "/v1/models", None, "GET")[2])["data"][0]["id"] == "tiny"
        stats = json.loads(post(server, "/stats", None, "GET")[2])
        assert (stats["requests"], stats["answered"], stats["rejected"], stats["in_flight"]) == (2, 2, 1, 0)
        assert stats["bytes_in"] > 0 < stats["bytes_out"]
        assert [body["input"] for body in server.recent] == ["second"]


def test_a_client_that_leaves_while_it_waits_is_counted_out(connect: Any, request_bytes: Any) -> None:
    with MockModel(latency="60") as server:
        client = connect(server)
        client.send(request_bytes("/v1/responses", {"input": "a"}))
        _wait_until(lambda: server.stats.in_flight == 1)
        client.close()
        _wait_until(lambda: server.stats.in_flight == 0)
        assert (server.stats.answered, server.stats.connections) == (0, 0)


def _wait_until(condition: Any) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
