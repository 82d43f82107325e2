"""When two offices are alike: the changes of each, in canonical spelling, whatever their order.

A change is a new record (its id does not matter), a changed one or a deleted one. Only what changed is looked at.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from typing import Any

from gym_llm.envs.workplace_assistant.moments import day, moment
from gym_llm.envs.workplace_assistant.tables import Office, Row, Sheet

Content = tuple[str, ...] | None
Change = tuple[str, str, Content]
"""Table, id (empty for a new record), and the record's canonical content (None when it was deleted)."""

_MOST_SHOWN, _LONGEST_SHOWN = 20, 200


def changes(office: Office) -> Counter[Change]:
    """Return what was changed in an office; what was changed and changed back is not."""
    found: Counter[Change] = Counter(("plots", "", (_words(path),)) for path in office.plots)
    for name, sheet in office.sheets().items():
        found.update((name, "", content(row, sheet)) for row in sheet.created.values())
        for key, row in sheet.changed.items():
            now = None if row is None else content(row, sheet)
            before = content(sheet.table.rows[key], sheet)
            if now != before:
                found[name, key, now] += 1
    return found


def content(row: Row, sheet: Sheet) -> tuple[str, ...]:
    """Return a record without its id in canonical spelling."""
    return tuple(_SPELLINGS.get(column, _words)(row[column] or "") for column in sheet.table.columns[1:])


def shown(found: Counter[Change], office: Office) -> list[dict[str, Any]]:
    """Return changes as plain data, at most 20, with long texts cut."""
    return [_shown(change, office) for change in list(found.elements())[:_MOST_SHOWN]]


def _shown(change: Change, office: Office) -> dict[str, Any]:
    name, key, values = change
    if name == "plots":
        return {"table": name, "change": "created", "record": {"file_path": (values or ("",))[0][:_LONGEST_SHOWN]}}
    sheet = office.sheets()[name]
    if values is None:
        return {"table": name, "change": "deleted", "id": key}
    record = {column: value[:_LONGEST_SHOWN] for column, value in zip(sheet.table.columns[1:], values, strict=True)}
    if not key:
        return {"table": name, "change": "created", "record": record}
    before = content(sheet.table.rows[key], sheet)
    differing = {c: v for (c, v), old in zip(record.items(), before, strict=True) if v != old[:_LONGEST_SHOWN]}
    return {"table": name, "change": "updated", "id": key, "record": differing}


def _words(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def _exact(text: str) -> str:
    return text


def _number(text: str) -> str:
    match = re.fullmatch(r"\s*\+?0*([0-9]+)(\.0*)?\s*", text)
    return match[1] if match else _words(text)


def _moment(text: str) -> str:
    return moment(text) or _words(text)


def _day(text: str) -> str:
    return day(text) or _words(text)


_SPELLINGS: dict[str, Callable[[str], str]] = {
    "event_start": _moment, "sent_datetime": _moment, "due_date": _day, "last_contact_date": _day,
    "follow_up_by": _day, "duration": _number, "status": _exact, "list_name": _exact, "board": _exact,
}  # fmt: skip
