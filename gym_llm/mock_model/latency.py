"""How long the mock model takes to answer: a distribution written as plain text, sampled with a seed.

Not a limiter and not a scheduler: it only draws seconds; the server waits by timers.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from gym_llm.errors import ConfigError, did_you_mean

Latency = Callable[[], float]
"""Draws the next answer's delay in seconds."""

_FORMS = {
    "constant": "constant:SECONDS",
    "uniform": "uniform:LOW:HIGH",
    "lognormal": "lognormal:MEDIAN:SIGMA",
    "exponential": "exponential:MEAN",
}


def parse_latency(text: str | float, seed: int = 0) -> Latency:
    """Read a latency distribution.

    Args:
        text: `0.5` (constant), `uniform:LOW:HIGH`, `lognormal:MEDIAN:SIGMA` or `exponential:MEAN`; all but the
            (unitless) sigma of the logarithm are seconds.
        seed: Seeds the draws; the same seed gives the same sequence.

    Raises:
        ConfigError: The text is none of these forms.

    >>> parse_latency("0.5")()
    0.5
    """
    name, numbers = _split(str(text))
    rng = random.Random(seed)
    if name == "uniform":
        low, high = numbers
        if low > high:
            raise ConfigError(f"latency {text!r}: LOW is above HIGH; write uniform:{high:g}:{low:g}")
        return lambda: rng.uniform(low, high)
    if name == "lognormal":
        median, sigma = numbers
        return lambda: median * math.exp(rng.gauss(0.0, sigma))
    if name == "exponential":
        mean = numbers[0]
        return lambda: rng.expovariate(1.0) * mean
    constant = numbers[0]
    return lambda: constant


def _split(text: str) -> tuple[str, list[float]]:
    """Return the distribution's name and its parameters, all finite and not negative."""
    name, *words = text.strip().split(":")
    if not words:
        name, words = "constant", [name]
    form = _FORMS.get(name)
    if form is None:
        hint = did_you_mean(name, _FORMS)
        raise ConfigError(f"latency {text!r}: unknown distribution {name!r}.{hint} Use {_all_forms()}")
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        raise ConfigError(f"latency {text!r} is not a number of seconds; use {_all_forms()}") from None
    if len(numbers) != form.count(":") or not all(0 <= number < math.inf for number in numbers):
        raise ConfigError(f"latency {text!r}: write {form} with finite numbers that are not negative")
    return name, numbers


def _all_forms() -> str:
    return "SECONDS, " + ", ".join(form for name, form in _FORMS.items() if name != "constant")
