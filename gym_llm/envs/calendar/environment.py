"""The environment: what a row holds, how the last message is graded, and the reference solution."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pydantic
from pydantic_core import PydanticCustomError

from gym_llm import Episode, ResponsesEnv, Task, Verification
from gym_llm.envs.calendar import answers, clock, dialogues, schedules
from gym_llm.errors import ConfigError
from gym_llm.items import Item, assistant_message


class ExpectedEvent(pydantic.BaseModel):
    """An event that the calendar must hold, and where it may stand."""

    model_config = pydantic.ConfigDict(extra="allow", frozen=True)

    event_id: int | str | None = None
    event_name: str = ""
    duration: int = pydantic.Field(gt=0)
    constraint: str | None = None
    min_time: str
    max_time: str

    @property
    def window(self) -> clock.Window:
        """Where the event may stand."""
        return clock.window(self.constraint, self.min_time, self.max_time)

    @pydantic.model_validator(mode="after")
    def _has_a_window(self) -> ExpectedEvent:
        try:
            _ = self.window
        except ValueError as error:
            raise PydanticCustomError("constraint", "{reason}", {"reason": str(error)}) from None
        return self


class CalendarTask(Task):
    """A conversation about a calendar, and the events that it must hold afterwards, by id."""

    exp_cal_state: dict[str, ExpectedEvent]


class Calendar(ResponsesEnv):
    """Answer the last turn of a chat about one day's calendar with the calendar as a JSON list.

    Tasks:
        `exp_cal_state`: expected events by id, each with `event_name`, `duration` (minutes), `constraint` (null,
        `before T`, `after T`, `between T and T`, `at T`), `min_time` and `max_time`. Rows of NeMo Gym's calendar
        server load unchanged; a time or constraint that cannot be read is refused. Bundled: 8 rows made by the
        generator, Apache-2.0. Unlimited, with the knobs `num_events`, `num_changes` and `clock`.
    Tools:
        None.
    Reward:
        1.0 when the first JSON list of objects in the last message is a calendar that holds each expected event
        once (by `event_id`) and no other, without overlaps, each with its duration, inside its day and its
        constraint; otherwise 0.0. When no event is expected, a message pays that lists no event. Unlike there:
        text in think tags is left out and does not spoil the answer, the last message counts even when another
        item follows it, an invented event never pays, an event listed twice never pays, times may have capitals
        and spaces, `13pm` is no time. Named rewards: `correct`, which is the reward, `format_ok` (a list whose
        entries can be read) and `satisfied` (share of the expected events that stand where they may). The
        verification says `reason` and `names_ok`: names are not judged, as there.
    Episode end:
        The first message, or 4 turns.
    Known shortcuts:
        Where no event is expected, any message without a list pays; the bundled and generated rows have none such.
    Version history:
        v0: first version.

    Args:
        **settings: As for every environment: `dataset`, `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.
    """

    Task = CalendarTask
    domain = "instruction_following"
    max_turns = 4
    reward_weights = {"correct": 1.0, "format_ok": 0.0, "satisfied": 0.0}  # noqa: RUF012

    def verify(self, task: CalendarTask, episode: Episode) -> Verification:
        """Read the list in the last message and hold it against the expected events."""
        text, expected = answers.spoken(episode.last_message), task.exp_cal_state
        listed = answers.first_list(text)
        if listed is None:
            right = bool(text.strip()) and not expected
            return _graded(right, False, float(right), "pass" if right else "no_json_list")
        try:
            events = [answers.event(entry) for entry in listed]
        except answers.Unreadable as error:
            return _graded(False, False, 0.0, "unreadable_event", problem=str(error))
        fitting = {event.event_id for event in events if _fits(event, expected.get(event.event_id))}
        named = all(
            event.name.casefold() == expected[event.event_id].event_name.casefold()
            for event in events if event.event_id in expected
        )  # fmt: skip
        reason = _reason(events, expected, fitting)
        satisfied = len(fitting) / len(expected) if expected else 0.0
        return _graded(reason == "pass", True, satisfied, reason, num_events=len(events), names_ok=named)

    def solve(self, task: CalendarTask) -> list[list[Item]]:
        """List a calendar that is right."""
        wanted = task.exp_cal_state
        starts = schedules.solved([(event.window, event.duration) for event in wanted.values()])
        if starts is None:
            raise ConfigError("the row has no solution: no calendar satisfies all of its exp_cal_state")
        listed = [
            dialogues.entry(number, event.event_name, start, event.duration)
            for (number, event), start in zip(wanted.items(), starts, strict=True)
        ]
        return [[assistant_message(f"Here is the calendar:\n{json.dumps(listed)}")]]

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: Any) -> dict[str, Any]:
        """Make a row; see `dialogues.row` for the knobs."""
        return dialogues.row(rng, **knobs)


def _graded(correct: bool, format_ok: bool, satisfied: float, reason: str, **fields: Any) -> Verification:
    rewards = {"correct": float(correct), "format_ok": float(format_ok), "satisfied": satisfied}
    return Verification(rewards=rewards, reason=reason, **fields)


def _fits(event: answers.Event, expected: ExpectedEvent | None) -> bool:
    return (
        expected is not None
        and event.duration == expected.duration
        and expected.window.holds(event.start, event.duration)
    )


def _reason(events: list[answers.Event], expected: dict[str, ExpectedEvent], fitting: set[str]) -> str:
    """Return why a calendar is wrong, or `pass`."""
    ids = {event.event_id for event in events}
    if len(ids) < len(events):
        return "duplicate_event"
    if len(ids) != len(expected):
        return "different_number_of_events"
    if ids != expected.keys():
        return "unknown_event"
    ordered = sorted(events, key=lambda event: event.start)
    if any(later.start < earlier.end for earlier, later in itertools.pairwise(ordered)):
        return "conflicting_events"
    return "pass" if fitting == ids else "constraint_violated"
