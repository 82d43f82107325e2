"""The reference solutions of an environment's tasks, and the requests that a model would get for them."""

from __future__ import annotations

from typing import Any

import gymnasium

from gym_llm.core import ResponsesEnv
from gym_llm.errors import ConfigError
from gym_llm.items import Action, Item
from gym_llm.seeds import drawn

Request = tuple[list[Item], dict[str, Any]]
"""An observation and the rest of the create call."""


class Solutions:
    """One environment in this process, and the solutions of its tasks as far as they were asked for.

    Args:
        env_id: The environment's id.
        kwargs: Its keyword arguments.

    Raises:
        ConfigError: It is no `ResponsesEnv`.

    >>> len(Solutions("gym_llm/SimpleWeather-v0", {}).requests(0, seed=0))
    2
    """

    def __init__(self, env_id: str, kwargs: dict[str, Any]) -> None:
        self.env: gymnasium.Env[Any, Any] = gymnasium.make(env_id, disable_env_checker=True, **kwargs)
        if not isinstance(self.env.unwrapped, ResponsesEnv):
            raise ConfigError(f"{env_id} is no environment for language models: it does not extend ResponsesEnv")
        self.count = len(self.env.unwrapped.tasks)
        self._env_id = env_id
        self._known: dict[int, list[list[Item]]] = {}

    def of(self, task: int) -> list[list[Item]]:
        """Return a task's solution, one action per turn."""
        if task not in self._known:
            self.env.reset(seed=0, options={"task_index": task})
            self._known[task] = self.current()
        return self._known[task]

    def current(self) -> list[list[Item]]:
        """Return the solution of the episode that has just begun."""
        inner: Any = self.env.unwrapped
        solution: list[list[Item]] = inner.solve(inner.task)
        return solution

    def requests(self, task: int, seed: int) -> list[Request]:
        """Play a task and return what the model is asked at each turn in a collection of a seed.

        Raises:
            ConfigError: The solution does not end the episode.
        """
        observation, info = self.env.reset(seed=drawn(seed, task, 0, 1)[0], options={"task_index": task})
        asked: list[Request] = []
        for action in self.current():
            asked.append((list(observation), dict(info["responses_create_params"])))
            if self.step(action):
                return asked
            observation = self.last
        raise self.unfinished(task)

    def step(self, action: Action) -> bool:
        """Take an action; return whether it ended the episode."""
        self.last, reward, terminated, truncated, _ = self.env.step(action)
        self.reward = float(reward)
        return bool(terminated or truncated)

    def unfinished(self, task: int) -> ConfigError:
        """Return the error for a solution that does not end its episode."""
        return ConfigError(f"solve() of {self._env_id} does not end the episode of task {task}; see: gym-llm check")

    def close(self) -> None:
        """Close the environment."""
        self.env.close()
