"""Types of the tools' arguments: what equivalent spellings a tool accepts, said once.

Numbers stand for their text, and a list of one value for the value; ids may leave out leading zeros. Texts are
limited, so that a search takes no longer than the office is large.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator

from gym_llm.envs.workplace_assistant.tables import Row
from gym_llm.errors import ToolError

There = TypeVar("There")
_DIGITS = re.compile(r"[0-9]{1,8}")
_MOST_ROWS = 100
_LONGEST_QUERY, _LONGEST_TEXT = 1000, 20_000


def _as_text(value: Any) -> Any:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value) if abs(value) < 1e15 else value
    return value


def _short(value: str) -> str:
    if len(value) > _LONGEST_QUERY:
        raise ValueError(f"must not be longer than {_LONGEST_QUERY} characters")
    return value


def _filled(value: str) -> str:
    if not value:
        raise ValueError("must not be empty")
    if len(value) > _LONGEST_TEXT:
        raise ValueError(f"must not be longer than {_LONGEST_TEXT} characters")
    return value


def _padded(value: str) -> str:
    value = _filled(value).strip()
    return value.zfill(8) if _DIGITS.fullmatch(value) else value


Query = Annotated[str, BeforeValidator(_as_text), AfterValidator(_short)]
Text = Annotated[str, BeforeValidator(_as_text), AfterValidator(_filled)]
Id = Annotated[str, BeforeValidator(_as_text), AfterValidator(_padded)]

Board = Literal["Back end", "Front end", "Design"]
ListName = Literal["Backlog", "In Progress", "In Review", "Completed"]
Product = Literal["Software", "Hardware", "Services", "Consulting", "Training"]
Status = Literal["Qualified", "Won", "Lost", "Lead", "Proposal"]
Source = Literal["direct", "referral", "search engine", "social media"]
Value = Literal[
    "total_visits", "session_duration_seconds", "user_engaged", "visits_direct", "visits_referral",
    "visits_search_engine", "visits_social_media",
]  # fmt: skip
PlotType = Literal["bar", "line", "scatter", "histogram"]


def one_of(value: str, choices: Iterable[str], what: str) -> None:
    """Check a value that has to be one of a few.

    Raises:
        ToolError: Naming the choices.
    """
    choices = list(choices)
    if value not in choices:
        raise ToolError(f"{what} not valid. Please choose from: {', '.join(map(repr, choices))}")


def minutes(value: str) -> str:
    """Return a duration as a whole number of minutes.

    Raises:
        ToolError: When it is none, or not above 0.
    """
    text = value.strip().removesuffix(".0")
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", text):
        raise ToolError("Invalid duration format. Expected a number of minutes.")
    if int(text) <= 0:
        raise ToolError("Duration must be a positive number of minutes.")
    return str(int(text))


def existing(there: There | None, what: str) -> There:
    """Return what a table answered for an id: a row, or that it was there.

    Raises:
        ToolError: Nothing has this id.
    """
    if not there:
        raise ToolError(f"{what} not found.")
    return there


def contains(row: Row, **wanted: str) -> bool:
    """Return whether each column of a row contains its text, in any letter case; empty texts are in all."""
    return all(text.lower() in (row[column] or "").lower() for column, text in wanted.items())


def page_of(rows: Sequence[Row], what: str, page: int, page_size: int) -> dict[str, Any] | str:
    """Return one page of rows with its `pagination`; a page past the end is the last.

    Raises:
        ToolError: For a page size outside 1 to 100.
    """
    if not 1 <= page_size <= _MOST_ROWS:
        raise ToolError(f"page_size must be between 1 and {_MOST_ROWS}")
    if not rows:
        return f"No {what} found."
    total = -(-len(rows) // page_size)
    page = max(1, min(page, total))
    shown = [dict(row) for row in rows[(page - 1) * page_size : page * page_size]]
    counts = {f"total_{what}": len(rows), "page": page, "page_size": page_size, "total_pages": total}
    return {what: shown, "pagination": counts}
