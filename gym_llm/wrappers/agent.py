"""The agent: a policy with its loop around an environment.

It plays whole episodes and returns trajectories. It writes nothing and retries nothing: see `gym_llm.rollouts`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from gym_llm import bridge
from gym_llm.items import Action
from gym_llm.policies.policy import Policy, as_policy
from gym_llm.trajectory import Trajectory
from gym_llm.wrappers import recorder


class AgentWrapper(gymnasium.Wrapper[Any, Action, Any, Action], RecordConstructorArgs):
    """A policy around an environment, playing whole episodes.

    The policy is asked with the observation of the outermost wrapper inside this one.

    Args:
        env: The environment, wrapped or not.
        policy: A `Policy`, its specification (`{"type": "openai", "model": ...}`), or any callable, sync or async,
            of the observation, or of the observation and `info`.

    >>> import gymnasium, gym_llm
    >>> agent = AgentWrapper(gymnasium.make("gym_llm/SimpleWeather-v0"), "scripted")
    >>> agent.rollout(seed=0).reward
    1.0
    """

    def __init__(
        self, env: gymnasium.Env[Any, Action], policy: Policy | dict[str, Any] | str | Callable[..., Any]
    ) -> None:
        self.policy = as_policy(policy)
        RecordConstructorArgs.__init__(self, _disable_deepcopy=True, policy=self.policy.spec())  # a fresh one
        gymnasium.Wrapper.__init__(self, env)
        self._inner = recorder.responses_env(env)

    def rollout(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None, sampling_seed: int = 0
    ) -> Trajectory:
        """Play one episode; see `arollout`."""
        return bridge.wait(self.arollout(seed=seed, options=options, sampling_seed=sampling_seed))

    async def arollout(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None, sampling_seed: int = 0
    ) -> Trajectory:
        """Play one episode.

        Args:
            seed: The environment's seed.
            options: The environment's reset options, such as `{"task_index": 17}`.
            sampling_seed: The policy's seed, for those that take one.

        Returns:
            The trajectory; `error` says so when the environment failed.

        Raises:
            ModelError: When the policy's model request failed for good.
        """
        observation, info = await self._call(self.env.reset, seed=seed, options=options)
        act = self.policy.for_episode(self.env, sampling_seed)
        call = {"responses_create_params": self.policy.create_call(info["responses_create_params"])}
        trajectory = recorder.begin(self._inner, info | call, self.policy.spec(), seed, sampling_seed)
        shown = dict(info)
        while not (trajectory.terminated or trajectory.truncated):
            before, started = len(self._inner.episode.items), time.perf_counter()
            action = await act(observation, shown)
            latency = time.perf_counter() - started
            step = await self._call(self.env.step, action)
            recorder.add_turn(trajectory, self._inner, before, action, step, latency)
            observation = step[0]
            shown |= step[4]
        return trajectory

    def _call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Awaitable[Any]:
        """Call `reset` or `step` so that other episodes of this loop go on."""
        if self._inner.blocking:
            return asyncio.to_thread(function, *args, **kwargs)
        return bridge.run(function, *args, **kwargs)
