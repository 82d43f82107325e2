"""Streaming sums and percentiles whose result does not depend on the order of the values.

Floating-point addition does; episodes finish in any order. `ExactSum` keeps the sum exactly and rounds once;
`Percentiles` counts values in logarithmic bins. Both take constant memory.
"""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

_BIN = math.log1p(0.01)
_LEAST = 1e-6


class ExactSum:
    """Count, mean, least and greatest of a stream of finite numbers.

    >>> total = ExactSum()
    >>> for value in (0.1, 0.2, 0.3):
    ...     total.add(value)
    >>> total.mean
    0.2
    """

    __slots__ = ("_parts", "_whole", "count", "maximum", "minimum")

    def __init__(self) -> None:
        self.count, self.minimum, self.maximum = 0, math.inf, -math.inf
        self._whole = 0
        self._parts: list[float] = []

    def add(self, value: float) -> None:
        """Add one finite number."""
        self.count += 1
        if value < self.minimum:
            self.minimum = value
        if value > self.maximum:
            self.maximum = value
        if value == (whole := int(value)):
            self._whole += whole
        else:
            self._add_fraction(float(value))

    @property
    def mean(self) -> float | None:
        """The exact mean, rounded once; None of nothing."""
        if not self.count:
            return None
        return float((sum(map(Fraction, self._parts), Fraction(self._whole))) / self.count)

    def _add_fraction(self, value: float) -> None:
        """Keep the sum as parts that do not overlap (Shewchuk 1997, grow-expansion)."""
        parts: list[float] = []
        for part in self._parts:
            if abs(value) < abs(part):
                value, part = part, value
            high = value + part
            if low := part - (high - value):
                parts.append(low)
            value = high
        parts.append(value)
        self._parts = parts


class Percentiles:
    """Percentiles of a stream of durations, within 1 %, in a few hundred integers.

    >>> durations = Percentiles()
    >>> for _ in range(9):
    ...     durations.add(1.0)
    >>> durations.add(100.0)
    >>> round(durations.percentile(50), 1), round(durations.percentile(100), 1)
    (1.0, 100.0)
    """

    __slots__ = ("_bins", "total")

    def __init__(self) -> None:
        self._bins: Counter[int] = Counter()
        self.total = ExactSum()

    def add(self, seconds: float) -> None:
        """Add one duration in seconds; less than a microsecond counts as one."""
        self._bins[round(math.log(max(seconds, _LEAST)) / _BIN)] += 1
        self.total.add(seconds)

    def percentile(self, percent: float) -> float | None:
        """Return the duration that `percent` of the values do not exceed (nearest rank); None of nothing."""
        rank = max(1, math.ceil(percent / 100 * self.total.count))
        seen = 0
        for index in sorted(self._bins):
            seen += self._bins[index]
            if seen >= rank:
                return min(max(math.exp(index * _BIN), self.total.minimum), self.total.maximum)
        return None
