"""Worlds of our own making, from a seed: the columns and sizes of the WorkBench tables, other content.

A world is consistent: mail is about tasks and meetings that there are, tasks belong to the board of their assignee's
team, meetings do not overlap, visits are engaged when they are long. The words stand in `data/words.json`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, get_args

import numpy as np

from gym_llm.envs.workplace_assistant import tables
from gym_llm.envs.workplace_assistant.arguments import ListName, Product, Source, Status
from gym_llm.envs.workplace_assistant.loading import load_world
from gym_llm.envs.workplace_assistant.tables import Row, Table, World

Rng = np.random.Generator
_LAST_DAY = date(2023, 11, 30)


def world(which: int | str) -> World:
    """Return the world of a seed, or of a folder of WorkBench's tables; each is made once per process."""
    return made_world(which) if isinstance(which, int) else load_world(which)


@lru_cache(maxsize=8)
def made_world(seed: int) -> World:
    """Return the world of a seed, at least 0.

    >>> world = made_world(0)
    >>> len(world.emails.rows), len(world.calendar.rows), len(world.visits), len(world.customers.rows)
    (500, 300, 1000, 200)
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0x0FF1CE]))
    tasks, events = _tasks(rng), _events(rng)
    return World(
        emails=Table(tables.EMAIL, _emails(rng, tasks, events)),
        calendar=Table(tables.EVENT, events),
        tasks=Table(tables.TASK, tasks),
        customers=Table(tables.CUSTOMER, _customers(rng)),
        visits=tuple(_visits(rng)),
        directory=tuple(_address(name) for team in words()["staff"].values() for name in team),
    )


@cache
def words() -> Any:
    """Return the words that worlds are made of."""
    return json.loads((Path(__file__).parent / "data" / "words.json").read_text("utf-8"))


def _address(name: str) -> str:
    return f"{name}@{words()['domain']}"


def _pick(rng: Rng, options: Sequence[Any], weights: Sequence[float] | None = None) -> Any:
    return options[int(rng.choice(len(options), p=weights))]


def _ids(rng: Rng, count: int) -> list[str]:
    return [f"{number:08d}" for number in rng.permutation(count)]


def _tasks(rng: Rng) -> list[Row]:
    lists, shares = get_args(ListName), (0.63, 0.05, 0.15, 0.17)
    rows: list[Row] = []
    for key, number in zip(_ids(rng, 300), range(300), strict=True):
        board = ("Back end", "Front end", "Design")[number % 3]
        kinds = words()["tasks"][board]
        rows.append({
            "task_id": key, "task_name": f"{_pick(rng, kinds['verbs'])} {_pick(rng, kinds['objects'])}",
            "assigned_to_email": _address(_pick(rng, words()["staff"][board])),
            "list_name": _pick(rng, lists, shares),
            "due_date": (date(2023, 11, 27) + timedelta(days=int(rng.integers(17)))).isoformat(), "board": board,
        })  # fmt: skip
    return sorted(rows, key=lambda row: (row["due_date"], row["task_id"]))


def _events(rng: Rng) -> list[Row]:
    """Return 300 meetings on working days; none begins before another has ended."""
    days = [d for d in (date(2023, 8, 1) + timedelta(days=n) for n in range(143)) if d.weekday() < 5]
    staff = [name for team in words()["staff"].values() for name in team]
    taken: set[tuple[date, int]] = set()
    starts: list[tuple[date, int, int]] = []
    for place in rng.permutation(len(days) * 14):
        day, slot = days[int(place) // 14], int(place) % 14
        length = int(rng.integers(1, 5))
        slots = {(day, slot + later) for later in range(length)}
        if not slots & taken and len(starts) < 300:
            taken |= slots
            starts.append((day, slot, length))
    rows: list[Row] = []
    for key, (day, slot, length) in zip(_ids(rng, 300), sorted(starts), strict=True):
        begin = datetime(day.year, day.month, day.day, 9) + timedelta(minutes=30 * slot)  # noqa: DTZ001
        rows.append({
            "event_id": key, "event_name": _pick(rng, words()["events"]),
            "participant_email": _address(_pick(rng, staff)), "event_start": begin.isoformat(sep=" "),
            "duration": str(30 * length),
        })  # fmt: skip
    return rows


def _emails(rng: Rng, tasks: Sequence[Row], events: Sequence[Row]) -> list[Row]:
    seconds = np.sort(rng.choice(61 * 8 * 3600, size=500, replace=False))
    rows: list[Row] = []
    for key, second in zip(_ids(rng, 500), seconds.tolist(), strict=True):
        day, rest = divmod(second, 8 * 3600)
        sent = datetime(2023, 10, 1, 9) + timedelta(days=day, seconds=rest)  # noqa: DTZ001
        if rng.random() < 0.5:
            task = _pick(rng, tasks)
            sender, subject = task["assigned_to_email"], f"News about: {task['task_name']}"
            text = _pick(rng, words()["task_news"]).format(task=task["task_name"])
        else:
            event = _pick(rng, events)
            sender, subject = event["participant_email"], f"About the {event['event_name']}"
            text = _pick(rng, words()["event_news"]).format(event=event["event_name"])
        extra = f"\n\n{_pick(rng, words()['extras'])}" if rng.random() < 0.3 else ""
        name = str(sender).partition(".")[0].capitalize()
        body = f"{_pick(rng, words()['greetings'])}\n\n{text}{extra}\n\n{_pick(rng, words()['closings'])}\n{name}"
        rows.append({
            "email_id": key, "inbox/outbox": "inbox", "sender/recipient": sender, "subject": subject,
            "sent_datetime": sent.isoformat(sep=" "), "body": body,
        })  # fmt: skip
    return rows


def _visits(rng: Rng) -> list[Row]:
    rows: list[Row] = []
    for _ in range(1000):
        seconds = int(rng.exponential(20))
        rows.append({
            "date_of_visit": (_LAST_DAY - timedelta(days=int(rng.integers(91)))).isoformat(),
            "visitor_id": f"{int(rng.integers(10_000)):04d}", "page_views": str(1 + int(rng.exponential(4))),
            "session_duration_seconds": str(seconds),
            "traffic_source": _pick(rng, get_args(Source), (0.5, 0.1, 0.1, 0.3)),
            "user_engaged": str(bool(rng.random() < 0.2 + min(seconds, 60) / 80)),
        })  # fmt: skip
    return rows


def _customers(rng: Rng) -> list[Row]:
    names = rng.choice(400, size=200, replace=False).tolist()
    rows: list[Row] = []
    for key, name in zip(_ids(rng, 200), names, strict=True):
        first, last = words()["first"][name // 20], words()["last"][name % 20]
        company = _pick(rng, words()["company_starts"]) + _pick(rng, words()["company_ends"])
        contact = _LAST_DAY - timedelta(days=int(rng.integers(61)))
        follow_up = contact + timedelta(days=int(rng.integers(10, 28)))
        phone = f"{rng.integers(200, 999)}-555-{rng.integers(10_000):04d}" if rng.random() < 0.5 else None
        notes = [
            f"{_LAST_DAY - timedelta(days=int(rng.integers(61)))}: {_pick(rng, words()['notes'])}"
            for _ in range(int(rng.integers(4)))
        ]
        rows.append({
            "customer_id": key, "assigned_to_email": _address(_pick(rng, words()["staff"]["Sales"])),
            "customer_name": f"{first} {last}", "customer_email": f"{first}.{last}@{company}".lower(),
            "customer_phone": phone, "last_contact_date": f"{contact} 23:59:00",
            "product_interest": _pick(rng, get_args(Product)), "status": _pick(rng, get_args(Status)),
            "follow_up_by": f"{follow_up} 23:59:00", "notes": " ".join(notes) or None,
        })  # fmt: skip
    return sorted(rows, key=lambda row: (str(row["last_contact_date"]), str(row["customer_id"])), reverse=True)
