"""Whether and when a failed request is sent again: backoff, budget, and the server's own `Retry-After`.

Only numbers are decided here; what a failure is, is said in `failures.py`.
"""

from __future__ import annotations

import math
import random
import time
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER = 60.0
"""Seconds; a server that asks for more is asked again after this."""

_FIRST = 0.5
_LONGEST = 30.0
_SHARE = 0.1


class Backoff:
    """Exponential backoff with full jitter, which spreads callers best (Brooker, AWS Architecture Blog, 2015)."""

    __slots__ = ("_random",)

    def __init__(self) -> None:
        self._random = random.Random()

    def seconds(self, attempt: int) -> float:
        """Return the pause after an attempt, counted from 1: between 0 and 0.5, 1, 2 ... at most 30 seconds."""
        return self._random.random() * min(_LONGEST, _FIRST * 2.0 ** (attempt - 1))

    def spread(self, seconds: float) -> float:
        """Return a pause up to a tenth longer, so that processes told the same do not come back at once."""
        return seconds * (1.0 + 0.1 * self._random.random())


class Budget:
    """Bounds retries to a tenth of the requests, so that a failing server is not asked several times as much.

    Args:
        reserve: Retries that are always there to begin with; a whole window of requests may be lost at once.
    """

    __slots__ = ("_left", "_reserve")

    def __init__(self, reserve: float) -> None:
        self._left = self._reserve = reserve

    def earn(self) -> None:
        """Count a new request."""
        if self._left < self._reserve:
            self._left += _SHARE

    def spend(self) -> bool:
        """Take one retry; False when there is none left."""
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


def retry_after(value: str | None) -> float | None:
    """Return the seconds that `Retry-After` asks for (RFC 9110, 10.2.3), at most 60; None when it says nothing.

    >>> retry_after("2"), retry_after("86400"), retry_after("soon"), retry_after(None)
    (2.0, 60.0, None, None)
    """
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), MAX_RETRY_AFTER)
