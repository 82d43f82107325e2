"""Requests about mail."""

from __future__ import annotations

from gym_llm.envs.workplace_assistant.requests.grammar import (
    Call,
    Deed,
    Domain,
    Rng,
    Selection,
    Slots,
    call_each,
    other,
    person,
    pick,
)
from gym_llm.envs.workplace_assistant.tables import Row, World

_REPLIES = (
    "Thank you, I will look at it tomorrow.", "Good news, carry on.", "Let us talk about it on Monday.",
    "I cannot help with this, please ask someone else.", "Please send me the details.", "Agreed.",
)  # fmt: skip
_SUBJECTS = ("Quick question", "Please call me", "Before the weekend", "A small request")


def _name(row: Row) -> Slots:
    return {"name": person(row["sender/recipient"])}


def _day(row: Row) -> Slots:
    return {"day": (row["sent_datetime"] or "")[:10]}


def _subject(row: Row) -> Slots:
    return {"subject": row["subject"] or ""}


def _sent(row: Row) -> str:
    return row["sent_datetime"] or ""


def _delete(rows: list[Row]) -> list[Call]:
    return call_each(rows, "email_delete_email", "email_id")


def _forward(rows: list[Row], *recipients: str) -> list[Call]:
    forwarded = (call_each(rows, "email_forward_email", "email_id", recipient=recipient) for recipient in recipients)
    return [call for calls in forwarded for call in calls]


def _reply(rows: list[Row], body: str) -> list[Call]:
    return call_each(rows, "email_reply_email", "email_id", body=body)


def _deletion(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    return {}, _delete(rows)


def _forwarding(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    to = other(rng, world.directory, *(row["sender/recipient"] for row in rows))
    return {"to": person(to)}, _forward(rows, to)


def _forwarding_twice(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    first = other(rng, world.directory, *(row["sender/recipient"] for row in rows))
    second = other(rng, world.directory, first, *(row["sender/recipient"] for row in rows))
    return {"to": person(first), "and_to": person(second)}, _forward(rows, first, second)


def _reply_to(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    body = pick(rng, _REPLIES)
    return {"body": body}, _reply(rows, body)


def _forward_and_delete(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    slots, calls = _forwarding(world, rng, rows)
    return slots, [*calls, *_delete(rows)]


def _reply_and_delete(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    slots, calls = _reply_to(world, rng, rows)
    return slots, [*calls, *_delete(rows)]


def _write_anew(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    subject, body = pick(rng, _SUBJECTS), pick(rng, _REPLIES)
    senders = dict.fromkeys(str(row["sender/recipient"]) for row in rows)
    calls = [("email_send_email", {"recipient": to, "subject": subject, "body": body}) for to in senders]
    return {"subject": subject, "body": body}, calls


EMAIL = Domain(
    "email",
    lambda world: world.emails.rows.values(),
    (
        Selection("last-from", _name, "last", _sent),
        Selection("oldest-from", _name, "first", _sent),
        Selection("last-with-subject", _subject, "last", _sent),
        Selection("last-of-day", _day, "last", _sent),
        Selection("all-of-day", _day),
        Selection("from-on-day", lambda row: _name(row) | _day(row)),
        Selection("from-with-subject", lambda row: _name(row) | _subject(row)),
    ),
    (
        Deed("delete", _deletion),
        Deed("forward", _forwarding),
        Deed("forward-twice", _forwarding_twice),
        Deed("reply", _reply_to),
        Deed("forward-and-delete", _forward_and_delete),
        Deed("reply-and-delete", _reply_and_delete),
        Deed("write-anew", _write_anew, single=True),
    ),
)
