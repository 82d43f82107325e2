"""Holding a model's calls against the expected ones: which belongs to which, and what was invented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """A call: a tool's name and its arguments, None when they could not be read."""

    name: str
    arguments: Mapping[str, Any] | None


def satisfies(made: Call, expected: Call) -> bool:
    """Whether a call has the expected name and every expected argument with an equal value."""
    if made.name != expected.name or made.arguments is None:
        return False
    given = made.arguments
    return all(key in given and same(given[key], value) for key, value in (expected.arguments or {}).items())


def same(left: Any, right: Any) -> bool:
    """Whether two JSON values are equal; `true` is not 1, but 1.0 is.

    >>> same([1.0, {"a": "b"}], [1, {"a": "b"}]), same(True, 1)
    (True, False)
    """
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    return bool(left == right)


def matched(made: Sequence[Call], expected: Sequence[Call]) -> dict[int, int]:
    """Return which call belongs to which expected one, as many pairs as there can be.

    Args:
        made: The model's calls.
        expected: The expected ones.

    Returns:
        Places in `made` by places in `expected`.

    >>> loose, exact = Call("f", {"a": 1}), Call("f", {"a": 1, "b": 2})
    >>> matched([exact, loose], [loose, exact])
    {0: 1, 1: 0}
    """
    fitting = [[place for place, call in enumerate(made) if satisfies(call, wanted)] for wanted in expected]
    owners: dict[int, int] = {}
    for number in range(len(expected)):
        _place(number, fitting, owners)
    return dict(sorted((number, place) for place, number in owners.items()))


def _place(number: int, fitting: list[list[int]], owners: dict[int, int]) -> None:
    """Give an expected call a place, moving others along the shortest chain (breadth first) when all are taken."""
    came_from: dict[int, tuple[int, int | None]] = {}
    level: list[tuple[int, int | None]] = [(number, None)]
    while level:
        following: list[tuple[int, int | None]] = []
        for wanted, left in level:
            for place in fitting[wanted]:
                if place in came_from:
                    continue
                came_from[place] = wanted, left
                if place not in owners:
                    return _shift(place, came_from, owners)
                following.append((owners[place], place))
        level = following
    return None


def _shift(place: int | None, came_from: dict[int, tuple[int, int | None]], owners: dict[int, int]) -> None:
    while place is not None:
        wanted, left = came_from[place]
        owners[place] = wanted
        place = left


def invented(made: Call, expected: Call, tool: Mapping[str, Any]) -> list[str]:
    """Return the arguments of a call that nobody asked for and that are not the tool's own defaults."""
    parameters = tool.get("parameters")
    properties = parameters.get("properties") if isinstance(parameters, dict) else None
    declared = properties if isinstance(properties, dict) else {}
    asked = expected.arguments or {}
    return [
        key for key, value in (made.arguments or {}).items()
        if key not in asked and not _is_default(declared.get(key), value)
    ]  # fmt: skip


def _is_default(schema: Any, value: Any) -> bool:
    return isinstance(schema, dict) and "default" in schema and same(schema["default"], value)
