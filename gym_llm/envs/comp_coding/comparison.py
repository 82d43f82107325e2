"""Comparing what a run gave with what is expected, in this process. A program as a checker is in `judging.py`."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

_ABSOLUTE, _RELATIVE = 1e-8, 1e-5
_WHOLE = 1e-6


def same_lines(output: str, expected: str) -> bool:
    """Whether line by line the texts, or the numbers in them, are equal; blank lines around do not count."""
    given, wanted = (text.strip().split("\n") for text in (output, expected))
    return len(given) == len(wanted) and all(map(_same_line, given, wanted))


def same_tokens(output: str, expected: str) -> bool:
    """Whether the words are equal, however they are set in lines."""
    return output.split() == expected.split()


def close_tokens(output: str, expected: str, tolerance: float) -> bool:
    """Whether the words are equal, numbers up to an absolute or relative tolerance."""
    given, wanted = output.split(), expected.split()
    return len(given) == len(wanted) and all(
        one == other or _close(_number(one), _number(other), tolerance)
        for one, other in zip(given, wanted, strict=True)
    )


def value(text: str) -> Any:
    """Return a value that a call gave.

    Raises:
        ValueError: It is no JSON that can be read.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def same_value(given: Any, wanted: Any) -> bool:
    """Whether two JSON values are equal; a number that is no whole one up to a part in 100,000."""
    try:
        if given == wanted:
            return True
    except RecursionError:
        return False
    one, other = _number(given), _number(wanted)
    if one is None or other is None:
        return False
    if isinstance(one, int) and isinstance(other, int):
        return one == other
    try:
        if isinstance(one, int) or isinstance(other, int):
            return abs(one - other) <= _WHOLE
    except OverflowError:
        return False
    return abs(one - other) <= _ABSOLUTE + _RELATIVE * abs(other)


def close_value(given: Any, wanted: Any, tolerance: float) -> bool:
    """Whether two JSON values are equal, numbers anywhere in them up to a tolerance."""
    try:
        return _close_value(given, wanted, tolerance)
    except RecursionError:
        return False


def _close_value(given: Any, wanted: Any, tolerance: float) -> bool:
    if isinstance(given, list) and isinstance(wanted, list):
        pairs = zip(given, wanted, strict=False)
        return len(given) == len(wanted) and all(_close_value(one, other, tolerance) for one, other in pairs)
    if isinstance(given, dict) and isinstance(wanted, dict):
        return given.keys() == wanted.keys() and all(_close_value(given[key], wanted[key], tolerance) for key in wanted)
    if isinstance(given, str) or isinstance(wanted, str):
        return bool(given == wanted)
    return bool(given == wanted) or _close(_number(given), _number(wanted), tolerance)


def _same_line(given: str, wanted: str) -> bool:
    given, wanted = given.strip(), wanted.strip()
    if given == wanted:
        return True
    try:
        numbers = [[Decimal(word) for word in line.split()] for line in (given, wanted)]
        return numbers[0] == numbers[1]
    except ArithmeticError:  # a word that is no number, or a signalling NaN
        return False


def _number(given: Any) -> int | float | None:
    if isinstance(given, int | float):
        return given
    if isinstance(given, str):
        for kind in (int, float):
            try:
                return kind(given)
            except ValueError:
                continue
    return None


def _close(one: float | None, other: float | None, tolerance: float) -> bool:
    if one is None or other is None:
        return False
    try:
        finite = math.isfinite(one) and math.isfinite(other)  # "9" * 5000 and "8" * 5000 are read as infinite
        return finite and math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)
    except OverflowError:
        return one == other
