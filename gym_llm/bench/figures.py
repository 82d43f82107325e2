"""Figures: what several rounds of one measurement come to."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One quantity over all rounds.

    >>> figure = Figure((3.0, 1.0, 2.0))
    >>> figure.median, figure.low, figure.high
    (2.0, 1.0, 3.0)
    """

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle of the rounds."""
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        """The lowest round."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The highest round."""
        return max(self.values)

    def as_dict(self) -> dict[str, Any]:
        """Return median, spread and all rounds as plain data."""
        return {"median": self.median, "low": self.low, "high": self.high, "rounds": list(self.values)}

    def __str__(self) -> str:
        """The median; behind it the spread, when there were several rounds."""
        spread = f" ({short(self.low)} to {short(self.high)})" if len(self.values) > 1 else ""
        return short(self.median) + spread


Figures = Mapping[str, Figure]


def gathered(rounds: Iterable[Mapping[str, float]]) -> dict[str, Figure]:
    """Return the figures of some rounds, each a mapping with the same names.

    >>> gathered([{"cpu": 1.0}, {"cpu": 3.0}])["cpu"].median
    2.0
    """
    listed = list(rounds)
    return {name: Figure(tuple(each[name] for each in listed)) for name in listed[0]}


def short(value: float) -> str:
    """Return a number with three significant digits, or whole with separators.

    >>> short(0.01234), short(12.34), short(12345.6)
    ('0.0123', '12.3', '12,346')
    """
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
