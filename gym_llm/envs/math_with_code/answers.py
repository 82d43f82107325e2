r"""Finding the answer in the model's messages: the last `\boxed{...}`; and comparing it as text or number.

Pure functions on the standard library, linear in the text's length. Mathematics is `symbolic.py`.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Iterable
from itertools import accumulate

MAX_CHARS = 2000
"""Longest answer that is compared as mathematics, in characters."""
_OPENING = "\\boxed{"
_STEPS = bytes({0x7B: 1, 0x7D: 255}.get(code, 0) for code in range(256))
_TOLERANCE = 1e-6
_SPACE = re.compile(r"\s+")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?")
_INTEGER = re.compile(r"[+-]?\d{1,4000}")


def last_answer(messages: Iterable[str]) -> str | None:
    r"""Return the answer: of the last message whose last box is closed and not empty.

    >>> last_answer([r"\boxed{1}", r"So \boxed{\frac{1}{2}}.", r"\boxed{ }", "Done."])
    '\\frac{1}{2}'
    """
    for text in reversed(list(messages)):
        if found := _last_box(text):
            return found
    return None


def same_text(answer: str, expected: str) -> bool:
    r"""Whether two answers are equal as texts or as decimal numbers; integers of many digits exactly.

    >>> same_text("42.0", "42"), same_text(" 3 ", r"\(3\)"), same_text("10000000001", "10000000002")
    (True, True, False)
    """
    given, wanted = normal(answer), normal(expected)
    if given == wanted:
        return True
    one, other = number(given), number(wanted)
    return one is not None and other is not None and _close(given, wanted, one, other)


def normal(text: str) -> str:
    r"""Return an answer without what is only set around it: `\(..\)`, `$..$`, `\text{..}`, repeated blanks."""
    text = text.strip()
    if text.startswith("\\(") and text.endswith("\\)"):
        text = text[2:-2].strip()
    if len(text) > 1 and text.startswith("$") and text.endswith("$"):
        text = text[1:-1].strip()
    if text.startswith("\\text{") and text.endswith("}"):
        text = text[6:-1].strip()
    return _SPACE.sub(" ", text)


def number(text: str) -> float | None:
    """Return a decimal number, or None."""
    if len(text) > MAX_CHARS or not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def _close(given: str, wanted: str, one: float, other: float) -> bool:
    if _INTEGER.fullmatch(given) and _INTEGER.fullmatch(wanted) and len(given) + len(wanted) < 2 * MAX_CHARS:
        return int(given) == int(wanted)
    return abs(one - other) < _TOLERANCE * max(1.0, abs(other))


def _last_box(text: str) -> str | None:
    start = text.rfind(_OPENING)
    if start < 0:
        return None
    start += len(_OPENING)
    # One signed byte for each character, summed in C: 5 MB of braces take a tenth of a second.
    steps = text[start:].encode("latin-1", "replace").translate(_STEPS)
    try:
        length = operator.indexOf(accumulate(memoryview(steps).cast("b"), initial=1), 0)
    except ValueError:
        return None
    return text[start : start + length - 1].strip() or None
