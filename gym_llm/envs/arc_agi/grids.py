"""Grids: rectangles of the colours 0 to 9, at most 30 x 30, and the question that shows them. Source: ARC's README."""

from __future__ import annotations

import json
from typing import Any

Grid = list[list[int]]
MAX_SIDE = 30


def grid_problem(value: Any) -> str | None:
    """Return why a value is no grid, or None."""
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_SIDE:
        return f"a grid is a list of 1 to {MAX_SIDE} rows"
    if not all(isinstance(row, list) and 1 <= len(row) <= MAX_SIDE for row in value):
        return f"a row is a list of 1 to {MAX_SIDE} colours"
    if len({len(row) for row in value}) > 1:
        return "the rows are of different lengths"
    if not all(type(cell) is int and 0 <= cell <= 9 for row in value for cell in row):
        return "a colour is a whole number from 0 to 9"
    return None


def checked(value: Grid) -> Grid:
    """Return a grid.

    Raises:
        ValueError: Saying why it is none.
    """
    if problem := grid_problem(value):
        raise ValueError(problem)
    return value


def text(grid: Grid) -> str:
    """Return a grid as JSON with one row a line.

    >>> print(text([[0, 1], [2, 3]]))
    [[0, 1],
     [2, 3]]
    """
    return "[" + ",\n ".join(map(json.dumps, grid)) + "]"


def question(train: list[tuple[Grid, Grid]], tests: list[Grid]) -> str:
    """Return the puzzle as text."""
    parts = ["Find the rule that turns each input grid into its output grid. The numbers 0 to 9 are colours."]
    for number, (given, wanted) in enumerate(train, start=1):
        parts.append(f"Example {number}, input:\n{text(given)}\nExample {number}, output:\n{text(wanted)}")
    for number, given in enumerate(tests, start=1):
        name = f"Test {number}" if len(tests) > 1 else "Test"
        parts.append(f"{name}, input:\n{text(given)}")
    which = "the test's output grid" if len(tests) == 1 else "each test's output grid in order, each"
    parts.append(f"End with {which} as JSON inside \\boxed{{}}.")
    return "\n\n".join(parts)
