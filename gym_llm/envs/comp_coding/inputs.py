"""Random arguments of generated problems: kinds of value, and how each is written, read and described."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Kind = Literal["number", "numbers", "text", "texts", "grid", "edges"]


@dataclass(frozen=True, slots=True)
class Input:
    """One argument.

    Attributes:
        kind: What it is.
        low: Least value of a number (in it).
        high: Greatest value.
        least: Least length or side.
        most: Greatest length or side.
        letters: What a text is made of.
    """

    kind: Kind
    low: int = 0
    high: int = 100
    least: int = 1
    most: int = 60
    letters: str = "abcde"

    def drawn(self, rng: np.random.Generator, scale: float, before: list[Any]) -> Any:
        """Draw a value; `scale` 0 to 1 says how large, `before` holds the arguments drawn before."""
        size = self.least + round(scale * (self.most - self.least))
        return _DRAWN[self.kind](self, rng, size, scale, before)

    def described(self, name: str) -> str:
        """Return how a program reads it, and its range."""
        return _DESCRIBED[self.kind].format(name=name, input=self)


def written(value: Any) -> str:
    r"""Return the lines by which a program gets a value.

    >>> written([3, 1]), written(["a", "b"]), written([[1, 2], [3, 4]])
    ('2\n3 1\n', '2\na\nb\n', '2 2\n1 2\n3 4\n')
    """
    if not isinstance(value, list):
        return f"{value}\n"
    if value and isinstance(value[0], list):
        rows = "".join(" ".join(map(str, row)) + "\n" for row in value)
        return f"{len(value)} {len(value[0])}\n{rows}"
    if value and isinstance(value[0], str):
        return f"{len(value)}\n" + "".join(f"{text}\n" for text in value)
    return f"{len(value)}\n{' '.join(map(str, value))}\n"


def _numbers(given: Input, rng: np.random.Generator, size: int) -> list[int]:
    return [int(value) for value in rng.integers(given.low, given.high + 1, size=size)]


def _text(given: Input, rng: np.random.Generator, size: int) -> str:
    return "".join(given.letters[int(place)] for place in rng.integers(len(given.letters), size=size))


def _number(given: Input, rng: np.random.Generator, size: int, scale: float, before: list[Any]) -> int:
    top = given.low + round(scale * (given.high - given.low))
    return int(rng.integers((given.low + top) // 2, top + 1))


def _edges(given: Input, rng: np.random.Generator, size: int, scale: float, before: list[Any]) -> list[list[int]]:
    return [[int(end) for end in rng.integers(before[0], size=2)] for _ in range(max(1, before[0] * 2 // 3))]


def _words(given: Input, rng: np.random.Generator, size: int, scale: float, before: list[Any]) -> list[str]:
    return [_text(given, rng, int(rng.integers(2, 4))) for _ in range(size)]


_DRAWN: dict[str, Callable[[Input, np.random.Generator, int, float, list[Any]], Any]] = {
    "number": _number,
    "numbers": lambda given, rng, size, *_: _numbers(given, rng, size),
    "text": lambda given, rng, size, *_: _text(given, rng, size),
    "texts": _words,
    "grid": lambda given, rng, size, *_: [_numbers(given, rng, size) for _ in range(size)],
    "edges": _edges,
}
_DESCRIBED = {
    "number": "{name}, an integer from {input.low} to {input.high}, on one line",
    "numbers": "the length of {name} on one line ({input.least} to {input.most}), then its integers "
    "({input.low} to {input.high}) on the next",
    "text": "{name}, a text of {input.least} to {input.most} characters of '{input.letters}', on one line",
    "texts": "the number of {name} on one line ({input.least} to {input.most}), then each word on a line of its own",
    "grid": "the numbers of rows and columns of {name} on one line ({input.least} to {input.most}), then each row on "
    "a line of its own, integers from {input.low} to {input.high}",
    "edges": "the number of {name} and the number 2 on one line, then each edge on a line of its own: two nodes, "
    "counted from 0",
}
READERS = {
    "number": "int(input())",
    "numbers": "(input(), list(map(int, input().split())))[1]",
    "text": "input()",
    "texts": "[input() for _ in range(int(input()))]",
    "grid": "[list(map(int, input().split())) for _ in range(int(input().split()[0]))]",
    "edges": "[list(map(int, input().split())) for _ in range(int(input().split()[0]))]",
}
"""How a Python program reads each kind."""
