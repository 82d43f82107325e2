"""Procedural tasks: a chat in which events are added, moved, shortened and cancelled, up to the user's last turn.

Makes rows for `Calendar.generate`. Every constraint is drawn around one hidden calendar, so each turn can be
solved; the last turn always changes the calendar that stands before it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gym_llm.envs.calendar import schedules
from gym_llm.envs.calendar.clock import window, written
from gym_llm.errors import ConfigError
from gym_llm.items import Item, message

_STEP = 15
_RULES = """You keep the user's calendar for one day, from {begin} to {end}. After every message of the user's, answer
with the whole calendar as a JSON list, one object for each event, for example
[{{"event_id": 99, "event_name": "Phone call", "start_time": "{example}", "duration": 30}}]
- event_id: 1 for the first event that the user names, 2 for the second and so on. An event keeps its id for good.
- event_name as the user writes it, duration in minutes.
- No event begins before {begin} or ends after {end}, and no two events overlap.
- "before" a time: it ends then or earlier. "after": it starts then or later. "between" two: both. "at": it starts then.
You may move events that the user has not fixed, as long as all wishes hold."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wants of one event, and where the hidden calendar has it (minutes after midnight)."""

    name: str
    duration: int
    start: int
    constraint: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that the user says, of which event, and what is then wanted of it (when it is not cancelled)."""

    kind: str
    number: int
    wish: Wish


class _Day:
    """The limits of a day, and how times are written in it."""

    def __init__(self, rng: np.random.Generator, clock: str) -> None:
        self.begin = int(rng.integers(7, 11)) * 60
        self.end = self.begin + int(rng.integers(9, 12)) * 60
        self.clock = clock

    def text(self, minute: int) -> str:
        return written(minute, self.clock)


def row(
    rng: np.random.Generator, *, num_events: int = 4, num_changes: int = 1, clock: str | None = None
) -> dict[str, Any]:
    """Return a row.

    Args:
        rng: Source of randomness.
        num_events: Events that are named in the chat, 1 to 8.
        num_changes: Events that are moved, shortened or cancelled later, 0 to `num_events` - 1.
        clock: `12h` or `24h`; either when left out.

    Raises:
        ConfigError: For a knob out of range.
    """
    if not (1 <= num_events <= 8 and 0 <= num_changes < num_events and clock in (None, "12h", "24h")):
        raise ConfigError(
            f"num_events={num_events}, num_changes={num_changes}, clock={clock!r}: "
            "give 1 to 8, 0 to num_events - 1, and '12h' or '24h'"
        )
    day = _Day(rng, clock or ("12h", "24h")[int(rng.integers(2))])
    turns = _turns(rng, day, _hidden(rng, day, num_events), num_changes)
    rules = _RULES.format(begin=day.text(day.begin), end=day.text(day.end), example=day.text(day.begin + 60))
    items, state = [message(rules, "system")], dict[int, Wish]()
    while turns:
        both = len(turns) > 1 and turns[0].number != turns[1].number and rng.random() < 0.25
        said, turns = turns[: 1 + both], turns[1 + both :]
        for turn in said:
            state[turn.number] = turn.wish
            if turn.kind == "cancel":
                del state[turn.number]
        items.append(message(_spoken(rng, said)))
        if turns:
            items.append(_reply(rng, day, state))
    return {
        "responses_create_params": {"input": items},
        "exp_cal_state": {str(number): _expected(day, number, wish) for number, wish in state.items()},
    }


def entry(number: int | str, name: str, start: int, duration: int, clock: str = "12h") -> dict[str, Any]:
    """Return an event as the calendar lists it."""
    event_id = int(number) if str(number).isdecimal() else number
    return {"event_id": event_id, "event_name": name, "start_time": written(start, clock), "duration": duration}


def _hidden(rng: np.random.Generator, day: _Day, number: int) -> list[Wish]:
    """Return a calendar without overlaps, in the order in which the user will name its events."""
    names = rng.choice(_phrases()["events"], size=number, replace=False).tolist()
    while True:
        durations = [int(length) for length in rng.integers(2, 7, size=number) * _STEP]
        slack = day.end - day.begin - sum(durations)
        if slack >= 60:
            break
    cuts = sorted(int(cut) * _STEP for cut in rng.integers(slack // _STEP + 1, size=number))
    starts, passed = [0] * number, 0
    for cut, place in zip(cuts, rng.permutation(number).tolist(), strict=True):
        starts[place] = day.begin + cut + passed
        passed += durations[place]
    wishes = [Wish(*drawn) for drawn in zip(names, durations, starts, strict=True)]
    return [replace(wish, constraint=_constraint(rng, day, wish)) for wish in wishes]


def _constraint(rng: np.random.Generator, day: _Day, wish: Wish) -> str | None:
    """Return a constraint that the hidden calendar satisfies."""
    end = wish.start + wish.duration
    before = int(rng.integers(0, 9)) * _STEP
    after = int(rng.integers(0, 9)) * _STEP
    first, last = max(day.begin, wish.start - before), min(day.end, end + after)
    kind = ("none", "before", "after", "between", "at")[int(rng.integers(5))]
    return {
        "none": None, "before": f"before {day.text(last)}", "after": f"after {day.text(first)}",
        "between": f"between {day.text(first)} and {day.text(last)}", "at": f"at {day.text(wish.start)}",
    }[kind]  # fmt: skip


def _turns(rng: np.random.Generator, day: _Day, wishes: list[Wish], num_changes: int) -> list[Turn]:
    """Return what the user says, in order; the last is an addition, a cancellation or a shortening."""
    turns = [Turn("add", number, wish) for number, wish in enumerate(wishes, start=1)]
    for number in sorted((rng.permutation(len(wishes))[:num_changes] + 1).tolist()):
        added = next(place for place, turn in enumerate(turns) if turn.number == number)
        place = int(rng.integers(added + 1, len(turns) + 1))
        turns.insert(place, _change(rng, day, turns[added], last=place == len(turns)))
    return turns


def _change(rng: np.random.Generator, day: _Day, turn: Turn, *, last: bool) -> Turn:
    wish = turn.wish
    kinds = ["cancel"] if last else ["cancel", "move"]
    kinds += ["shorten"] if wish.duration > 2 * _STEP else []
    kind = kinds[int(rng.integers(len(kinds)))]
    if kind == "cancel":
        return Turn(kind, turn.number, wish)
    if kind == "shorten":
        return Turn(kind, turn.number, replace(wish, duration=wish.duration - _STEP))
    moved = replace(wish, constraint=_constraint(rng, day, wish))
    return Turn("move" if moved.constraint else "free", turn.number, moved)


def _spoken(rng: np.random.Generator, turns: list[Turn]) -> str:
    """Return the user's message."""
    parts = [_any(rng, _phrases()["chat"])] if rng.random() < 0.4 else []
    for turn in turns:
        wish = turn.wish
        constraint = wish.constraint or ""
        padded = f" {constraint}" if constraint and turn.kind == "add" else constraint
        pattern = _any(rng, _phrases()[turn.kind])
        parts.append(pattern.format(name=wish.name, duration=wish.duration, constraint=padded))
    return " ".join(parts)


def _reply(rng: np.random.Generator, day: _Day, state: dict[int, Wish]) -> Item:
    """Return the assistant's answer: a calendar that is right so far."""
    begin, end = day.text(day.begin), day.text(day.end)
    starts = schedules.solved([(window(wish.constraint, begin, end), wish.duration) for wish in state.values()])
    listed = [
        entry(number, wish.name, start, wish.duration, day.clock)
        for (number, wish), start in zip(state.items(), starts or (), strict=True)
    ]
    return message(f"{_any(rng, _phrases()['reply'])}\n{json.dumps(listed)}", "assistant")


def _expected(day: _Day, number: int, wish: Wish) -> dict[str, Any]:
    return {
        "event_id": number, "event_name": wish.name, "duration": wish.duration, "constraint": wish.constraint,
        "min_time": day.text(day.begin), "max_time": day.text(day.end),
    }  # fmt: skip


def _any(rng: np.random.Generator, texts: list[str]) -> str:
    return texts[int(rng.integers(len(texts)))]


@cache
def _phrases() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "phrases.json").read_text("utf-8"))
    return loaded
