"""What is being checked, and how much of it: makes environments and players, chooses tasks.

Every call into the environment goes through the subject's `Watch`. What is tried is said in the probes.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec

from gym_llm.conformance.player import Player
from gym_llm.conformance.watch import Watch
from gym_llm.core import ResponsesEnv
from gym_llm.errors import DefinitionError
from gym_llm.items import Action, assistant_message

Target = str | EnvSpec | Callable[..., gymnasium.Env[Any, Any]]
_ALL_ROWS = 200


@dataclass
class Subject:
    """An environment under check.

    Attributes:
        target: Id, specification, class or callable.
        env_kwargs: Its keyword arguments.
        tasks: How many tasks each probe tries.
        hostile_actions: How many hostile actions are played.
        seed: Seed of everything random.
        watch: Times the calls into the environment.
        warnings: Every warning so far; `check` records them.
    """

    target: Target
    env_kwargs: dict[str, Any]
    tasks: int
    hostile_actions: int
    seed: int
    watch: Watch
    warnings: list[warnings.WarningMessage] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What the report calls it."""
        if isinstance(self.target, EnvSpec):
            return self.target.id
        return self.target if isinstance(self.target, str) else getattr(self.target, "__name__", "environment")

    @property
    def registered(self) -> bool:
        """Whether it has an id."""
        return isinstance(self.target, str | EnvSpec)

    @cached_property
    def env_class(self) -> type[ResponsesEnv]:
        """The environment's class."""
        return type(self.make_raw())

    def make(self, **overrides: Any) -> gymnasium.Env[Any, Any]:
        """Make an environment, with the wrappers that `gymnasium.make` puts around it but its passive checker."""
        kwargs = copy.deepcopy(self.env_kwargs) | overrides
        with self.watch.timed("making the environment"):
            if isinstance(self.target, str | EnvSpec):
                env = gymnasium.make(self.target, disable_env_checker=True, **kwargs)
            else:
                env = self.target(**kwargs)
        if not isinstance(env.unwrapped, ResponsesEnv):
            raise DefinitionError(f"{self.name} is no gym_llm environment: it must extend gym_llm.ResponsesEnv")
        return env

    def make_raw(self, **overrides: Any) -> ResponsesEnv:
        """Make an environment without wrappers."""
        env = self.make(**overrides).unwrapped
        assert isinstance(env, ResponsesEnv)
        return env

    def player(self, **overrides: Any) -> Player:
        """Make an environment and return a player of it."""
        return Player(self.make(**overrides), self.watch)

    def indices(self, env: gymnasium.Env[Any, Any], limit: int | None = None) -> list[int]:
        """Return the tasks to try: all when there are few, else an even spread."""
        count = len(env.unwrapped.tasks)  # type: ignore[attr-defined]
        limit = min(count, self.tasks if limit is None else limit)
        return sorted({int(index) for index in np.linspace(0, count - 1, limit)})

    def many_indices(self, env: gymnasium.Env[Any, Any]) -> list[int]:
        """Return the tasks to try where every bundled row counts: up to 200, or `tasks` when that is more."""
        return self.indices(env, max(_ALL_ROWS, self.tasks))

    def rng(self, *words: int) -> np.random.Generator:
        """Return a random stream of the subject's seed."""
        return np.random.default_rng(np.random.SeedSequence([self.seed, 0xC4EC, *words]))

    def sampled(self, player: Player, number: int, turns: int = 3) -> list[Action]:
        """Return sampled actions, then a message."""
        space = player.env.action_space
        space.seed(int(self.rng(number).integers(1 << 31)))
        return [*(space.sample() for _ in range(turns)), [assistant_message("done")]]
