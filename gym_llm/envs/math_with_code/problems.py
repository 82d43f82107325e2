"""Making rows: problems whose answers have to be computed, with the code that does."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gym_llm.envs.math_with_code import references as known
from gym_llm.errors import ConfigError, did_you_mean
from gym_llm.items import message

DIFFICULTIES = ("easy", "medium", "hard")
_SYSTEM = (
    "You solve problems of mathematics. Use the tool execute_python to compute; its session keeps names from call to "
    "call. At the end give the answer in \\boxed{}."
)
Draw = Callable[[np.random.Generator, int], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Family:
    """Problems of one kind: a statement with braces, the computation, how its arguments are drawn for a size 1 to 3."""

    solve: Callable[..., Any]
    statement: str
    draw: Draw


def row(rng: np.random.Generator, *, family: str | None = None, difficulty: str | None = None) -> dict[str, Any]:
    """Return a row.

    Args:
        rng: Source of randomness.
        family: Name of a family (see `FAMILIES`); any by default.
        difficulty: `easy`, `medium` or `hard`: how large the numbers are; any by default.

    Raises:
        ConfigError: For a knob that is unknown.
    """
    name = family or str(rng.choice(list(FAMILIES)))
    if name not in FAMILIES:
        raise ConfigError(f"family={name!r} is unknown.{did_you_mean(name, FAMILIES)}")
    level = difficulty or str(rng.choice(DIFFICULTIES))
    if level not in DIFFICULTIES:
        raise ConfigError(f"difficulty={level!r}: give one of {', '.join(DIFFICULTIES)}")
    made = FAMILIES[name]
    drawn = made.draw(rng, DIFFICULTIES.index(level) + 1)
    source = inspect.getsource(made.solve).replace("  # noqa: D103", "")
    settings = ", ".join(f"{key}={value!r}" for key, value in drawn.items())
    return {
        "responses_create_params": {
            "input": [message(_SYSTEM, "system"), message(made.statement.format(**drawn))],
            "parallel_tool_calls": False,
        },
        "expected_result": str(made.solve(**drawn)),
        "expected_code_contains": "",
        "reference_code": f"{source}\n\n{name}({settings})",
        "family": name,
        "difficulty": level,
        "id": int(rng.integers(1 << 31)),
    }


def _whole(rng: np.random.Generator, low: int, high: int) -> int:
    return int(rng.integers(low, high + 1))


def _sizes(name: str, low: int, high: int) -> Draw:
    """Return a drawing of one argument, larger with the size."""
    return lambda rng, size: {name: _whole(rng, low * size, high * size)}


def _residue_class(rng: np.random.Generator, size: int) -> dict[str, Any]:
    modulus = _whole(rng, 3, 12)
    residues = [rest for rest in range(1, modulus) if np.gcd(rest, modulus) == 1]
    return {"limit": _whole(rng, 800, 9000) * size, "modulus": modulus, "residue": int(rng.choice(residues))}


def _coins(rng: np.random.Generator, size: int) -> dict[str, Any]:
    coins = sorted(int(coin) for coin in rng.choice(np.arange(2, 30), size=3 + size, replace=False))
    return {"total": _whole(rng, 120, 300) * size, "coins": coins}


def _blocks(rng: np.random.Generator, size: int) -> dict[str, Any]:
    side = _whole(rng, 5, 7) + 2 * size
    cells = rng.choice(np.arange(1, (side + 1) ** 2 - 1), size=2 + 2 * size, replace=False)
    return {"size": side, "blocks": sorted([int(cell) // (side + 1), int(cell) % (side + 1)] for cell in cells)}


def _recurrence(rng: np.random.Generator, size: int) -> dict[str, Any]:
    first, second, a, b = (_whole(rng, 1, 9) for _ in range(4))
    place, modulus = _whole(rng, 500, 5000) * size, int(rng.choice([10007, 99991, 1_000_003]))
    return {"first": first, "second": second, "a": a, "b": b, "place": place, "modulus": modulus}


def _matrix(rng: np.random.Generator, size: int) -> dict[str, Any]:
    return {"matrix": rng.integers(-9, 10, size=(3 + size, 3 + size)).tolist()}


def _dice(rng: np.random.Generator, size: int) -> dict[str, Any]:
    dice, sides = _whole(rng, 2, 4) * size + 1, _whole(rng, 4, 12)
    middle = dice * (sides + 1) // 2
    return {"dice": dice, "sides": sides, "total": _whole(rng, middle - 1, middle + dice)}


def _walk(rng: np.random.Generator, size: int) -> dict[str, Any]:
    length = _whole(rng, 5, 12) * size
    return {"size": length, "start": _whole(rng, 2, length - 2)}


_ALL = (
    Family(
        known.primes_in_class,
        "How many primes of at most {limit} leave the remainder {residue} when divided by {modulus}?",
        _residue_class,
    ),
    Family(
        known.totient_sum,
        "Euler's function phi(n) counts the integers from 1 to n that have no common divisor with n but 1. "
        "Find phi(1) + phi(2) + ... + phi({limit}).",
        _sizes("limit", 300, 3000),
    ),
    Family(known.factorial_digit_sum, "Find the sum of the decimal digits of {number}!.", _sizes("number", 50, 300)),
    Family(
        known.longest_collatz,
        "A positive integer n is followed by n/2 if it is even and by 3n + 1 if it is odd. Which start of at "
        "most {limit} takes the most steps to come to 1? Give the smallest, if several do.",
        _sizes("limit", 500, 4000),
    ),
    Family(
        known.power_tower_residue,
        "Find the remainder of {base}^({exponent}^{inner}) when divided by {modulus}.",
        lambda rng, size: {
            "base": _whole(rng, 2, 50),
            "exponent": _whole(rng, 2, 20),
            "inner": _whole(rng, 5, 40) * size,
            "modulus": _whole(rng, 500, 99999),
        },
    ),
    Family(
        known.coin_ways,
        "In how many ways can an amount of {total} be paid with coins of the values {coins}, when the order "
        "of the coins does not matter?",
        _coins,
    ),
    Family(
        known.distinct_partitions,
        "In how many ways can {number} be written as a sum of distinct positive integers, when the order "
        "does not matter?",
        _sizes("number", 25, 90),
    ),
    Family(
        known.blocked_paths,
        "A path leads from (0, 0) to ({size}, {size}) in steps of 1 that increase one of both coordinates. "
        "How many paths avoid all of the points {blocks}?",
        _blocks,
    ),
    Family(
        known.recurrence_residue,
        "A sequence begins with x(0) = {first} and x(1) = {second}, and goes on by x(n) = {a} x(n-1) + {b} "
        "x(n-2). Find the remainder of x({place}) when divided by {modulus}.",
        _recurrence,
    ),
    Family(known.determinant, "Find the determinant of the matrix with the rows {matrix}.", _matrix),
    Family(
        known.integral,
        "Find the integral of sin({a} x) exp(-x^2 / {b}) + x from 0 to {upper}, rounded to 4 decimals.",
        lambda rng, size: {"a": _whole(rng, 2, 9), "b": _whole(rng, 2, 9), "upper": _whole(rng, 2, 4) + size},
    ),
    Family(
        known.real_root,
        "Find the positive real solution of x^5 + {a} x = {b}, rounded to 6 decimals.",
        lambda rng, size: {"a": _whole(rng, 2, 40), "b": _whole(rng, 50, 900) * size},
    ),
    Family(
        known.lattice_points,
        "How many pairs of integers (x, y) satisfy {a} x^2 + {b} y^2 <= {radius}?",
        lambda rng, size: {"radius": _whole(rng, 60, 120) * size, "a": _whole(rng, 1, 3), "b": _whole(rng, 1, 5)},
    ),
    Family(
        known.right_triangles,
        "How many right triangles (counted up to congruence) have integer sides and a perimeter of at most {limit}?",
        _sizes("limit", 120, 250),
    ),
    Family(
        known.palindrome_sum,
        "Find the sum of the positive integers of at most {limit} that are palindromes both in base 10 and "
        "in base {base}.",
        lambda rng, size: {"limit": _whole(rng, 3000, 20000) * size, "base": _whole(rng, 2, 9)},
    ),
    Family(
        known.dice_fraction,
        "{dice} fair dice, each with the faces 1 to {sides}, are thrown. Find the probability that they sum "
        "to at least {total}, as a fraction in lowest terms.",
        _dice,
    ),
    Family(
        known.absorbed_steps,
        "A walk on the integers begins at {start}. Each step goes up by 1 with probability 2/3 and down by 1 "
        "with probability 1/3, until it is at 0 or at {size}. Find the expected number of steps, as a "
        "fraction in lowest terms.",
        _walk,
    ),
    Family(
        known.square_sums,
        "How many integers from 0 to {number} can be written in at least two ways as a^2 + b^2 with integers "
        "0 <= a <= b?",
        _sizes("number", 1000, 9000),
    ),
    Family(
        known.decimal_period,
        "For which integer n from 2 to {limit} does the decimal expansion of 1/n have the longest period? A "
        "terminating one has period 1. Give the smallest, if several do.",
        _sizes("limit", 50, 300),
    ),
    Family(
        known.independent_subsets,
        "How many subsets of 1, 2, ..., {number} (the empty one included) have no two different elements "
        "that differ by less than {gap}?",
        lambda rng, size: {"number": _whole(rng, 15, 40) * size, "gap": _whole(rng, 2, 5)},
    ),
)
FAMILIES = {family.solve.__name__: family for family in _ALL}
"""Every family by name."""
