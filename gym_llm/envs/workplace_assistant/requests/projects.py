"""Requests about the project board."""

from __future__ import annotations

from typing import get_args

from gym_llm.envs.workplace_assistant.arguments import ListName
from gym_llm.envs.workplace_assistant.moments import TODAY
from gym_llm.envs.workplace_assistant.requests.grammar import (
    Call,
    Deed,
    Domain,
    Rng,
    Selection,
    Slots,
    assignee,
    call_each,
    columns,
    mail,
    other,
    person,
    soon,
)  # fmt: skip
from gym_llm.envs.workplace_assistant.tables import Row, World


def _listed(row: Row) -> Slots:
    return assignee(row) | columns(row, "list_name")


def _due_date(row: Row) -> str:
    return row["due_date"] or ""


def _overdue(row: Row) -> bool:
    return _due_date(row) < TODAY and row["list_name"] != "Completed"


def _update(rows: list[Row], field: str, value: str) -> list[Call]:
    return call_each(rows, "project_management_update_task", "task_id", field=field, new_value=value)


def _move(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    target = other(rng, get_args(ListName), *(row["list_name"] for row in rows[:1]))
    return {"target": target}, _update(rows, "list_name", target)


def _reassign(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    boards = {row["board"] for row in rows}
    team = [str(row["assigned_to_email"]) for row in world.tasks.rows.values() if row["board"] in boards]
    to = other(rng, team, *(row["assigned_to_email"] for row in rows[:1]))
    return {"to": person(to)}, _update(rows, "assigned_to_email", to)


def _due(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    day = soon(rng)
    return {"new_day": day}, _update(rows, "due_date", day)


def _delete(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    return {}, call_each(rows, "project_management_delete_task", "task_id")


def _move_and_due(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    (slots, moving), (day, due) = _move(world, rng, rows), _due(world, rng, rows)
    return slots | day, [*moving, *due]


def _remind(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    people = dict.fromkeys(row["assigned_to_email"] for row in rows)
    letters = [mail(to, "Please mind the date", "One of your tasks has a new due date.") for to in people]
    slots, calls = _due(world, rng, rows)
    return slots, [*calls, *letters]


def _review(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    day = soon(rng)
    calls = [
        ("project_management_create_task", {
            "task_name": f"Review: {row['task_name']}", "assigned_to_email": str(row["assigned_to_email"]),
            "list_name": "Backlog", "due_date": day, "board": str(row["board"]),
        }) for row in rows
    ]  # fmt: skip
    return {"new_day": day}, calls


PROJECTS = Domain(
    "project_management",
    lambda world: world.tasks.rows.values(),
    (
        Selection("in-list", _listed),
        Selection("overdue", assignee, where=_overdue),
        Selection("named", lambda row: assignee(row) | columns(row, "task_name")),
        Selection("due-of-person", lambda row: assignee(row) | columns(row, "due_date")),
        Selection("list-and-board", lambda row: columns(row, "board", "list_name", "due_date")),
        Selection("first-due", _listed, "first", _due_date),
        Selection("last-due", _listed, "last", _due_date),
    ),
    (
        Deed("move", _move),
        Deed("reassign", _reassign),
        Deed("due", _due),
        Deed("delete", _delete),
        Deed("move-and-due", _move_and_due),
        Deed("remind", _remind),
        Deed("review", _review),
    ),
)
