"""How like two texts are: difflib's ratio without its junk rule, in bounded time.

The longest common run is matched first, then what is left and right of it, as Ratcliff and Obershelp do. Found by
rows of NumPy in place of dictionaries, so that a text of one repeated letter costs no more than another.
"""

from __future__ import annotations

from typing import Any

import numpy as np

BUDGET = 1_000_000_000
"""Most work for one pair of texts, in letters compared; some seconds."""
_ROW = 4000
"""What a row costs beside its letters, in letters compared."""

_Letters = np.ndarray[Any, np.dtype[np.uint32]]


def ratio(left: str, right: str, budget: int = BUDGET) -> tuple[float, bool]:
    """Return twice the matched letters divided by all letters, 0 to 1, and whether the work was within budget.

    Runs that are not looked for when the budget is spent count as different, so that the ratio is then a lower
    bound; it depends on the texts only, not on the machine.

    >>> ratio("abcd", "bcde")
    (0.75, True)
    """
    if left == right:
        return 1.0, True
    total = len(left) + len(right)
    a, b = _letters(left), _letters(right)
    matched = 0
    if _cost(len(a), len(b)) > budget:
        matched, a, b = _trimmed(a, b)
    waiting, whole = [(a, b)], True
    while waiting:
        a, b = waiting.pop()
        if not len(a) or not len(b):
            continue
        budget -= _cost(len(a), len(b))
        if budget < 0:
            whole = False
            continue
        at, bt, size = _longest_run(a, b)
        if size:
            matched += size
            waiting += [(a[:at], b[:bt]), (a[at + size :], b[bt + size :])]
    return 2 * matched / total, whole


def _letters(text: str) -> _Letters:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _cost(rows: int, columns: int) -> int:
    return rows * (columns + _ROW)


def _trimmed(a: _Letters, b: _Letters) -> tuple[int, _Letters, _Letters]:
    """Cut off the common beginning, then the common end; return also how long they are together."""
    begin = _common(a, b)
    a, b = a[begin:], b[begin:]
    end = _common(a[::-1], b[::-1])
    return begin + end, a[: len(a) - end], b[: len(b) - end]


def _common(a: _Letters, b: _Letters) -> int:
    short = min(len(a), len(b))
    differ = np.flatnonzero(a[:short] != b[:short])
    return int(differ[0]) if len(differ) else short


def _longest_run(a: _Letters, b: _Letters) -> tuple[int, int, int]:
    """Return where the longest common run begins in both and its length; of equal ones the first in a, then b."""
    best = (0, 0, 0)
    before = np.zeros(len(b) + 1, np.int32)
    for at, letter in enumerate(a.tolist()):
        runs = np.zeros(len(b) + 1, np.int32)
        np.multiply(before[:-1] + 1, b == letter, out=runs[1:])
        last = int(runs.argmax())
        if (size := int(runs[last])) > best[2]:
            best = (at - size + 1, last - size, size)
        before = runs
    return best
