"""An environment in a worker whose policy is elsewhere: it records its episodes and encodes their lines itself."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import gymnasium
import msgspec

from gym_llm.errors import WorkerError
from gym_llm.rollouts.episodes import Failed, MakeEnv, outcome_of
from gym_llm.rollouts.plan import Job
from gym_llm.trajectory import Trajectory
from gym_llm.wrappers import recorder

EPISODE, OUTCOME = "gym_llm_episode", "gym_llm_outcome"


@dataclass(frozen=True, slots=True)
class Recording:
    """Makes an environment that records."""

    make_env: MakeEnv

    def __call__(self) -> gymnasium.Env[Any, Any]:
        """Return one."""
        return Recorded(self.make_env(), self.make_env)


class Recorded(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Records an episode, and adds what has become of it to the last step's info: an encoded line and facts.

    An action is `[action, latency, create call]`; the call comes with the first one. After an episode in which
    something crashed, the environment is made anew.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], make_env: MakeEnv) -> None:
        super().__init__(env)
        self._make_env, self._sound = make_env, True
        self._trajectory: Trajectory | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; the options say which one the driver calls it."""
        given = dict(options or {})
        *job, policy, sampling_seed = given.pop(EPISODE)
        if not self._sound:
            self._renew()
        with self._watched():
            observation, info = self.env.reset(seed=seed, options=given)
        self._job = Job(*job)
        self._trajectory = recorder.begin(recorder.responses_env(self.env), info, policy, seed, sampling_seed)
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step, and add the outcome to the last one."""
        action, latency, call = action
        trajectory, inner = self._trajectory, recorder.responses_env(self.env)
        if trajectory is None:
            raise WorkerError("a step before the first reset")
        if call is not None:
            trajectory.create_params = call
        before = len(inner.episode.items)
        with self._watched():
            observation, reward, terminated, truncated, info = step = self.env.step(action)
        recorder.add_turn(trajectory, inner, before, action, step, latency)
        if terminated or truncated:
            outcome = outcome_of(trajectory, self._job)
            told = outcome.kind if isinstance(outcome, Failed) else msgspec.msgpack.encode(outcome.facts)
            info = {**info, OUTCOME: [outcome.line, told]}
        return observation, reward, terminated, truncated, info

    @contextmanager
    def _watched(self) -> Iterator[None]:
        self._sound = False
        yield
        self._sound = True

    def _renew(self) -> None:
        old, self.env = self.env, self._make_env()
        try:
            old.close()
        except Exception:  # boundary: a broken environment may not even close; another one is in its place
            gymnasium.logger.warn(f"closing an environment failed: {traceback.format_exc(limit=-1)}")
