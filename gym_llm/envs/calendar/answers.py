"""The calendar in a model's message: the first JSON list of objects. Bounded, whatever the message holds."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from gym_llm.envs.calendar.clock import minutes
from gym_llm.items import ModelJSONError, parse_model_json

MAX_CHARS = 200_000
MAX_TRIES = 100
_OPENING = re.compile(r"\[\s*\{")
_DECODER = json.JSONDecoder()


class Unreadable(ValueError):
    """An entry that is no event; the message says why."""


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a calendar: its start in minutes after midnight, its duration in minutes."""

    event_id: str
    name: str
    start: int
    duration: float

    @property
    def end(self) -> float:
        """When it ends, in minutes after midnight."""
        return self.start + self.duration


def spoken(text: str) -> str:
    """Return a message without the reasoning that some models write between think tags.

    >>> spoken("<think>Hm.</think>So: <think>Or")
    'So: '
    """
    *closed, last = text.split("</think>")
    before = [part.partition("<think>")[0] for part in closed if "<think>" in part]
    return "".join([*before, last.partition("<think>")[0]])


def first_list(text: str) -> list[Any] | None:
    """Return the first JSON list whose first element is an object, or None."""
    text = text[:MAX_CHARS]
    place = 0
    for _ in range(MAX_TRIES):
        opening = _OPENING.search(text, place)
        if opening is None:
            return None
        place = opening.start() + 1
        try:
            _, end = _DECODER.raw_decode(text, opening.start())
            found = parse_model_json(text[opening.start() : end])
        except (ModelJSONError, ValueError, RecursionError):
            continue
        if isinstance(found, list):
            return found
    return None


def event(entry: Any) -> Event:
    """Read one entry.

    Raises:
        Unreadable: When it lacks an id, a start or a duration.
    """
    if not isinstance(entry, dict):
        raise Unreadable("an entry is no object")
    number, start, duration = entry.get("event_id"), entry.get("start_time"), entry.get("duration")
    if not isinstance(number, int | str) or isinstance(number, bool):
        raise Unreadable("an entry has no event_id")
    if not isinstance(duration, int | float) or isinstance(duration, bool):
        raise Unreadable(f"the duration of event {str(number)[:40]} is no number of minutes")
    if not isinstance(start, str):
        raise Unreadable(f"the start_time of event {str(number)[:40]} is no time")
    try:
        return Event(str(number), str(entry.get("event_name", "")), minutes(start), duration)
    except ValueError as error:
        raise Unreadable(f"the start_time of event {str(number)[:40]}: {error}") from None
