"""An environment made from what was typed, for the commands that step it themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium

from gym_llm.cli.names import resolve
from gym_llm.core import ResponsesEnv
from gym_llm.errors import ConfigError
from gym_llm.items import Item


def make(name: str, kwargs: Mapping[str, Any]) -> Any:
    """Make the environment that a name means.

    Raises:
        ConfigError: There is none of this name, it takes no such argument, or it is not a `ResponsesEnv`.
    """
    full = resolve(name)
    try:
        env: gymnasium.Env[Any, Any] = gymnasium.make(full, **kwargs)
    except TypeError as error:
        raise ConfigError(f"env_kwargs of {full}: {error}") from error
    if not isinstance(env.unwrapped, ResponsesEnv):
        raise ConfigError(f"{full} is no environment for language models: it does not extend ResponsesEnv")
    return env


def begin(env: Any, task: int | None, seed: int) -> tuple[list[Item], dict[str, Any]]:
    """Reset an environment to a task, or to one drawn with the seed.

    Raises:
        ConfigError: There is no task of this index.
    """
    count = len(env.unwrapped.tasks)
    if task is not None and task >= count:
        raise ConfigError(f"task={task}: there are {count} tasks, 0 to {count - 1}")
    observation, info = env.reset(seed=seed, options=None if task is None else {"task_index": task})
    return observation, info
