"""`RandomPolicy`: samples the action space, the floor that every environment's rewards are measured against.

Its draws depend on its own seed and the episode's, and on nothing else; the environment's stay untouched.
"""

from __future__ import annotations

import copy
from typing import Any

import gymnasium
import numpy as np

from gym_llm.items import Action, Item
from gym_llm.policies.policy import Act, Policy
from gym_llm.policies.settings import whole_number


class RandomPolicy(Policy):
    """A policy that draws its actions.

    Args:
        seed: Combined with each episode's seed.

    Raises:
        ConfigError: The seed is not a whole number of at least 0.

    >>> import asyncio, gymnasium
    >>> act = RandomPolicy(seed=1).for_episode(gymnasium.make("CartPole-v1"), seed=7)
    >>> int(asyncio.run(act([], {}))) in (0, 1)
    True
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = whole_number("seed", seed, at_least=0)

    def for_episode(self, env: gymnasium.Env[Any, Any], seed: int) -> Act:
        """Return a sampler of a copy of the action space, seeded for this episode."""
        space = copy.deepcopy(env.action_space)
        space.seed(int(np.random.SeedSequence([self._seed, seed]).generate_state(1)[0]))

        async def act(observation: list[Item], info: dict[str, Any]) -> Action:
            return space.sample()

        return act

    def spec(self) -> dict[str, Any]:
        """Return the type and the seed."""
        return {"type": "random", "seed": self._seed}
