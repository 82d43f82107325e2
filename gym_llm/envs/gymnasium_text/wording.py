"""Discrete spaces in words: any observation as text, any action from text. Knows no particular game."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from gymnasium import spaces

from gym_llm.errors import ConfigError

MAX_ACTION_CHARS = 200


def check_observations(space: Any, where: str = "observation_space") -> None:
    """Refuse spaces that have no short text.

    Raises:
        ConfigError: For a Box or another space of arrays, naming where it stands.
    """
    if isinstance(space, spaces.Tuple):
        for index, inner in enumerate(space.spaces):
            check_observations(inner, f"{where}[{index}]")
    elif isinstance(space, spaces.Dict):
        for key, inner in space.spaces.items():
            check_observations(inner, f"{where}[{key!r}]")
    elif not isinstance(space, spaces.Discrete | spaces.MultiDiscrete | spaces.MultiBinary | spaces.Text):
        raise ConfigError(f"{where} is {space}: only discrete spaces, and Tuples and Dicts of them, have a text")


def check_actions(space: Any) -> None:
    """Refuse action spaces that are neither Discrete nor MultiDiscrete.

    Raises:
        ConfigError: Naming the space.
    """
    if not isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
        raise ConfigError(f"action_space is {space}: give a game with Discrete or MultiDiscrete actions")


def observation_text(space: Any, value: Any) -> str:
    """Return an observation as text.

    >>> observation_text(spaces.Tuple((spaces.Discrete(5), spaces.MultiDiscrete([2, 2]))), (3, np.array([0, 1])))
    '(3, [0, 1])'
    """
    if isinstance(space, spaces.Tuple):
        return f"({', '.join(observation_text(*pair) for pair in zip(space.spaces, value, strict=True))})"
    if isinstance(space, spaces.Dict):
        return ", ".join(f"{key}: {observation_text(inner, value[key])}" for key, inner in space.spaces.items())
    if isinstance(space, spaces.Text):
        return str(value)
    return str(np.asarray(value).tolist())


def action_rules(space: Any, names: tuple[str, ...]) -> str:
    """Return the sentence that says which actions there are."""
    if names:
        return f"The actions are {', '.join(names)}."
    if isinstance(space, spaces.Discrete):
        return f"An action is one whole number from {space.start} to {space.start + space.n - 1}."
    ranges = [f"{low} to {low + n - 1}" for low, n in zip(space.start.ravel(), space.nvec.ravel(), strict=True)]
    return f"An action is {len(ranges)} whole numbers, separated by spaces, in the ranges {', '.join(ranges)}."


def action_text(space: Any, names: tuple[str, ...], action: Any) -> str:
    """Return an action as the model would write it."""
    if names:
        return names[int(action)]
    return " ".join(str(number) for number in np.asarray(action).ravel().tolist())


def read_action(space: Any, names: tuple[str, ...], text: str) -> Any:
    """Return the action that a text names, or None. Named actions may be given by number too.

    >>> read_action(spaces.Discrete(2), ("stick", "hit"), " Hit. "), read_action(spaces.Discrete(2), (), "2")
    (1, None)
    """
    word = text[:MAX_ACTION_CHARS].strip().strip(".\"'`").casefold()
    if word in names:
        return names.index(word)
    if not re.fullmatch(r"-?[0-9]{1,9}(?:[\s,]+-?[0-9]{1,9})*", word):
        return None
    numbers = [int(number) for number in re.split(r"[\s,]+", word)]
    if isinstance(space, spaces.Discrete):
        return numbers[0] if len(numbers) == 1 and space.contains(numbers[0]) else None
    if len(numbers) != space.nvec.size:
        return None
    action = np.array(numbers, dtype=space.dtype).reshape(space.nvec.shape)
    return action if space.contains(action) else None
