"""The office's tables: a `World` that never changes, and an `Office` that keeps an episode's changes on top of it.

Beginning an episode copies nothing: a `Sheet` holds only what was created, changed or deleted. Where worlds come
from is said in `worlds.py` and `loading.py`, when two offices are alike in `comparison.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

Row = Mapping[str, str | None]

EMAIL = ("email_id", "inbox/outbox", "sender/recipient", "subject", "sent_datetime", "body")
EVENT = ("event_id", "event_name", "participant_email", "event_start", "duration")
VISIT = ("date_of_visit", "visitor_id", "page_views", "session_duration_seconds", "traffic_source", "user_engaged")
TASK = ("task_id", "task_name", "assigned_to_email", "list_name", "due_date", "board")
CUSTOMER = (
    "customer_id", "assigned_to_email", "customer_name", "customer_email", "customer_phone", "last_contact_date",
    "product_interest", "status", "follow_up_by", "notes",
)  # fmt: skip


class Table:
    """Rows by id, in order, that never change.

    Args:
        columns: Names of the columns; the first is the id.
        rows: The rows.
    """

    def __init__(self, columns: tuple[str, ...], rows: Iterable[Row]) -> None:
        self.columns, self.id_column = columns, columns[0]
        self.rows = MappingProxyType({str(row[columns[0]]): MappingProxyType(dict(row)) for row in rows})
        self.next_number = max((int(key) for key in self.rows), default=-1) + 1


@dataclass(frozen=True, eq=False)
class World:
    """All tables of an office.

    Attributes:
        emails: Mail, oldest first.
        calendar: Meetings, earliest first.
        tasks: The project board.
        customers: The customers, last contacted first.
        visits: Visits to the web site.
        directory: E-mail addresses of the staff.
    """

    emails: Table
    calendar: Table
    tasks: Table
    customers: Table
    visits: tuple[Row, ...]
    directory: tuple[str, ...]

    @cached_property
    def days(self) -> Mapping[str, list[Row]]:
        """Visits by day, in the order of days."""
        return _grouped(self.visits, "date_of_visit")

    @cached_property
    def visitors(self) -> Mapping[str, list[Row]]:
        """Visits by visitor."""
        return _grouped(self.visits, "visitor_id")

    @cached_property
    def assignees(self) -> frozenset[str]:
        """Who may be given a task: whoever has one."""
        return frozenset(str(row["assigned_to_email"]) for row in self.tasks.rows.values())


class Sheet:
    """A table with an episode's changes on top.

    Attributes:
        table: What lies below.
        changed: Rows of the table that were changed, None for deleted ones.
        created: New rows by id. Ids go on from the table's highest and are never used twice.
    """

    __slots__ = ("_next", "changed", "created", "table")

    def __init__(self, table: Table) -> None:
        self.table, self._next = table, table.next_number
        self.changed: dict[str, Row | None] = {}
        self.created: dict[str, Row] = {}

    def get(self, key: str) -> Row | None:
        """Return a row, or None."""
        if key in self.created:
            return self.created[key]
        return self.changed[key] if key in self.changed else self.table.rows.get(key)

    def rows(self) -> Iterator[Row]:
        """Yield all rows, new ones last."""
        for key, row in self.table.rows.items():
            found = self.changed.get(key, row)
            if found is not None:
                yield found
        yield from self.created.values()

    def add(self, **values: str | None) -> str:
        """Add a row and return its id."""
        key = f"{self._next:08d}"
        self._next += 1
        self.created[key] = {self.table.id_column: key} | values
        return key

    def update(self, key: str, **values: str) -> bool:
        """Change a row; return whether it is there."""
        row = self.get(key)
        if row is None:
            return False
        if key in self.created:
            self.created[key] = {**row, **values}
        else:
            self.changed[key] = {**row, **values}
        return True

    def delete(self, key: str) -> bool:
        """Delete a row; return whether it was there."""
        if self.get(key) is None:
            return False
        if self.created.pop(key, None) is None:
            self.changed[key] = None
        return True


class Office:
    """The office of one episode.

    Args:
        world: What it begins as.
        lax: Whether writing tools check as little as NeMo Gym's do.
    """

    __slots__ = ("calendar", "customers", "emails", "lax", "plots", "tasks", "world")

    def __init__(self, world: World, *, lax: bool = False) -> None:
        self.world, self.lax = world, lax
        self.emails, self.calendar = Sheet(world.emails), Sheet(world.calendar)
        self.tasks, self.customers = Sheet(world.tasks), Sheet(world.customers)
        self.plots: list[str] = []

    def sheets(self) -> dict[str, Sheet]:
        """Return the tables that tools can change, by name."""
        return {"emails": self.emails, "calendar": self.calendar, "tasks": self.tasks, "customers": self.customers}


def _grouped(rows: Iterable[Row], column: str) -> dict[str, list[Row]]:
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[str(row[column])].append(row)
    return dict(sorted(groups.items()))
