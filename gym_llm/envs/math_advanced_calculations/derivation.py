"""What counts as derived: outputs of calls on numbers of the problem or on earlier derived outputs.

So a value that was worked out elsewhere and passed through `return_constant` counts for nothing. Reads calls and
compares numbers; computes nothing itself but the steps that a row's own expressions ask for.
"""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence

from gym_llm.envs.math_advanced_calculations.expressions import Node
from gym_llm.envs.math_advanced_calculations.universe import PARAMETERS
from gym_llm.episode import ToolCall

MAX_NUMBERS = 10_000
"""How many numbers of a message are looked at, from the last."""

_NUMBER = re.compile(
    r"(?<![\w.])[-+\N{MINUS SIGN}]?\d{1,40}(?:,\d{3}){0,12}(?:\.\d{0,40})?(?:[eE][-+]?\d{1,3})?(?![\w])"
)
_POWER_OF_TEN = re.compile(
    r"(?<=[\d.])\s{0,3}(?:\\times|\\cdot|[\N{MULTIPLICATION SIGN}\N{MIDDLE DOT}x*])"
    r"\s{0,3}10\s?(?:\^|\*\*)\s?\{?\s?([-+]?\d{1,3})\}?"
)


def literals(prompt: str) -> list[float]:
    """Return the numbers that stand in a text, as positive numbers, sorted.

    >>> literals("(4.0 + -2.0) ** 3")
    [2.0, 3.0, 4.0]
    """
    return sorted({abs(value) for value in numbers(prompt)})


def numbers(text: str) -> list[float]:
    """Return the finite numbers of a text, in order."""
    found = [float(match.replace(",", "").replace("\N{MINUS SIGN}", "-")) for match in _NUMBER.findall(text)]
    return [value for value in found[-MAX_NUMBERS:] if math.isfinite(value)]


def outputs(calls: Iterable[ToolCall]) -> list[Node]:
    """Return the calls that a calculator answered, in order."""
    found = []
    for call in calls:
        if call.error is None and call.arguments is not None and call.name in PARAMETERS:
            given = tuple(float(call.arguments[name]) for name in PARAMETERS[call.name])
            found.append((call.name, given, float(json.loads(call.output)["solution"])))
    return found


def derived(nodes: Iterable[Node], known: Iterable[float], tolerance: float) -> list[Node]:
    """Return the calls all of whose arguments are known numbers or results of such calls before them."""
    numbers_known = sorted(known)
    kept = []
    for node in nodes:
        if all(near(numbers_known, value, tolerance) for value in node[1]):
            kept.append(node)
            if not near(numbers_known, node[2], 0.0):
                insort(numbers_known, node[2])
    return kept


def near(ordered: Sequence[float], value: float, tolerance: float) -> bool:
    """Whether a sorted list holds a number within a relative tolerance."""
    place = bisect_left(ordered, value)
    return any(equal(value, other, tolerance) for other in ordered[max(0, place - 1) : place + 1])


def equal(value: float, other: float, tolerance: float) -> bool:
    """Whether two numbers agree within a relative tolerance."""
    return math.isclose(value, other, rel_tol=tolerance, abs_tol=0.0)


def missing(wanted: Iterable[Node], nodes: Sequence[Node], tolerance: float) -> int:
    """Count the wanted steps for which there is no call of the same tool with the same arguments."""
    return sum(
        not any(
            node[0] == step[0] and all(map(lambda a, b: equal(a, b, tolerance), node[1], step[1])) for node in nodes
        )
        for step in wanted
    )


def stated(text: str, values: Iterable[float], tolerance: float) -> bool:
    r"""Whether a text gives the values in order; other numbers may stand between them.

    >>> stated(r"It is $-1.2 \times 10^{5}$, and then 3.", [-120000, 3], 0)
    True
    """
    values = list(values)
    for written in (text, _POWER_OF_TEN.sub(r"e\1", text)):
        left = iter(numbers(written))
        if all(any(equal(value, number, tolerance) for number in left) for value in values):
            return True
    return False
