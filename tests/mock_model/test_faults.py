"""Every fault, as a client meets it on the wire."""

from __future__ import annotations

import asyncio
import email.utils
import json
import time
import zlib
from collections import Counter
from typing import Any

import aiohttp
import pytest

from gym_llm.mock_model import FaultConfig, MockModel
from gym_llm.mock_model.app import RateLimiter
from gym_llm.mock_model.faults import FaultPlan, gzip_bomb


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("rate_limit", 429, "rate_limit_exceeded"),
        ("server_error", 500, None),
        ("unavailable", 503, None),
        ("unauthorized", 401, "invalid_api_key"),
        ("not_found", 404, "model_not_found"),
        ("context_overflow", 400, "context_length_exceeded"),
    ],
)
def test_error_statuses(post: Any, call: Any, kind: str, status: int, code: str | None) -> None:
    with MockModel(faults=[kind]) as server:
        got, headers, raw = post(server, *call)
        assert (got, json.loads(raw)["error"]["code"]) == (status, code)
        assert headers.get("retry-after") == ("1" if status == 429 else None)
        assert (server.stats.faults, server.stats.rejected) == (Counter({kind: 1}), 1)


def test_retry_after_in_seconds_and_as_a_date(post: Any, call: Any) -> None:
    with MockModel(faults=["rate_limit:first=1:retry_after=2.5", "unavailable:retry_after=60:as_date=true"]) as server:
        assert post(server, *call)[1]["retry-after"] == "2.5"
        date = email.utils.parsedate_to_datetime(post(server, *call)[1]["retry-after"])
        assert 30 < date.timestamp() - time.time() < 90


def test_a_request_can_name_its_fault(post: Any, call: Any) -> None:
    path, body = call
    with MockModel() as server:
        assert post(server, path, body)[0] == 200
        assert post(server, path, body, X_Mock_Fault="unavailable")[0] == 503
        assert post(server, path, body | {"metadata": {"mock_fault": "server_error:status=502"}})[0] == 502
        status, _, raw = post(server, path, body, X_Mock_Fault="unavailabl")
        assert status == 400
        assert "'unavailable'" in json.loads(raw)["error"]["message"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_dropped_connection_says_nothing(connect: Any, request_bytes: Any, call: Any, stream: bool) -> None:
    path, body = call
    with MockModel(faults=["drop"]) as server:
        client = connect(server)
        client.send(request_bytes(path, body | {"stream": stream}))
        assert client.rest() == b""


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", ["drop_mid_body", "truncated_length"])
def test_a_body_ends_before_its_framing_does(
    connect: Any, request_bytes: Any, call: Any, kind: str, stream: bool
) -> None:
    path, body = call
    with MockModel(faults=[kind]) as server:
        client = connect(server)
        client.send(request_bytes(path, body | {"stream": stream}))
        with pytest.raises((EOFError, ConnectionResetError, ValueError)):
            client.read()


@pytest.mark.parametrize("stream", [False, True])
def test_a_body_that_ends_with_the_connection_is_half_of_it(
    connect: Any, request_bytes: Any, call: Any, stream: bool
) -> None:
    path, body = call
    with MockModel(faults=["truncated_close"]) as server:
        client = connect(server)
        client.send(request_bytes(path, body | {"stream": stream}))
        status, headers = client.read_head()
        assert (status, headers["connection"]) == (200, "close")
        assert not {"content-length", "transfer-encoding"} & set(headers)
        half = client.rest()
        assert half
        with pytest.raises(ValueError, match=r"."):
            json.loads(half.rpartition(b"data: ")[2])


def test_a_cut_stream_ends_in_good_order_without_its_last_event(post: Any, call: Any) -> None:
    path, body = call
    with MockModel(faults=["cut_stream"]) as server:
        events = post(server, path, body | {"stream": True})[2]
        assert events.endswith(b"\n\n")
        assert b"delta" in events
        for end in (b"response.completed", b"[DONE]", b'"finish_reason":"'):
            assert end not in events


@pytest.mark.parametrize("stream", [False, True])
def test_malformed_json_arrives_whole(post: Any, call: Any, stream: bool) -> None:
    path, body = call
    with MockModel(faults=["malformed_json"]) as server:
        status, _, raw = post(server, path, body | {"stream": stream})
        assert status == 200
        first = raw.partition(b"data: ")[2].partition(b"\n")[0] if stream else raw
        with pytest.raises(json.JSONDecodeError):
            json.loads(first)


@pytest.mark.parametrize(("fault", "status"), [("html", 502), ("html:status=200", 200)])
def test_a_proxys_page(post: Any, call: Any, fault: str, status: int) -> None:
    with MockModel(faults=[fault]) as server:
        got, headers, raw = post(server, *call)
        assert (got, headers["content-type"].partition(";")[0]) == (status, "text/html")
        assert raw.startswith(b"<html>")


def test_a_slow_answer_comes_byte_by_byte(connect: Any, request_bytes: Any, call: Any) -> None:
    with MockModel(faults=["slow:interval=0.05"]) as server:
        client = connect(server)
        client.send(request_bytes(*call))
        assert client.socket.recv(100) == b"H"
        assert server.stats.in_flight == 1


def test_a_slow_answer_is_whole_in_the_end(post: Any, call: Any) -> None:
    with MockModel(faults=["slow:interval=0.00001"]) as server:
        assert "id" in json.loads(post(server, *call)[2])


def test_a_hanging_answer_never_comes(connect: Any, request_bytes: Any, call: Any) -> None:
    with MockModel(faults=["hang"]) as server:
        client = connect(server)
        client.send(request_bytes(*call) * 2)
        client.socket.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.socket.recv(1)
        assert (server.stats.requests, server.stats.in_flight) == (1, 1)


def test_a_gzip_bomb_is_small_on_the_wire_and_valid() -> None:
    bomb = gzip_bomb(8)
    assert len(bomb) < 8 * 1100
    unpacker = zlib.decompressobj(31)
    assert unpacker.decompress(bomb) == b" " * (8 << 20)
    assert unpacker.eof


def test_a_gzip_bomb_is_sent_as_such(post: Any, call: Any) -> None:
    with MockModel(faults=["gzip_bomb:megabytes=2"]) as server:
        _, headers, raw = post(server, *call)
        assert headers["content-encoding"] == "gzip"
        assert len(zlib.decompress(raw, 31)) == 2 << 20


@pytest.mark.parametrize(
    ("kind", "reason", "finish"),
    [
        ("incomplete", "max_output_tokens", "length"),
        ("content_filter", "content_filter", "content_filter"),
    ],
)
def test_broken_off_answers(post: Any, kind: str, reason: str, finish: str) -> None:
    with MockModel(text="0123456789", faults=[kind], token_ids=True) as server:
        response = json.loads(post(server, "/v1/responses", {"input": "a"})[2])
        assert (response["status"], response["incomplete_details"]) == ("incomplete", {"reason": reason})
        assert response["output"][0]["content"][0]["text"] == "01234"
        assert len(response["output"][0]["generation_token_ids"]) == 7
        chat = {"messages": [{"role": "user", "content": "a"}]}
        assert json.loads(post(server, "/v1/chat/completions", chat)[2])["choices"][0]["finish_reason"] == finish


def test_aiohttp_meets_broken_transport_as_its_own_errors() -> None:
    async def meet(server: MockModel) -> list[str]:
        met = []
        async with aiohttp.ClientSession() as session:
            for kind in ("drop", "drop_mid_body", "truncated_length", "truncated_close", "gzip_bomb:megabytes=1"):
                try:
                    async with session.post(
                        f"{server.base_url}/responses", json={"input": "a"}, headers={"x-mock-fault": kind}
                    ) as answer:
                        await answer.json(content_type=None)
                        met.append("ok")
                except (aiohttp.ClientError, json.JSONDecodeError) as error:
                    met.append(type(error).__name__)
        return met

    with MockModel() as server:
        met = asyncio.run(meet(server))
    assert met[0] == "ServerDisconnectedError"
    assert met[1] in ("ClientPayloadError", "ClientOSError", "ClientConnectionResetError")
    assert met[2:4] == ["ClientPayloadError", "JSONDecodeError"]


def test_plans_strike_the_first_every_nth_and_by_chance() -> None:
    def struck(fault: str, seed: int = 0) -> list[int]:
        plan = FaultPlan([FaultConfig.model_validate(fault)], seed)
        return [number for number in range(1, 1001) if plan.choose({}, {}, number)]

    assert struck("drop:first=3") == [1, 2, 3]
    assert struck("drop:every=250") == [250, 500, 750, 1000]
    assert struck("drop:every=2:first=5") == [2, 4]
    assert 60 < len(struck("drop:probability=0.1")) < 140
    assert struck("drop:probability=0.1") == struck("drop:probability=0.1") != struck("drop:probability=0.1", 1)
    assert not struck("drop:probability=0")


def test_the_rate_limiter_admits_one_seconds_worth_and_then_the_rate() -> None:
    limiter = RateLimiter(100)
    assert sum(limiter.admits(10.0) for _ in range(500)) == 100
    assert sum(limiter.admits(10.0 + step / 1000) for step in range(1, 1001)) == 100


def test_requests_above_the_rate_get_429(post: Any, call: Any) -> None:
    with MockModel(rate=2) as server:
        answers = [post(server, *call) for _ in range(8)]
        statuses = Counter(status for status, _, _ in answers)
        assert statuses[200] >= 2 <= statuses[429]
        assert {headers.get("retry-after") for status, headers, _ in answers if status == 429} == {"1"}
