"""Requests about customers."""

from __future__ import annotations

from typing import get_args

from gym_llm.envs.workplace_assistant.arguments import Product, Status
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
    pick,
    soon,
)  # fmt: skip
from gym_llm.envs.workplace_assistant.tables import Row, World


def _contact(row: Row) -> Slots:
    return {"day": (row["last_contact_date"] or "")[:10]}


def _late(row: Row) -> bool:
    return (row["follow_up_by"] or "") < TODAY


def _update(rows: list[Row], field: str, value: str) -> list[Call]:
    return call_each(rows, "customer_relationship_manager_update_customer", "customer_id", field=field, new_value=value)


def _status(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    status = other(rng, get_args(Status), rows[0]["status"])
    return {"new_status": status}, _update(rows, "status", status)


def _product(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    product = other(rng, get_args(Product), rows[0]["product_interest"])
    return {"new_product": product}, _update(rows, "product_interest", product)


def _reassign(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    team = [str(row["assigned_to_email"]) for row in world.customers.rows.values()]
    to = other(rng, team, rows[0]["assigned_to_email"])
    return {"to": person(to)}, _update(rows, "assigned_to_email", to)


def _follow_up(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    day = soon(rng)
    return {"new_day": day}, _update(rows, "follow_up_by", day)


def _delete(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    return {}, call_each(rows, "customer_relationship_manager_delete_customer", "customer_id")


def _reassign_and_tell(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    slots, calls = _reassign(world, rng, rows)
    letter = mail(calls[0][1]["new_value"], "New customers for you", "Please look at your list of customers.")
    return slots, [*calls, letter]


def _contacted(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    slots, calls = _follow_up(world, rng, rows)
    return slots, [*_update(rows, "last_contact_date", TODAY), *calls]


def _phone(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    number = f"555-555-{int(rng.integers(10_000)):04d}"
    return {"number": number}, _update(rows, "customer_phone", number)


def _colleague(world: World, rng: Rng, rows: list[Row]) -> tuple[Slots, list[Call]]:
    name = f"{pick(rng, ('Alba', 'Boris', 'Celia', 'Emil'))} {pick(rng, ('Frey', 'Grant', 'Holt', 'Yilmaz'))}"
    call = "customer_relationship_manager_add_customer", {
        "customer_name": name, "assigned_to_email": str(rows[0]["assigned_to_email"]), "status": "Lead",
        "product_interest": str(rows[0]["product_interest"]),
    }  # fmt: skip
    return {"new_name": name}, [call]


CUSTOMERS = Domain(
    "customer_relationship_manager",
    lambda world: world.customers.rows.values(),
    (
        Selection("by-name", lambda row: columns(row, "customer_name"), "first"),
        Selection("longest-silent", assignee, "first", lambda row: row["last_contact_date"] or ""),
        Selection("status-and-product", lambda row: assignee(row) | columns(row, "status", "product_interest")),
        Selection("contacted-on", _contact),
        Selection("status-contacted-on", lambda row: _contact(row) | columns(row, "status")),
        Selection("late", lambda row: assignee(row) | columns(row, "status"), where=_late),
        Selection(
            "without-phone",
            lambda row: assignee(row) | columns(row, "status", "product_interest"),
            where=lambda row: not row["customer_phone"],
        ),
    ),
    (
        Deed("status", _status),
        Deed("product", _product),
        Deed("reassign", _reassign),
        Deed("follow-up", _follow_up),
        Deed("delete", _delete),
        Deed("reassign-and-tell", _reassign_and_tell),
        Deed("contacted", _contacted),
        Deed("phone", _phone, single=True),
        Deed("colleague", _colleague, single=True),
    ),
)
