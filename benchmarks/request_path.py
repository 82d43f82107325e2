"""CPU per model request through a policy, beside a bare aiohttp + msgspec client on the same requests.

The mock model answers from another process; both clients run in this one, in turns (A B A B). Waiting requests are
all started at once. Usage: python benchmarks/request_path.py [--api responses chat] [--turns 0 10]
[--requests 2000 16000] [--latency 0 1] [--rounds 3]
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import os
import platform
import pstats
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import aiohttp
import msgspec

from gym_llm.policies import ChatCompletionsPolicy, OpenAIPolicy
from gym_llm.policies.chat.conversion import chat_messages

Client = Callable[[list[dict[str, Any]], dict[str, Any]], Awaitable[dict[str, Any]]]

SERVER = """
from gym_llm.mock_model import MockModelConfig, serve
serve(MockModelConfig(text="The answer is \\\\boxed{{B}}.", latency="{latency}"))
"""
QUESTION = "Which of these is the capital of Norway? " + "Consider each option with care. " * 20
PARAMS = {
    "temperature": 1.0,
    "max_output_tokens": 256,
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "top_p": None,
}


POLICIES = {"responses": OpenAIPolicy, "chat": ChatCompletionsPolicy}


def conversation(turns: int) -> list[dict[str, Any]]:
    """Return a conversation of about a kilobyte per turn: reasoning, a call and its output."""
    items: list[dict[str, Any]] = [{"role": "user", "content": QUESTION}]
    for turn in range(turns):
        call = {"call_id": f"call_{turn}", "name": "look_up", "arguments": '{"city": "Oslo"}'}
        items += [
            {
                "type": "reasoning",
                "id": f"rs_{turn}",
                "summary": [{"type": "summary_text", "text": "I think. " * 40}],
            },
            {"type": "function_call", "id": f"fc_{turn}", "status": "completed", **call},
            {"type": "function_call_output", "call_id": f"call_{turn}", "output": "It is cold. " * 25},
        ]
    return items


@contextmanager
def server(latency: float) -> Iterator[str]:
    """Run the mock model in a process of its own; gives its base_url."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER.format(latency=latency)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().removeprefix("base_url:").strip()
    finally:
        process.terminate()
        process.communicate()


async def bare(base_url: str, api: str, turns: int, limit: int, count: int) -> float:
    """The least that a client can do: encode, post, read, decode; for chat, of messages made beforehand."""
    connector = aiohttp.TCPConnector(limit=limit)
    async with aiohttp.ClientSession(connector=connector, headers={"Authorization": "Bearer none"}) as session:
        url = f"{base_url}/{'responses' if api == 'responses' else 'chat/completions'}"
        items = conversation(turns)
        given = {"input": items} if api == "responses" else {"messages": chat_messages(items)}

        async def call(observation: list[dict[str, Any]], info: dict[str, Any]) -> dict[str, Any]:
            body = {**info["responses_create_params"], "model": "mock", **given}
            async with session.post(url, data=msgspec.json.encode(body)) as response:
                answer: dict[str, Any] = msgspec.json.decode(await response.read())
                return answer

        return await timed(call, turns, count)


async def ours(base_url: str, api: str, turns: int, limit: int, count: int) -> float:
    """The policy."""
    policy = POLICIES[api]("mock", base_url, api_key="none", max_in_flight=limit)
    try:
        return await timed(policy, turns, count)
    finally:
        await policy.close()


async def timed(client: Client, turns: int, count: int) -> float:
    """Return CPU milliseconds per request of this process, with all requests started at once."""
    observation, info = conversation(turns), {"responses_create_params": PARAMS}
    gc.collect()
    started = time.process_time()
    answers = await asyncio.gather(*(client(observation, info) for _ in range(count)))
    spent = time.process_time() - started
    assert all(answer.get("status") == "completed" or answer["choices"] for answer in answers)
    return 1000 * spent / count


def compare(api: str, turns: int, count: int, latency: float, limit: int, rounds: int) -> None:
    """Print the medians of one setting."""
    cost: dict[str, list[float]] = {"bare": [], "policy": []}
    wall: dict[str, list[float]] = {"bare": [], "policy": []}
    with server(latency) as base_url:
        asyncio.run(bare(base_url, api, turns, 64, 200))
        asyncio.run(ours(base_url, api, turns, 64, 200))
        for _ in range(rounds):
            for name, run in (("bare", bare), ("policy", ours)):
                started = time.perf_counter()
                cost[name].append(asyncio.run(run(base_url, api, turns, limit, count)))
                wall[name].append(time.perf_counter() - started)
    cells = []
    for name in cost:
        middle, low, high = statistics.median(cost[name]), min(cost[name]), max(cost[name])
        cells.append(f"{middle:.3f} ({low:.3f}-{high:.3f}) | {statistics.median(wall[name]):.1f}")
    ratio = statistics.median(cost["policy"]) / statistics.median(cost["bare"])
    print(f"| {api} | {turns} | {count} | {latency:g} | {limit} | {' | '.join(cells)} | {ratio:.2f} |", flush=True)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--api", choices=POLICIES, nargs="+", default=list(POLICIES))
    parser.add_argument("--turns", type=int, nargs="+", default=[0], help="past turns of the conversation")
    parser.add_argument("--requests", type=int, nargs="+", default=[2000, 16000])
    parser.add_argument("--latency", type=float, nargs="+", default=[0.0, 1.0])
    parser.add_argument("--in-flight", type=int, nargs="+", default=[1024, 16000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", action="store_true", help="profile the policy instead")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if options.profile:
        with server(options.latency[0]) as base_url, cProfile.Profile() as profile:
            asyncio.run(ours(base_url, options.api[0], options.turns[0], options.in_flight[0], options.requests[0]))
        pstats.Stats(profile).sort_stats("tottime").print_stats(40)
        return
    print(f"Python {platform.python_version()}, aiohttp {aiohttp.__version__}, {os.cpu_count()} cores, "
          f"load {os.getloadavg()[0]:.1f}; CPU ms per request: median (lowest-highest)")  # fmt: skip
    columns = ["API", "past turns", "requests", "latency s", "in flight"]
    columns += ["bare: CPU ms", "wall s", "policy: CPU ms", "wall s", "ratio"]
    print(f"| {' | '.join(columns)} |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    settings = product(options.api, options.turns, options.requests, options.latency, options.in_flight)
    for api, turns, count, latency, limit in settings:
        if limit <= max(count, 1024):
            compare(api, turns, count, latency, limit, options.rounds)


if __name__ == "__main__":
    main()
