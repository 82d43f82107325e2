"""How requests are made: a selection of records, what to do with them, and words for both.

A template is one selection with one action (or a question about it); instantiating it in a world fills in names and
dates and works out the ground truth. The selections and actions of a domain are in the modules beside this one, their
wordings in `data/requests.json`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from gym_llm.envs.workplace_assistant.tables import Row, World

Rng = np.random.Generator
Call = tuple[str, dict[str, str]]
Slots = dict[str, str]
MOST_RECORDS, MOST_COUNTED = 5, 40
REPORT = " End your last message with one line `Report: <number>`, which gives {what}."


@dataclass(frozen=True, slots=True)
class Draft:
    """A request: its text, the calls that fulfil it, and the number to report, if one is asked for."""

    text: str
    calls: list[Call]
    report: int | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A way to make requests.

    Attributes:
        name: `domain/selection/action`.
        make: Makes a request in a world, or None when what was drawn does not fit.
    """

    name: str
    make: Callable[[World, Rng], Draft | None]


@dataclass(frozen=True, slots=True)
class Selection:
    """Some records of one table.

    Attributes:
        name: Short name.
        slots: What of a record its phrase names. Records that agree in it are selected together.
        pick: All of them, or the first or last by `order`.
        order: What they are ordered by; records that tie are not drawn.
        where: Which records can be selected at all.
    """

    name: str
    slots: Callable[[Row], Slots]
    pick: Literal["all", "first", "last"] = "all"
    order: Callable[[Row], str] = lambda row: ""
    where: Callable[[Row], bool] = lambda row: True

    def draw(self, rows: Iterable[Row], rng: Rng, most: int) -> tuple[Slots, list[Row]] | None:
        """Return the slots of a phrase and the records it selects, or None when these are too many or ambiguous."""
        rows = [row for row in rows if self.where(row)]
        slots = self.slots(pick(rng, rows)) if rows else {}
        found = sorted((row for row in rows if self.slots(row) == slots), key=self.order)
        if self.pick != "all" and found:
            edge = self.order(found[0 if self.pick == "first" else -1])
            found = [row for row in found if self.order(row) == edge]
            most = 1
        return (slots, found) if 1 <= len(found) <= most else None


@dataclass(frozen=True, slots=True)
class Deed:
    """Something to do with selected records.

    Attributes:
        name: Short name.
        make: Returns the slots of its sentence (besides `{it}`, the records) and the calls.
        single: Whether it makes sense for one record only.
    """

    name: str
    make: Callable[[World, Rng, list[Row]], tuple[Slots, list[Call]]]
    single: bool = False


@dataclass(frozen=True, slots=True)
class Domain:
    """A table, what can be selected of it and what can be done with it.

    Attributes:
        name: As in a row's category.
        rows: The table's records.
        selections: What can be selected.
        deeds: What can be done.
    """

    name: str
    rows: Callable[[World], Iterable[Row]]
    selections: tuple[Selection, ...]
    deeds: tuple[Deed, ...]

    def templates(self) -> Iterator[Template]:
        """Yield a template for each selection with each deed that suits it, and for counting what is selected."""
        for selection in self.selections:
            for deed in self.deeds:
                if selection.pick != "all" or not deed.single:
                    yield Template(f"{self.name}/{selection.name}/{deed.name}", self.maker(selection, deed))
            if selection.pick == "all":
                yield Template(f"{self.name}/{selection.name}/count", self._counter(selection))

    def maker(self, selection: Selection, deed: Deed) -> Callable[[World, Rng], Draft | None]:
        """Return what makes a request of a selection and a deed."""

        def make(world: World, rng: Rng) -> Draft | None:
            drawn = selection.draw(self.rows(world), rng, MOST_RECORDS)
            if drawn is None:
                return None
            slots, calls = deed.make(world, rng, drawn[1])
            it = self._phrase(rng, selection, drawn[0])
            return Draft(pick(rng, _words()[self.name]["deeds"][deed.name]).format(it=it, **slots), calls)

        return make

    def _counter(self, selection: Selection) -> Callable[[World, Rng], Draft | None]:
        def make(world: World, rng: Rng) -> Draft | None:
            drawn = selection.draw(self.rows(world), rng, MOST_COUNTED)
            if drawn is None:
                return None
            asked = pick(rng, ("Count {it}.", "I need a number: please count {it}.", "Go through {it} and count."))
            it = self._phrase(rng, selection, drawn[0])
            return Draft(asked.format(it=it) + REPORT.format(what="how many there are"), [], len(drawn[1]))

        return make

    def _phrase(self, rng: Rng, selection: Selection, slots: Slots) -> str:
        return str(pick(rng, _words()[self.name]["selections"][selection.name]).format(**slots))


@cache
def _words() -> Any:
    return json.loads((Path(__file__).parents[1] / "data" / "requests.json").read_text("utf-8"))


def pick(rng: Rng, options: Sequence[Any]) -> Any:
    """Return one of the options."""
    return options[int(rng.integers(len(options)))]


def person(address: str | None) -> str:
    """Return the name that an address stands for.

    >>> person("marta.kowalska@fernhill.example")
    'Marta Kowalska'
    """
    return " ".join(part.capitalize() for part in (address or "").partition("@")[0].split("."))


def other(rng: Rng, addresses: Iterable[str], *taken: str | None) -> str:
    """Return one of the addresses that is not taken."""
    return str(pick(rng, sorted(set(addresses) - {*taken})))


def columns(row: Row, *names: str) -> Slots:
    """Return slots that are named like a record's columns."""
    return {name: row[name] or "" for name in names}


def assignee(row: Row) -> Slots:
    """Return who a task or a customer is assigned to."""
    return {"name": person(row["assigned_to_email"])}


def call_each(rows: Iterable[Row], tool: str, key: str, **arguments: str) -> list[Call]:
    """Return a call for each record, by its id, which stands in the column `key`."""
    return [(tool, {key: str(row[key]), **arguments}) for row in rows]


def mail(recipient: str | None, subject: str, body: str) -> Call:
    """Return the call that sends an e-mail."""
    return "email_send_email", {"recipient": str(recipient), "subject": subject, "body": body}


def soon(rng: Rng) -> str:
    """Return a working day of the first half of December 2023."""
    return f"2023-12-{pick(rng, (4, 5, 6, 7, 8, 11, 12, 13, 14, 15)):02d}"
