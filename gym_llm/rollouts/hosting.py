"""The inside of a worker of a collection: plays the jobs that it is sent, and tells what became of each.

It keeps a runner per episode in flight and decides nothing: how many run and which, the driver says (`crew.py`).
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from gym_llm.errors import WorkerError
from gym_llm.rollouts import wire
from gym_llm.rollouts.episodes import EpisodeRunner, Failed, FatalError, Finished, lost_episode
from gym_llm.rollouts.interrupts import STEP_THREADS
from gym_llm.rollouts.luggage import Luggage, Rebuilt
from gym_llm.rollouts.plan import Job
from gym_llm.workers.page import Page
from gym_llm.workers.serve import Reply

_MOST_THREADS = 256


@dataclass(frozen=True, slots=True)
class EpisodesFactory:
    """Makes a worker's handler, in the worker.

    Attributes:
        luggage: What is played.
        index: Which worker it is.
        count: Of how many.
        share: Most episodes at once here.
        episode_timeout: Seconds that a step may take, or None.
    """

    luggage: Luggage
    index: int
    count: int
    share: int
    episode_timeout: float | None

    def __call__(self, page: Page) -> Episodes:
        """Return the handler."""
        return Episodes(self)


@dataclass(slots=True)
class _Playing:
    job: Job
    number: int
    runner: EpisodeRunner
    task: asyncio.Task[Any] | None
    started: float
    turns: int
    since: float
    timed_out: bool = False


class Episodes:
    """The episodes of one worker."""

    def __init__(self, factory: EpisodesFactory) -> None:
        self._factory = factory
        self._rebuilt: Rebuilt | None = None
        self._free: list[EpisodeRunner] = []
        self._playing: dict[int, _Playing] = {}

    def handle(self, message: list[Any], reply: Reply) -> Coroutine[Any, Any, None] | None:
        """Act on [operation, job, number, task, rollout, attempt]."""
        if message[0] == wire.START:
            reply(self._start(reply))
            return None
        return self._play(message[1], message[2], Job(*message[3:6]), reply)

    def close(self) -> None:
        """Close the environments."""
        for runner in self._free:
            runner.close()

    def _start(self, reply: Reply) -> wire.Told:
        factory, loop = self._factory, asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(min(factory.share, _MOST_THREADS), STEP_THREADS))
        try:
            self._rebuilt = factory.luggage.unpack(factory.index, factory.count)
        except (Exception, SystemExit) as error:  # boundary: authors' code; the driver says what is done about it
            return wire.Unable(f"{type(error).__name__}: {error}")
        if factory.episode_timeout is not None:
            self._look(reply, factory.episode_timeout)
        return wire.Ready()

    async def _play(self, index: int, number: int, job: Job, reply: Reply) -> None:
        runner = self._free.pop() if self._free else self._runner()
        now = time.monotonic()
        playing = _Playing(job, number, runner, asyncio.current_task(), time.time(), runner.turns, now)
        self._playing[index] = playing
        try:
            told = _told(index, number, await runner.run(job))
            self._free.append(runner)
        except FatalError as error:
            told = wire.fatal(index, number, error.cause)
        except asyncio.CancelledError:
            if not playing.timed_out:
                raise
            told = wire.Hung(index, number) if runner.blocking else self._late(index, playing)
        except BaseException as error:  # boundary: whatever the environment raised must not end the worker
            told = self._failed(index, playing, "crash", f"{type(error).__name__}: {error}", traceback.format_exc())
        finally:
            del self._playing[index]
        _reply(reply, told)

    def _runner(self) -> EpisodeRunner:
        rebuilt = self._rebuilt
        if rebuilt is None:
            raise WorkerError("a job before the start")
        return EpisodeRunner(rebuilt.make_env, rebuilt.policy, rebuilt.tasks, rebuilt.seeds, rebuilt.sampling)

    def _look(self, reply: Reply, timeout: float) -> None:
        """Cancel episodes that have waited for too long in one step; those that do not even end then are told of."""
        now = time.monotonic()
        for index, playing in self._playing.items():
            if playing.turns != playing.runner.turns:
                playing.turns, playing.since = playing.runner.turns, now
            elif now - playing.since > 2 * timeout and playing.timed_out:
                reply(wire.Hung(index, playing.number))
            elif now - playing.since > timeout and playing.task is not None and not playing.timed_out:
                playing.timed_out = True
                playing.task.cancel()
        asyncio.get_running_loop().call_later(min(1.0, timeout / 4), self._look, reply, timeout)

    def _late(self, index: int, playing: _Playing) -> wire.Told:
        playing.runner.close()
        message = f"a step took longer than episode_timeout={self._factory.episode_timeout:g} seconds"
        return self._failed(index, playing, "worker_timeout", message)

    def _failed(self, index: int, playing: _Playing, kind: str, message: str, trace: str = "") -> wire.Lost:
        rebuilt = self._rebuilt
        assert rebuilt is not None
        failed = lost_episode(playing.job, rebuilt.seeds, rebuilt.policy, kind, message, playing.started, trace)
        return wire.Lost(index, playing.number, failed.line, failed.kind)


def _told(index: int, number: int, outcome: Finished | Failed) -> wire.Told:
    if isinstance(outcome, Failed):
        return wire.Lost(index, number, outcome.line, outcome.kind)
    facts = outcome.facts
    facts.reward = float(facts.reward)
    facts.numbers = {name: float(value) for name, value in facts.numbers.items()}
    facts.components = {name: float(value) for name, value in facts.components.items()}
    return wire.Done(index, number, outcome.line, facts)


def _reply(reply: Reply, told: wire.Told) -> None:
    try:
        reply(told)
    except WorkerError as error:
        if isinstance(told, wire.Done | wire.Lost):
            reply(wire.Fatal(told.job, told.number, "GymLLMError", str(error), {}))
