"""The collector: says which job is next, writes what comes back, and stops well.

Where episodes are played is the stage's: in slots of this process (`slots.py`) or in workers (`crew.py`). Failed
episodes are tried again after all fresh ones. How files are kept is said in `outputs.py`.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from gym_llm.errors import OutputError
from gym_llm.rollouts.episodes import Failed, Finished
from gym_llm.rollouts.metrics import Metrics
from gym_llm.rollouts.outputs import Outputs
from gym_llm.rollouts.plan import Job, Plan
from gym_llm.rollouts.progress import Progress

GRACE_SECONDS = 5.0

_GARBAGE_THRESHOLDS = (100_000, 10, 100)


class Stage(Protocol):
    """Where episodes are played."""

    async def run(self, collector: Collector) -> None:
        """Play the collector's jobs until none is left, or until it is stopping and none runs any more."""

    def cancel(self) -> None:
        """Give up what still runs."""


class Collector:
    """One run over a plan.

    Args:
        plan: What is to be done.
        outputs: Where it goes.
        metrics: What is counted.
        progress: What is shown.
        stage: Where it is played.
    """

    def __init__(self, plan: Plan, outputs: Outputs, metrics: Metrics, progress: Progress, stage: Stage) -> None:
        self.plan, self.outputs, self.metrics, self.progress = plan, outputs, metrics, progress
        self.interrupted = self.stopping = False
        self.error: Exception | None = None
        self._stage = stage
        self._loop: asyncio.AbstractEventLoop | None = None
        self._grace: asyncio.TimerHandle | None = None
        self._unwritten: list[tuple[Job, Finished]] = []

    async def run(self) -> None:
        """Play every job; returns when all are settled, or when stopped.

        Raises:
            Exception: What made going on pointless: a fatal `ModelError` or `JudgeError`, an `OutputError`, an author's
                mistake.
        """
        self._loop = asyncio.get_running_loop()
        try:
            with rare_garbage_collection():
                await self._stage.run(self)
        finally:
            self.flush()
            if self._grace is not None:
                self._grace.cancel()
        if self.error is not None:
            raise self.error

    def interrupt(self) -> None:
        """Stop handing out jobs and let running episodes end, for a while; callable from a signal handler."""
        self.interrupted = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.stop)

    def next(self) -> Job | None:
        """Return the next job; None when none waits, or no more is begun."""
        return None if self.stopping else self.plan.next()

    def settle(self, job: Job, outcome: Finished | Failed) -> None:
        """Write one outcome and count it; those of one turn of the event loop are written together.

        Raises:
            OutputError: A failure cannot be written. Of a row, `run` tells it.
        """
        if isinstance(outcome, Finished):
            if not self._unwritten and self._loop is not None:
                self._loop.call_soon(self.flush)
            self._unwritten.append((job, outcome))
            return
        self.metrics.add_failure(self.outputs.add_failure(outcome.line))
        self.plan.fail(job.task, job.rollout)
        self._show()

    def flush(self) -> None:
        """Write the rows that wait, and count them."""
        rows, self._unwritten = self._unwritten, []
        if not rows:
            return
        try:
            self.outputs.add_rows([outcome.line for _, outcome in rows])
        except OutputError as error:
            self.stop(error)
            return
        for job, outcome in rows:
            self.plan.finish(job.task, job.rollout)
            self.metrics.add(outcome.facts)
        self._show()

    def stop(self, error: Exception | None = None) -> None:
        """Begin no more episodes, and give up those that run after a while.

        Args:
            error: Why, for the caller of `run`.
        """
        self.error = self.error or error
        if not self.stopping and self._loop is not None:
            self.stopping = True
            self._grace = self._loop.call_later(GRACE_SECONDS, self._stage.cancel)

    def _show(self) -> None:
        metrics = self.metrics
        self.progress.update(self.plan.finished, metrics.running_mean, metrics.failures, metrics.tokens)


@contextmanager
def rare_garbage_collection() -> Iterator[None]:
    """Look for reference cycles less often: thousands of live episodes make each look long and find nothing.

    At 16,000 episodes in flight Python's own thresholds cost 40 % of the time.
    """
    before = gc.get_threshold()
    if before[0]:
        gc.set_threshold(*map(max, before, _GARBAGE_THRESHOLDS))
    try:
        yield
    finally:
        gc.set_threshold(*before)
