"""`OpenAIPolicy` against the mock model: the answer, event loops, many callers, a server's limits."""

from __future__ import annotations

import asyncio
import gc
import resource
import threading
import time

import pytest
from raw_server import ITEMS, ask, http

from gym_llm.errors import ConfigError, ModelError
from gym_llm.items import output_text
from gym_llm.mock_model import MockModel
from gym_llm.policies import OpenAIPolicy


def test_answer_is_the_decoded_response_with_meta():
    with MockModel(text="Hi.", keep_requests=1) as server:
        policy = OpenAIPolicy("mock", server.base_url, temperature=0.3)
        params = {"tools": [], "temperature": 1.0, "top_p": None}
        answer = asyncio.run(policy(ITEMS, {"responses_create_params": params}))
        assert server.recent[0] == {"tools": [], "temperature": 0.3, "model": "mock", "input": ITEMS}
    assert output_text(answer["output"]) == "Hi."
    assert {"output", "usage", "status", "incomplete_details", "id", "model"} <= answer.keys()
    assert set(answer["_gym_llm"]) == {"latency", "attempts"}


def test_openai_objects_can_be_made_of_it():
    responses = pytest.importorskip("openai.types.responses")
    with MockModel(text="Hi.") as server:
        answer = ask(OpenAIPolicy("mock", server.base_url))[0]
    assert isinstance(answer, dict)
    assert responses.Response.model_validate(answer).output_text == "Hi."


def test_large_requests_and_answers():
    text = "x" * 3_000_000
    with MockModel(text=text) as server:
        policy = OpenAIPolicy("mock", server.base_url)
        answer = asyncio.run(policy([{"role": "user", "content": text}], {}))
    assert output_text(answer["output"]) == text


def test_one_policy_serves_several_loops_and_leaves_nothing_open():
    with MockModel() as server:
        policy = OpenAIPolicy("mock", server.base_url)
        for _ in range(3):
            assert asyncio.run(policy(ITEMS, {}))["status"] == "completed"  # the loop's end closes the session
        failures = []

        def run():
            try:
                ask(policy, times=20)
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        gc.collect()  # warnings are errors: an unclosed session would speak up here
        deadline = time.monotonic() + 5
        while server.stats.connections and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.stats.connections == 0


def test_closed_policy_can_be_used_again_and_equal_policies_share():
    async def main(base_url):
        one, two = OpenAIPolicy("mock", base_url), OpenAIPolicy("mock", base_url)
        await one(ITEMS, {})
        await two(ITEMS, {})
        await one.close()
        await two(ITEMS, {})
        await one.close()
        await two.close()
        await one(ITEMS, {})
        await one.close()

    with MockModel() as server:
        asyncio.run(main(server.base_url))
        assert server.stats.max_connections <= 2


def test_requests_in_flight_are_bounded():
    with MockModel(latency=0.02) as server:
        answers = ask(OpenAIPolicy("mock", server.base_url, max_in_flight=7), times=60)
        assert all(isinstance(answer, dict) for answer in answers)
        assert server.stats.max_in_flight == 7


def test_all_are_sent_at_once_where_that_is_allowed():
    with MockModel(latency=1) as server:
        ask(OpenAIPolicy("mock", server.base_url), times=400)
        assert server.stats.max_in_flight >= 380


def test_open_files_limit_is_raised_for_many_connections():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2000:
        pytest.skip("the hard limit is low")
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    try:
        with MockModel() as server:
            resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
            ask(OpenAIPolicy("mock", server.base_url, max_in_flight=1000))
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 1000
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_giving_up_in_the_queue_leaves_the_others_alone():
    async def main(base_url):
        policy = OpenAIPolicy("mock", base_url, max_in_flight=2)
        tasks = [asyncio.create_task(policy(ITEMS, {})) for _ in range(40)]
        await asyncio.sleep(0.05)
        for task in tasks[::2]:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await policy.close()
        return results

    with MockModel(latency=0.02) as server:
        results = asyncio.run(main(server.base_url))
    assert all(isinstance(result, dict) for result in results[1::2])
    assert sum(isinstance(result, asyncio.CancelledError) for result in results[::2]) >= 15


def test_limit_of_the_server_is_found_with_few_refusals():
    with MockModel(rate=100) as server:
        started = time.monotonic()
        answers = ask(OpenAIPolicy("mock", server.base_url), times=300)
        assert all(isinstance(answer, dict) for answer in answers)
        assert server.stats.rejected < 150
        assert time.monotonic() - started < 20


def test_retry_after_holds_everybody_back():
    with MockModel(faults="unavailable:first=1:retry_after=1") as server:

        async def main():
            policy = OpenAIPolicy("mock", server.base_url, max_in_flight=1)
            started = time.monotonic()
            await asyncio.gather(*(policy(ITEMS, {}) for _ in range(5)))
            await policy.close()
            return time.monotonic() - started

        assert asyncio.run(main()) >= 0.95
        assert server.stats.requests == 6


def test_failing_server_is_not_asked_many_times_over():
    with MockModel(faults="server_error") as server:
        results = ask(OpenAIPolicy("mock", server.base_url, max_in_flight=50, max_attempts=3), times=400)
        assert all(isinstance(result, ModelError) and result.kind == "server" for result in results)
        assert server.stats.requests <= 400 + 150 + 0.1 * 400
        assert any("a tenth of all requests" in str(result) for result in results)


def test_connection_that_went_stale_is_a_retry(raw_server):
    good = http(b'{"status": "completed", "output": []}').replace(b"Connection: close\r\n", b"")

    async def main(base_url):
        policy = OpenAIPolicy("mock", base_url, max_attempts=3)
        await policy(ITEMS, {})
        answer = await policy(ITEMS, {})  # the server has closed the connection that it promised to keep
        await policy.close()
        return answer

    assert asyncio.run(main(raw_server(good).base_url))["status"] == "completed"


def test_row_that_wants_a_stream_is_refused():
    policy = OpenAIPolicy("mock", "http://127.0.0.1:9/v1")
    with pytest.raises(ConfigError, match="stream"):
        asyncio.run(policy(ITEMS, {"responses_create_params": {"stream": True}}))


def test_proxy_of_the_environment_is_used(raw_server, monkeypatch):
    proxy = raw_server(http(b'{"status": "completed", "output": []}'))
    monkeypatch.setenv("http_proxy", proxy.base_url.removesuffix("/v1"))
    answer = ask(OpenAIPolicy("mock", "http://model.invalid/v1"))[0]
    assert isinstance(answer, dict)
    assert proxy.requests[0].startswith(b"POST http://model.invalid/v1/responses HTTP/1.1\r\n")
