"""Desks: what can be ordered at each, how one asks for it, and rows with a hidden goal.

Makes rows for `UserSimulator.generate`. The desks stand in `data/desks.json`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from gym_llm.errors import ConfigError
from gym_llm.items import message

RULES = (
    " Find out what the customer wants: the customer answers what is asked, at most two questions a message, and "
    "tells nothing else. show_form shows the fields and their values. Guess nothing. Fill every field, submit the "
    "form once, and say goodbye."
)


@dataclass(frozen=True, slots=True)
class Slot:
    """One field of a form.

    Attributes:
        question: How one asks for it.
        asks: What questions for it contain.
        says: How the user tells it.
        values: What can be filled in.
    """

    question: str
    asks: re.Pattern[str]
    says: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Desk:
    """One desk: who sits there, how users begin, its form."""

    role: str
    opening: tuple[str, ...]
    slots: dict[str, Slot]


@cache
def desks() -> dict[str, Desk]:
    """Return the desks by name."""
    written = msgspec.json.decode((Path(__file__).parent / "data" / "desks.json").read_bytes())
    return {name: Desk(desk["role"], tuple(desk["opening"]), _slots(desk["slots"])) for name, desk in written.items()}


def row(rng: np.random.Generator, *, desk: str | None = None, told: int = 1) -> dict[str, Any]:
    """Return a row.

    Args:
        rng: Source of randomness.
        desk: `table`, `train` or `flowers`; drawn when left out.
        told: Fields that the user tells in the first message, 0 to 3.

    Raises:
        ConfigError: For a knob out of range.
    """
    known = list(desks())
    if desk not in (None, *known) or told not in range(4):
        raise ConfigError(f"desk={desk!r}, told={told}: give one of {', '.join(known)}, and 0 to 3")
    name = known[int(rng.integers(len(known)))] if desk is None else desk
    chosen = desks()[name]
    goal = {slot: each.values[int(rng.integers(len(each.values)))] for slot, each in chosen.slots.items()}
    first = sorted(int(place) for place in rng.permutation(len(goal))[:told])
    opened = [list(goal)[place] for place in first]
    opening = chosen.opening[int(rng.integers(len(chosen.opening)))]
    words = " ".join([opening, *(sentence(chosen.slots[slot], goal[slot]) for slot in opened)])
    return {
        "responses_create_params": {"input": [message(chosen.role + RULES, "system"), message(words)]},
        "desk": name,
        "goal": goal,
        "told": opened,
    }


def sentence(slot: Slot, value: str) -> str:
    """Return how a user tells a value.

    >>> sentence(desks()["flowers"].slots["colour"], "white")
    'White, please.'
    """
    said = slot.says.format(value)
    return said[0].upper() + said[1:]


def _slots(written: dict[str, dict[str, Any]]) -> dict[str, Slot]:
    return {
        name: Slot(
            slot["question"], re.compile(rf"\b(?:{slot['asks']})\b", re.IGNORECASE), slot["says"], tuple(slot["values"])
        )
        for name, slot in written.items()
    }
