r"""New problems of mathematics with answers in LaTeX: numbers, fractions, equations, remainders, counting.

Makes rows for `MathWithJudge.generate`; every answer is computed exactly.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from gym_llm.errors import ConfigError, did_you_mean
from gym_llm.items import message

_ASK = "Put your final answer in \\boxed{}."
_MAX_DIFFICULTY = 5
_DRAWS = 100
Problem = tuple[str, str]
Make = Callable[[np.random.Generator, int], Problem]


def row(rng: np.random.Generator, *, kind: str = "mixed", difficulty: int = 2) -> dict[str, Any]:
    """Return a row.

    Args:
        rng: Source of randomness.
        kind: A key of `KINDS`, or `mixed` for any of them at random.
        difficulty: 1 to 5; the size of the numbers.

    Raises:
        ConfigError: For a knob out of range.
    """
    if kind != "mixed" and kind not in KINDS:
        raise ConfigError(f"kind={kind!r}: give mixed, {', '.join(KINDS)}.{did_you_mean(kind, [*KINDS, 'mixed'])}")
    if difficulty not in range(1, _MAX_DIFFICULTY + 1):
        raise ConfigError(f"difficulty={difficulty!r}: give 1 to {_MAX_DIFFICULTY}")
    chosen = list(KINDS)[int(rng.integers(len(KINDS)))] if kind == "mixed" else kind
    question, answer = _telling_nothing(rng, KINDS[chosen], difficulty)
    return {
        "responses_create_params": {"input": [message(f"{question}\n{_ASK}")]},
        "question": question,
        "expected_answer": answer,
        "kind": chosen,
    }


def _telling_nothing(rng: np.random.Generator, make: Make, difficulty: int) -> Problem:
    """Return a problem in which its answer does not stand, so that copying a number earns nothing."""
    for _ in range(_DRAWS):
        question, answer = make(rng, difficulty)
        if answer not in re.findall(r"-?\d+", question):
            break
    return question, answer


def _drawn(rng: np.random.Generator, low: int, high: int, count: int) -> list[int]:
    return [int(number) for number in rng.integers(low, high, size=count, endpoint=True)]


def _latex(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    return f"{'-' if value < 0 else ''}\\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


def _signed(number: int, symbol: str = "") -> str:
    return f"{'-' if number < 0 else '+'} {'' if symbol and abs(number) == 1 else abs(number)}{symbol}"


def _arithmetic(rng: np.random.Generator, difficulty: int) -> Problem:
    a, b, c, d = _drawn(rng, 11, 10 + 20 * difficulty, 4)
    return f"Compute ${a} \\cdot {b} - {c} \\cdot ({d} + {a})$.", str(a * b - c * (d + a))


def _fractions(rng: np.random.Generator, difficulty: int) -> Problem:
    a, c, e = _drawn(rng, 1, 4 + 4 * difficulty, 3)
    b, d, f = _drawn(rng, 2, 5 + 4 * difficulty, 3)
    value = Fraction(a, b) + Fraction(c, d) * Fraction(e, f)
    asked = f"\\frac{{{a}}}{{{b}}} + \\frac{{{c}}}{{{d}}} \\cdot \\frac{{{e}}}{{{f}}}"
    return f"Write ${asked}$ as one fraction in lowest terms.", _latex(value)


def _linear(rng: np.random.Generator, difficulty: int) -> Problem:
    a, b, d = _drawn(rng, 2, 5 + 5 * difficulty, 3)
    c = a + int(rng.integers(1, 9))
    x = Fraction(d + b, c - a)
    return f"Solve ${c}x - {b} = {a}x + {d}$ for $x$.", _latex(x)


def _quadratic(rng: np.random.Generator, difficulty: int) -> Problem:
    first = int(rng.integers(1, 4 + 4 * difficulty)) * (1 if rng.random() < 0.5 else -1)
    second = first + int(rng.integers(1, 4 + 4 * difficulty))
    total, product = -(first + second), first * second
    middle = f" {_signed(total, 'x')}" if total else ""
    end = f" {_signed(product)}" if product else ""
    asked = f"Find all real solutions of $x^2{middle}{end} = 0$. Give them as a set."
    return asked, f"\\{{{first}, {second}\\}}"


def _modular(rng: np.random.Generator, difficulty: int) -> Problem:
    base, exponent = int(rng.integers(2, 20)), int(rng.integers(5, 10 + 30 * difficulty))
    modulus = int(rng.integers(7, 13 + 20 * difficulty))
    return f"Find the remainder when ${base}^{{{exponent}}}$ is divided by ${modulus}$.", str(
        pow(base, exponent, modulus)
    )


def _counting(rng: np.random.Generator, difficulty: int) -> Problem:
    people = int(rng.integers(6, 8 + 2 * difficulty))
    chosen = int(rng.integers(2, people - 2))
    kept = int(rng.integers(2, chosen + 1))
    asked = (
        f"A committee of {chosen} is chosen from {people} people, of whom {kept} do not want to serve all together. "
        "In how many ways can it be chosen?"
    )
    together = math.comb(people - kept, chosen - kept)
    return asked, str(math.comb(people, chosen) - together)


def _derivative(rng: np.random.Generator, difficulty: int) -> Problem:
    first, second, third = _drawn(rng, 2, 5 + 2 * difficulty, 3)
    degree = int(rng.integers(3, 4 + difficulty))
    asked = f"{first}x^{{{degree}}} - {second}x^2 + {third}x"
    answer = f"{first * degree}x^{{{degree - 1}}} - {2 * second}x + {third}"
    return f"Differentiate $f(x) = {asked}$ with respect to $x$.", answer


KINDS: dict[str, Make] = {
    "arithmetic": _arithmetic,
    "fractions": _fractions,
    "linear": _linear,
    "quadratic": _quadratic,
    "modular": _modular,
    "counting": _counting,
    "derivative": _derivative,
}
"""The kinds of problems by name."""
