"""Slots of an event loop: a slot is a coroutine with one runner of episodes, and as many run as may at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from gym_llm.errors import GymLLMError
from gym_llm.rollouts import collector as collecting
from gym_llm.rollouts.collector import Collector
from gym_llm.rollouts.episodes import Failed, FatalError, Finished
from gym_llm.rollouts.plan import Job


class Runner(Protocol):
    """What plays one episode after another."""

    async def run(self, job: Job) -> Finished | Failed:
        """Play one; raises `FatalError` if there is no point in playing any other."""

    def close(self) -> None:
        """Give back what it holds."""


MakeRunner = Callable[[], Runner]


class Slots:
    """The stage of a collection whose policy is asked in this process.

    Args:
        make_runner: Makes one slot's runner.
        concurrency: Most episodes at once.
    """

    def __init__(self, make_runner: MakeRunner, concurrency: int) -> None:
        self._make_runner, self._concurrency = make_runner, concurrency
        self._slots: set[asyncio.Task[None]] = set()

    async def run(self, collector: Collector) -> None:
        """Play all jobs.

        All slots start at once: requests leave before answers are looked at, so the model is busy soonest.
        """
        try:
            for _ in range(self._concurrency):
                job = collector.next()
                if job is None:
                    break
                slot = asyncio.create_task(self._slot(collector, job))
                self._slots.add(slot)
                slot.add_done_callback(lambda ended: self._ended(collector, ended))
            while self._slots:
                await asyncio.wait(self._slots)
        finally:
            await self._leave()

    def cancel(self) -> None:
        """Cancel all slots."""
        for slot in self._slots:
            slot.cancel()

    async def _leave(self) -> None:
        """Cancel what still runs, and wait for it a moment: nothing may be written after the files are closed."""
        self.cancel()
        if self._slots:
            await asyncio.wait(self._slots, timeout=collecting.GRACE_SECONDS)

    async def _slot(self, collector: Collector, first: Job) -> None:
        """Play jobs until none is left."""
        job: Job | None = first
        runner = self._make_runner()
        try:
            while job is not None:
                collector.settle(job, await runner.run(job))
                job = collector.next()
        except FatalError as error:
            collector.stop(error.cause)
        except GymLLMError as error:
            collector.stop(error)
        finally:
            runner.close()

    def _ended(self, collector: Collector, slot: asyncio.Task[None]) -> None:
        self._slots.discard(slot)
        if not slot.cancelled() and (error := slot.exception()) is not None:
            collector.stop(error if isinstance(error, Exception) else None)
