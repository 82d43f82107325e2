"""Expressions as plain data, `["add", 4.0, ["sin", ["pi"]]]`: evaluated, written out, drawn at random.

A number is a literal of the problem; a list is a tool and its arguments.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gym_llm.envs.math_advanced_calculations.universe import PARAMETERS, Universe
from gym_llm.errors import ConfigError, ToolError
from gym_llm.items import message

Expression = Any
Node = tuple[str, tuple[float, ...], float]
"""One call: the tool, its arguments, its result."""

MAX_DEPTH, MAX_BREADTH, MAX_NODES = 11, 3, 80
_SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**"}
_DRAWN = [tool for tool in PARAMETERS if tool not in ("pi", "return_constant")]
_LARGEST, _SMALLEST, _ATTEMPTS = 1e9, 1e-6, 5000
_RULES = (
    "You have calculators from another world: they do not compute what their names promise, and only their "
    "outputs count. Evaluate every step with the tool of its name, on numbers of the question or outputs of "
    "earlier calls as they are, not rounded. At the end state the values in the order in which they are asked for."
)


def calls(tree: Expression, universe: Universe) -> Iterator[Node]:
    """Yield the calls that evaluate a tree, arguments before what uses them; the last one's result is its value.

    Raises:
        ToolError: A step has no finite real result.
    """
    given = []
    for part in tree[1:]:
        if isinstance(part, list):
            node = None
            for node in calls(part, universe):
                yield node
            given.append(node[2] if node else 0.0)
        else:
            given.append(float(part))
    yield tree[0], tuple(given), universe.apply(tree[0], *given)


def problem(tree: Any, depth: int = 0) -> str | None:
    """Return why something is no expression, or None."""
    if depth > 2 * MAX_DEPTH:
        return f"an expression is nested deeper than {2 * MAX_DEPTH}"
    if not isinstance(tree, list) or not tree or tree[0] not in PARAMETERS:
        return f"{str(tree)[:60]} is no list that begins with a tool"
    if len(tree) - 1 != len(PARAMETERS[tree[0]]):
        return f"{tree[0]} takes {len(PARAMETERS[tree[0]])} arguments, not {len(tree) - 1}"
    for part in tree[1:]:
        if isinstance(part, bool) or not isinstance(part, int | float | list):
            return f"{part!r:.60} is neither a number nor a list"
        if isinstance(part, list) and (reason := problem(part, depth + 1)):
            return reason
    return None


def text(tree: Expression) -> str:
    """Write an expression out, every operator in parentheses.

    >>> text(["power", 2.0, ["sin", ["pi"]]])
    '(2.0 ** sin(pi))'
    """
    if not isinstance(tree, list):
        return repr(float(tree))
    tool, parts = tree[0], [text(part) for part in tree[1:]]
    if tool in _SIGNS:
        return f"({parts[0]} {_SIGNS[tool]} {parts[1]})"
    if tool == "negate":
        return f"-({parts[0]})"
    return f"{tool}({', '.join(parts)})" if parts else tool


def row(rng: np.random.Generator, *, depth: int = 3, breadth: int = 1, universe: str = "random") -> dict[str, Any]:
    """Return a row.

    Args:
        rng: Source of randomness.
        depth: Nested steps of each expression, 1 to 11.
        breadth: Expressions that are asked for, 1 to 3.
        universe: `random` constants, or `nemo` for those of NeMo Gym's rows.

    Raises:
        ConfigError: For a knob out of range.
    """
    if not (1 <= depth <= MAX_DEPTH and 1 <= breadth <= MAX_BREADTH) or universe not in ("random", "nemo"):
        raise ConfigError(
            f"depth={depth}, breadth={breadth}, universe={universe!r}: "
            f"give 1 to {MAX_DEPTH}, 1 to {MAX_BREADTH}, and 'random' or 'nemo'"
        )
    world = Universe.drawn(rng) if universe == "random" else Universe()
    trees: list[Expression] = []
    values: list[float] = []
    while len(trees) < breadth:
        tree, value = _usable(rng, depth, world)
        if tree not in trees:
            trees.append(tree)
            values.append(value)
    asked = [text(tree) for tree in trees]
    listed = ", ".join(asked[:-1]) + " and " + asked[-1] if len(asked) > 1 else asked[0]
    question = f"Get me the value{'s' if len(asked) > 1 else ''} of {listed}, using only the given tools."
    return {
        "id": int(rng.integers(1 << 31)),
        "responses_create_params": {
            "input": [message(_RULES, "system"), message(question)], "parallel_tool_calls": False,
        },
        "ground_truth": repr(values), "depth": depth, "breadth": breadth,
        "universe": world.model_dump(), "expressions": trees,
    }  # fmt: skip


def _usable(rng: np.random.Generator, depth: int, universe: Universe) -> tuple[Expression, float]:
    """Return a tree whose every step is a real number of ordinary size, and its value."""
    for _ in range(_ATTEMPTS):
        tree = _tree(rng, depth)
        if _size(tree) > MAX_NODES:
            continue
        try:
            nodes = list(calls(tree, universe))
        except ToolError:
            continue
        if all(_SMALLEST < abs(result) < _LARGEST for *_, result in nodes):
            return tree, nodes[-1][2]
    raise ConfigError(f"depth={depth}: no expression of ordinary size in {_ATTEMPTS} attempts; give a lower depth")


def _tree(rng: np.random.Generator, depth: int) -> Expression:
    """Return a tree of exactly this depth: one argument goes down to it, others stop somewhere above."""
    if depth == 0:
        return ["pi"] if rng.random() < 0.15 else float(rng.integers(1, 10))
    tool = _DRAWN[int(rng.integers(len(_DRAWN)))]
    number = len(PARAMETERS[tool])
    deep = int(rng.integers(number))
    return [tool, *(_tree(rng, depth - 1 if place == deep else int(rng.integers(depth))) for place in range(number))]


def _size(tree: Expression) -> int:
    return 1 + sum(map(_size, tree[1:])) if isinstance(tree, list) else 0
