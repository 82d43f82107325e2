from __future__ import annotations

import asyncio
import resource
import signal
import subprocess
import sys
import time
import urllib.request
from typing import Any

import aiohttp
import pytest

from gym_llm.errors import ConfigError
from gym_llm.mock_model import MockModel, MockModelConfig

SERVE = "import sys; from gym_llm.mock_model import *; serve(MockModelConfig.model_validate_json(sys.argv[1]))"


def test_it_runs_in_the_callers_loop() -> None:
    async def talk() -> int:
        async with (
            MockModel() as server,
            aiohttp.ClientSession() as session,
            session.post(f"{server.base_url}/responses", json={"input": "a"}) as answer,
        ):
            return answer.status

    assert asyncio.run(talk()) == 200


def test_it_can_be_started_again_after_stopping_and_stops_twice() -> None:
    async def twice() -> None:
        server = MockModel()
        for _ in range(2):
            await server.start()
            await server.stop()
        await server.stop()

    asyncio.run(twice())


def test_stopping_ends_open_connections_and_waiting_requests(connect: Any, request_bytes: Any) -> None:
    with MockModel(latency="60") as server:
        client = connect(server)
        client.send(request_bytes("/v1/responses", {"input": "a"}))
        while server.stats.in_flight == 0:
            time.sleep(0.005)
    assert (server.stats.in_flight, server.stats.connections) == (0, 0)


def test_waiting_requests_wait_at_the_same_time() -> None:
    async def many(server: MockModel, count: int) -> None:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def one() -> None:
                async with session.post(f"{server.base_url}/responses", json={"input": "a"}) as answer:
                    assert (await answer.json())["status"] == "completed"

            await asyncio.gather(*(one() for _ in range(count)))

    with MockModel(latency="2") as server:
        start = time.monotonic()
        asyncio.run(many(server, 300))
        assert time.monotonic() - start < 30
        assert server.stats.max_in_flight > 150


def test_a_stream_takes_its_time_between_events() -> None:
    async def arrivals(server: MockModel) -> int:
        async with aiohttp.ClientSession() as session:
            body = {"input": "a", "stream": True}
            async with session.post(f"{server.base_url}/responses", json=body) as answer:
                return len([chunk async for chunk, whole in answer.content.iter_chunks() if whole])

    with MockModel(stream_interval=0.005) as server:
        assert asyncio.run(arrivals(server)) >= 5


def test_a_taken_port_is_named_with_the_cure() -> None:
    with MockModel() as server:
        port = int(server.url.rsplit(":", 1)[1])
        with pytest.raises(ConfigError, match=rf"{port} is taken .* port=0"), MockModel(port=port):
            pass


def test_an_unusable_host_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot listen on 203"), MockModel(host="203.0.113.7"):
        pass


def test_config_and_options_exclude_each_other() -> None:
    with pytest.raises(ConfigError, match="text"):
        MockModel(MockModelConfig(), text="a")


def test_ipv6_addresses_are_bracketed() -> None:
    try:
        with MockModel(host="::1") as server:
            assert server.base_url.startswith("http://[::1]:")
    except ConfigError:
        pytest.skip("this machine has no IPv6 loopback")


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_serve_prints_its_address_and_leaves_cleanly(signum: int) -> None:
    config = MockModelConfig(text="served").model_dump_json()
    with subprocess.Popen([sys.executable, "-c", SERVE, config], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        name, _, base_url = process.stdout.readline().strip().partition(": ")
        assert name == "base_url"
        request = urllib.request.Request(f"{base_url}/responses", b'{"input": "a"}')
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert b"served" in answer.read()
        process.send_signal(signum)
        assert process.stdout.read() == "1 requests, 0 rejected, at most 1 in flight\n"
        assert process.wait(timeout=20) == 0


def test_the_limit_of_open_files_is_raised() -> None:
    with MockModel():
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert soft == hard
