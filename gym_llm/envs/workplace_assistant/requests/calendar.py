"""Requests about the calendar."""

from __future__ import annotations

from gym_llm.envs.workplace_assistant.moments import NOW
from gym_llm.envs.workplace_assistant.requests.grammar import (
    Call,
    Deed,
    Domain,
    Rng,
    Selection,
    Slots,
    call_each,
    mail,
    other,
    person,
    pick,
    soon,
)  # fmt: skip
from gym_llm.envs.workplace_assistant.tables import Row, World

_NAMES = ("Wrap-up", "Second look", "Working session", "Budget follow-up", "Planning lunch", "Status call")
_TIMES = ("09:00", "09:30", "10:00", "11:00", "13:00", "14:30", "15:00", "16:00")


def _start(row: Row) -> str:
    return row["event_start"] or ""


def _name(row: Row) -> Slots:
    return {"name": person(row["participant_email"])}


def _day(row: Row) -> Slots:
    return {"day": _start(row)[:10]}


def _event(row: Row) -> Slots:
    return {"event": row["event_name"] or ""}


def _to_come(row: Row) -> bool:
    return _start(row) > NOW


def _past(row: Row) -> bool:
    return _start(row) < NOW


def _update(rows: list[Row], field: str, value: str) -> list[Call]:
    return call_each(rows, "calendar_update_event", "event_id", field=field, new_value=value)


def _delete(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    return {}, call_each(rows, "calendar_delete_event", "event_id")


def _rename(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    title = pick(rng, _NAMES)
    return {"title": title}, _update(rows, "event_name", title)


def _hand_over(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    to = other(rng, world.directory, *(row["participant_email"] for row in rows))
    return {"to": person(to)}, _update(rows, "participant_email", to)


def _resize(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    length = pick(rng, ("15", "30", "45", "60", "75", "90"))
    return {"length": length}, _update(rows, "duration", length)


def _retime(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    time = pick(rng, _TIMES)
    return {"time": time}, _update(rows, "event_start", f"{_start(rows[0])[:10]} {time}:00")


def _postpone(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    day = soon(rng)
    return {"new_day": day}, _update(rows, "event_start", f"{day} {_start(rows[0])[11:]}")


def _follow_up(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    title, day, time, length = pick(rng, _NAMES), soon(rng), pick(rng, _TIMES), pick(rng, ("30", "60"))
    call = "calendar_create_event", {
        "event_name": title, "participant_email": str(rows[0]["participant_email"]),
        "event_start": f"{day} {time}:00", "duration": length,
    }  # fmt: skip
    return {"title": title, "new_day": day, "time": time, "length": length}, [call]


def _cancel_politely(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    people = dict.fromkeys(row["participant_email"] for row in rows)
    letters = [mail(to, "Cancelled", "I have to cancel our meeting. Sorry!") for to in people]
    return {}, [*_delete(world, rng, rows)[1], *letters]


CALENDAR = Domain(
    "calendar",
    lambda world: world.calendar.rows.values(),
    (
        Selection("next-with", _name, "first", _start, _to_come),
        Selection("last-past-with", _name, "last", _start, _past),
        Selection("next-named", _event, "first", _start, _to_come),
        Selection("first-of-day", _day, "first", _start),
        Selection("last-of-day", _day, "last", _start),
        Selection("all-of-day", _day),
        Selection("with-to-come", _name, where=_to_come),
        Selection("named-with", lambda row: _name(row) | _event(row)),
    ),
    (
        Deed("delete", _delete),
        Deed("rename", _rename),
        Deed("hand-over", _hand_over),
        Deed("resize", _resize),
        Deed("retime", _retime, single=True),
        Deed("postpone", _postpone, single=True),
        Deed("follow-up", _follow_up, single=True),
        Deed("cancel-politely", _cancel_politely),
    ),
)
