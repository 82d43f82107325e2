"""Playing one episode and turning it into a line: the part of a collection that can move to another process.

An `EpisodeRunner` owns one environment and plays one job after another. It hands out nothing, writes nothing and
retries nothing: see `collector.py`.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import gymnasium
from gymnasium.error import ResetNeeded

import gym_llm
from gym_llm.errors import ConfigError, DefinitionError, JudgeError, MissingExtra, ModelError, is_fatal
from gym_llm.items import scrub_text
from gym_llm.journal.rows import encode
from gym_llm.policies.policy import Policy
from gym_llm.rollouts.facts import Facts, facts_of
from gym_llm.rollouts.plan import Job, Seeds
from gym_llm.tasks import Tasks
from gym_llm.trajectory import Trajectory
from gym_llm.wrappers import AgentWrapper
from gym_llm.wrappers.recorder import responses_env

MakeEnv = Callable[[], gymnasium.Env[Any, Any]]
_TRACEBACK_CHARS = 6000


@dataclass(slots=True)
class Finished:
    """A verified episode: its encoded record and its facts."""

    line: bytes
    facts: Facts


@dataclass(slots=True)
class Failed:
    """An episode that has no reward: its encoded failure record and, in one word, what failed."""

    line: bytes
    kind: str


class FatalError(Exception):
    """An error that every other episode would meet likewise; `cause` is the error itself."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class EpisodeRunner:
    """One environment with a policy around it.

    Args:
        make_env: Makes the environment; called again after an episode in which something crashed.
        policy: The policy, shared between runners.
        tasks: The rows.
        seeds: The run's seeds.
        sampling: Keys of the model call that replace those of the row and of the policy.
        env: The first environment, when there is one already.
    """

    def __init__(
        self, make_env: MakeEnv, policy: Policy, tasks: Tasks, seeds: Seeds, sampling: Mapping[str, Any],
        env: gymnasium.Env[Any, Any] | None = None,
    ) -> None:  # fmt: skip
        self._make_env, self._tasks, self._seeds = make_env, tasks, seeds
        self._policy = policy.sampled(sampling) if sampling else policy
        self._agent: AgentWrapper | None = AgentWrapper(env, self._policy) if env is not None else None

    async def run(self, job: Job) -> Finished | Failed:
        """Play one episode.

        Raises:
            FatalError: If there is no point in playing any other.
        """
        started = time.time()
        try:
            with judged():
                return await self._play(job)
        except FatalError:
            raise
        except (Exception, SystemExit) as error:  # boundary: whatever environment or policy raised is a failure
            if not isinstance(error, ModelError):
                self.close()
            return failed_episode(job, self._seeds, self._policy, error, started)

    @property
    def turns(self) -> int:
        """Turns of the episode that is being played, to tell whether it goes on; -1 before it begins."""
        try:
            return -1 if self._agent is None else responses_env(self._agent).episode.turns
        except ResetNeeded:
            return -1

    @property
    def blocking(self) -> bool:
        """Whether the environment blocks its thread, so that nothing but the end of the process stops a step."""
        return self._agent is not None and responses_env(self._agent).blocking

    def close(self) -> None:
        """Close the environment."""
        agent, self._agent = self._agent, None
        if agent is not None:
            try:
                agent.close()
            except Exception:  # boundary: the episodes are written; a broken close has nothing to tell about them
                gymnasium.logger.warn(f"closing an environment failed: {traceback.format_exc(limit=-1)}")

    async def _play(self, job: Job) -> Finished | Failed:
        if self._agent is None:
            self._agent = AgentWrapper(self._make_env(), self._policy)
        trajectory = await self._agent.arollout(
            seed=self._seeds.environment(job.task),
            options={"task": self._tasks.row(job.task)},
            sampling_seed=self._seeds.sampling(job),
        )
        raise_fatal(trajectory.error)
        return outcome_of(trajectory, job)


def outcome_of(trajectory: Trajectory, job: Job) -> Finished | Failed:
    """Return what an episode that is over has come to."""
    trajectory.task_index, trajectory.rollout_index, trajectory.attempt = job
    if trajectory.error is not None or trajectory.verification is None:
        error = trajectory.error or _unverified(trajectory)
        kind = f"{error['kind']}_failed"
        return Failed(encode(_failure(job, kind, error, _own(trajectory))), kind)
    record = trajectory.record()
    record["gym_llm"]["verification"] = [name for name in trajectory.verification if name not in ("reward", "rewards")]
    return Finished(encode(record), facts_of(record))


@contextmanager
def judged() -> Iterator[None]:
    """Raise what every other episode would meet likewise as a `FatalError`, and everything else as it is."""
    try:
        yield
    except (DefinitionError, ConfigError, MissingExtra) as error:
        raise FatalError(error) from error
    except Exception as error:  # boundary: only what it means for the other episodes is looked at
        if not is_fatal(error):
            raise
        known = isinstance(error, ModelError | JudgeError)
        raise FatalError(error if known else JudgeError(str(error), fatal=True)) from error


def raise_fatal(told: Mapping[str, Any] | None) -> None:
    """Raise `info["error"]` as a `FatalError` when it will be that of every other episode likewise."""
    if told is not None and told.get("fatal"):
        raise FatalError(JudgeError(told["message"], fatal=True))


def failed_episode(job: Job, seeds: Seeds, policy: Policy, error: BaseException, started: float) -> Failed:
    """Return the failure of an episode that an exception ended.

    Args:
        job: Which one.
        seeds: The run's seeds.
        policy: Who played it.
        error: The exception.
        started: Unix time of its beginning.
    """
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].name} in {frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}"
    told: dict[str, Any] = {
        "type": type(error).__name__, "message": scrub_text(str(error)), "kind": "crash", "where": where,
        "traceback": scrub_text("".join(traceback.format_exception(error))[-_TRACEBACK_CHARS:]),
    }  # fmt: skip
    failure_class = "crash"
    if isinstance(error, ModelError):
        told |= {"kind": error.kind, "status": error.status, "attempts": error.attempts}
        failure_class = f"model_{error.kind}"
    return Failed(encode(_failure(job, failure_class, told, _attempted(job, seeds, policy, started))), failure_class)


def lost_episode(
    job: Job, seeds: Seeds, policy: Policy, kind: str, message: str, started: float, trace: str = "",
    name: str = "WorkerError",
) -> Failed:  # fmt: skip
    """Return the failure of an episode that can tell nothing itself.

    Args:
        job: Which one.
        seeds: The run's seeds.
        policy: Who played it.
        kind: What failed, in one word.
        message: What is known.
        started: Unix time of its beginning.
        trace: A traceback, if there is one.
        name: Type of the error.
    """
    error = {"type": name, "message": scrub_text(message), "kind": kind, "where": "worker"}
    if trace:
        error["traceback"] = scrub_text(trace[-_TRACEBACK_CHARS:])
    return Failed(encode(_failure(job, kind, error, _attempted(job, seeds, policy, started))), kind)


def _attempted(job: Job, seeds: Seeds, policy: Policy, started: float) -> dict[str, Any]:
    return {
        "version": gym_llm.__version__, "policy": policy.spec(), "attempt": job.attempt,
        "seed": seeds.environment(job.task), "sampling_seed": seeds.sampling(job),
        "started_at": started, "seconds": time.time() - started,
    }  # fmt: skip


def _failure(job: Job, failure_class: str, error: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    return {
        "_ng_task_index": job.task,
        "_ng_rollout_index": job.rollout,
        "_ng_attempt_index": job.attempt,
        "_ng_failure_class": failure_class,
        "error": error,
        "gym_llm": own,
    }


def _unverified(trajectory: Trajectory) -> dict[str, Any]:
    text = f"the episode was not verified: {trajectory.end_reason}"
    return {"type": "Unverified", "message": text, "kind": "verification", "where": ""}


def _own(trajectory: Trajectory) -> dict[str, Any]:
    return {
        "version": trajectory.version, "env": trajectory.env, "policy": trajectory.policy, "seed": trajectory.seed,
        "sampling_seed": trajectory.sampling_seed, "attempt": trajectory.attempt, "turns": len(trajectory.turns),
        "output": trajectory.output, "started_at": trajectory.started_at, "seconds": trajectory.seconds,
    }  # fmt: skip
