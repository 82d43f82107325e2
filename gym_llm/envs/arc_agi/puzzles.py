"""New puzzles: random grids and a random chain of rules, kept when its examples leave no doubt among our rules."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from gym_llm.envs.arc_agi.grids import MAX_SIDE, Grid, question
from gym_llm.envs.arc_agi.rules import RULES, Array, Rule, applied, recoloured
from gym_llm.errors import ConfigError
from gym_llm.items import message

_TRIES = 200
_RECOLOUR = "recolour"


def row(
    rng: np.random.Generator, *, depth: int = 2, num_train: int = 3, max_side: int = 7, num_tests: int = 1
) -> dict[str, Any]:
    """Return a row.

    Args:
        rng: Source of randomness.
        depth: Rules in the chain, 1 to 3.
        num_train: Examples, 2 to 6.
        max_side: Longest side of an input grid, 4 to 10.
        num_tests: Test inputs, 1 to 3.

    Raises:
        ConfigError: For a knob out of range.
    """
    if not (1 <= depth <= 3 and 2 <= num_train <= 6 and 4 <= max_side <= 10 and 1 <= num_tests <= 3):
        raise ConfigError(
            f"depth={depth}, num_train={num_train}, max_side={max_side}, num_tests={num_tests}: "
            "give 1 to 3, 2 to 6, 4 to 10 and 1 to 3"
        )
    for _ in range(_TRIES):
        names, rules, mapping = _chain(rng, depth)
        palette = rng.permutation(np.arange(1, 10))[: int(rng.integers(2, 4))]
        inputs = [_grid(rng, max_side, palette) for _ in range(num_train + num_tests)]
        pairs = [(grid, applied(rules, grid)) for grid in inputs]
        if _good(pairs, num_train) and _needed(rules, pairs[:num_train]) and _clear(pairs, num_train, mapping):
            return _made(names, pairs, num_train)
    raise ConfigError(f"no clear puzzle of depth {depth} was found in {_TRIES} tries; give more examples")


def _chain(rng: np.random.Generator, depth: int) -> tuple[list[str], list[Rule], Array]:
    names = [str(name) for name in rng.choice([*RULES, _RECOLOUR], size=depth, replace=False)]
    mapping = np.concatenate([[0], rng.permutation(np.arange(1, 10))])
    return names, [_rule(name, mapping) for name in names], mapping


def _rule(name: str, mapping: Array) -> Rule:
    return recoloured(mapping) if name == _RECOLOUR else RULES[name]


def _grid(rng: np.random.Generator, max_side: int, palette: Array) -> Array:
    """Return a grid with some bars and dots; every colour of the palette is in it."""
    height, width = (int(side) for side in rng.integers(3, max_side + 1, size=2))
    grid = np.zeros((height, width), dtype=np.int64)
    for _ in range(int(rng.integers(1, 4))):
        top, left = int(rng.integers(height)), int(rng.integers(width))
        tall, wide = (int(side) for side in rng.integers(1, 4, size=2))
        grid[top : top + tall, left : left + wide] = rng.choice(palette)
    places = rng.permutation(height * width)[: 2 * len(palette)]
    for place, colour in zip(places, np.tile(palette, 2), strict=False):
        grid.flat[int(place)] = colour
    return grid


def _good(pairs: list[tuple[Array, Array]], num_train: int) -> bool:
    """Whether every output fits, differs from its input, and no test's output is shown anywhere."""
    if any(max(made.shape) > MAX_SIDE or np.array_equal(given, made) or not made.any() for given, made in pairs):
        return False
    shown = [grid for pair in pairs[:num_train] for grid in pair] + [given for given, _ in pairs[num_train:]]
    return not any(np.array_equal(made, grid) for _, made in pairs[num_train:] for grid in shown)


def _needed(rules: list[Rule], train: list[tuple[Array, Array]]) -> bool:
    """Whether the examples come out otherwise when any rule of the chain is left out."""
    return not any(
        all(np.array_equal(applied(rules[:left] + rules[left + 1 :], given), made) for given, made in train)
        for left in range(len(rules))
    )


def _clear(pairs: list[tuple[Array, Array]], num_train: int, mapping: Array) -> bool:
    """Whether all chains of up to two of our rules that fit the examples agree on the tests."""
    rules = [_rule(name, mapping) for name in (*RULES, _RECOLOUR)]
    for chain in itertools.chain(((rule,) for rule in rules), itertools.product(rules, repeat=2)):
        fits = (np.array_equal(applied(list(chain), given), made) for given, made in pairs)
        verdicts = list(itertools.islice(fits, num_train))
        if all(verdicts) and not all(fits):
            return False
    return True


def _made(names: list[str], pairs: list[tuple[Array, Array]], num_train: int) -> dict[str, Any]:
    plain: list[tuple[Grid, Grid]] = [(given.tolist(), made.tolist()) for given, made in pairs]
    asked = question(plain[:num_train], [given for given, _ in plain[num_train:]])
    shown = [{"input": given, "output": made} for given, made in plain]
    return {
        "responses_create_params": {"input": [message(asked)]},
        "train": shown[:num_train], "test": shown[num_train:], "rules": names,
    }  # fmt: skip
