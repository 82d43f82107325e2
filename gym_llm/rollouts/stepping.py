"""Episodes whose policy lives in this process and whose environments live in workers of an `AsyncVectorEnv`.

The policy is asked here; every step goes to a worker and back. The worker records the episode and encodes its line,
so that nothing is encoded here. A worker's death costs the episode that did it: the others are replayed, and their
policies notice nothing.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any, cast

import gymnasium
import msgspec
from gymnasium.vector import AutoresetMode

from gym_llm.errors import VectorEnvBroken, WorkerError
from gym_llm.policies.policy import Act, Policy
from gym_llm.rollouts import wire
from gym_llm.rollouts.collector import Collector
from gym_llm.rollouts.episodes import (
    Failed,
    FatalError,
    Finished,
    MakeEnv,
    failed_episode,
    judged,
    lost_episode,
    raise_fatal,
)
from gym_llm.rollouts.facts import Facts
from gym_llm.rollouts.luggage import CannotTravel
from gym_llm.rollouts.plan import Job, Seeds
from gym_llm.rollouts.recorded import EPISODE, OUTCOME, Recording
from gym_llm.rollouts.slots import Slots
from gym_llm.rollouts.starting import here
from gym_llm.tasks import Tasks
from gym_llm.vector import AsyncVectorEnv
from gym_llm.vector.batches import travelling
from gym_llm.workers.packing import packed

_facts = msgspec.msgpack.Decoder(Facts)


@dataclass(frozen=True, slots=True)
class Steps:
    """What is played.

    Attributes:
        make_env: Makes an environment; travels by dill.
        policy: The policy, with the run's sampling.
        tasks: The rows.
        seeds: The run's seeds.
        workers: Number of workers.
        concurrency: Most episodes at once, over all workers.
        timeout: Seconds that a step, or the policy, may take; or None.
    """

    make_env: MakeEnv
    policy: Policy
    tasks: Tasks
    seeds: Seeds
    workers: int
    concurrency: int
    timeout: float | None


class Stepping:
    """The stage of a collection whose policy cannot be rebuilt elsewhere.

    Args:
        stage: What is played.

    Raises:
        CannotTravel: The environment cannot be pickled.
    """

    def __init__(self, stage: Steps) -> None:
        try:
            packed(stage.make_env)
        except Exception as error:  # boundary: any object may refuse to be pickled in its own way
            raise CannotTravel(f"the environment cannot be pickled: {error}") from error
        self._stage = stage
        self._slots: Slots | None = None

    async def run(self, collector: Collector) -> None:
        """Play all jobs.

        Raises:
            CannotTravel: A worker could not make the environment.
        """
        stage = self._stage
        try:
            envs = AsyncVectorEnv(
                [Recording(stage.make_env)] * stage.concurrency, num_workers=stage.workers, python=here(),
                autoreset_mode=AutoresetMode.DISABLED, on_error="truncate", allow_pickle=False,
                step_timeout=stage.timeout, reset_timeout=stage.timeout,
            )  # fmt: skip
        except WorkerError:  # what killed a worker would end this process too
            raise
        except Exception as error:  # boundary: authors' code; played in this process, it says itself what is wrong
            raise CannotTravel(f"{type(error).__name__}: {error}") from error
        free = iter(range(stage.concurrency))
        self._slots = Slots(lambda: _Runner(stage, envs, next(free)), stage.concurrency)
        try:
            await self._slots.run(collector)
        finally:
            envs.close(terminate=collector.stopping)

    def cancel(self) -> None:
        """Give up what runs."""
        if self._slots is not None:
            self._slots.cancel()


class _Runner:
    """One environment of the workers, with the policy around it."""

    def __init__(self, stage: Steps, envs: AsyncVectorEnv, env_id: int) -> None:
        self._stage, self._envs, self._env_id = stage, envs, env_id

    async def run(self, job: Job) -> Finished | Failed:
        """Play one episode.

        Raises:
            FatalError: If there is no point in playing any other.
        """
        started, stage = time.time(), self._stage
        try:
            with judged():
                return await self._play(job)
        except (FatalError, VectorEnvBroken):
            raise
        except _LostError as lost:
            return lost_episode(
                job, stage.seeds, stage.policy, lost.kind, str(lost), started, lost.traceback, name=lost.name
            )
        except (Exception, SystemExit) as error:  # boundary: whatever the policy raised is a failure
            return failed_episode(job, stage.seeds, stage.policy, error, started)

    def close(self) -> None:
        """Nothing: the environments are closed together."""

    async def _play(self, job: Job) -> Finished | Failed:
        stage, seed = self._stage, self._stage.seeds.sampling(job)
        told = [*job, stage.policy.spec(), seed]
        observation, info = await self._envs.areset(
            self._env_id, seed=stage.seeds.environment(job.task),
            options={"task": stage.tasks.row(job.task), EPISODE: told},
        )  # fmt: skip
        _raise_lost(info)
        act = stage.policy.for_episode(cast("gymnasium.Env[Any, Any]", None), seed)  # it does not look: `needs_env`
        call: dict[str, Any] | None = stage.policy.create_call(info["responses_create_params"])
        shown = dict(info)
        while OUTCOME not in info:
            action, latency = await self._acted(act, observation, shown)
            observation, _, _, _, info = await self._envs.astep(self._env_id, [action, latency, call])
            call = None
            _raise_lost(info)
            shown |= info
        return _outcome(*info[OUTCOME])

    async def _acted(self, act: Act, observation: Any, shown: dict[str, Any]) -> tuple[Any, float]:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._stage.timeout):
                action = await act(observation, shown)
        except TimeoutError as error:
            if self._stage.timeout is None or time.perf_counter() - started < self._stage.timeout:
                raise
            message = f"the policy took longer than episode_timeout={self._stage.timeout:g} seconds"
            raise _LostError({"type": "TimeoutError", "kind": "worker_timeout", "message": message}) from error
        return travelling(action), time.perf_counter() - started


class _LostError(Exception):
    """An episode that its worker could not go on with."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.kind = "crash" if error["kind"] in ("environment", "driver") else error["kind"]
        self.name, self.traceback = error["type"], error.get("traceback", "")


def _raise_lost(info: dict[str, Any]) -> None:
    """Raise what ended an episode without an outcome, or every other episode with it."""
    error = info.get("error")
    raise_fatal(error)
    if error is None or OUTCOME in info:
        return
    if error["type"] in wire.KNOWN and error.get("module") == WorkerError.__module__:
        raise FatalError(wire.raised(wire.Fatal(0, 0, error["type"], error["message"], {})))
    raise _LostError(error)


def _outcome(line: bytes, told: bytes | str) -> Finished | Failed:
    return Failed(line, told) if isinstance(told, str) else Finished(line, _facts.decode(told))
