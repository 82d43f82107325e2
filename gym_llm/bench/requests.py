"""The requests of a collection and nothing else: through the policy, and through a bare HTTP client as the floor."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from gym_llm.bench.model import Model
from gym_llm.bench.solutions import Request
from gym_llm.mock_model.server import raise_open_files_limit
from gym_llm.policies import from_spec
from gym_llm.rollouts.collector import rare_garbage_collection

Ask = Callable[[Request], Awaitable[Any]]


def through_policy(model: Model, episodes: Sequence[Sequence[Request]], concurrency: int) -> float:
    """Return the CPU seconds that the requests of some episodes cost through the policy."""

    async def run() -> float:
        policy = from_spec(model.policy(concurrency))
        try:
            return await _timed(
                lambda request: policy(request[0], {"responses_create_params": request[1]}), episodes, concurrency
            )
        finally:
            await policy.close()

    return asyncio.run(run())


def bare(model: Model, episodes: Sequence[Sequence[Request]], concurrency: int) -> float:
    """Return the CPU seconds that the same requests cost through aiohttp and msgspec alone."""

    async def run() -> float:
        import aiohttp

        headers = {"Content-Type": "application/json"}
        connector = aiohttp.TCPConnector(limit=concurrency)
        async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

            async def ask(request: Request) -> Any:
                body = msgspec.json.encode({**request[1], "model": "mock-model", "input": request[0]})
                async with session.post(f"{model.base_url}/responses", data=body, raise_for_status=True) as response:
                    return msgspec.json.decode(await response.read())

            return await _timed(ask, episodes, concurrency)

    return asyncio.run(run())


async def _timed(ask: Ask, episodes: Sequence[Sequence[Request]], concurrency: int) -> float:
    """Ask for all turns of all episodes, so many episodes at once; return this process's CPU seconds."""
    raise_open_files_limit()
    waiting = iter(episodes)

    async def lane() -> None:
        for episode in waiting:
            for request in episode:
                await ask(request)

    with rare_garbage_collection():
        before = time.process_time()
        await asyncio.gather(*(lane() for _ in range(min(concurrency, len(episodes)))))
        return time.process_time() - before
