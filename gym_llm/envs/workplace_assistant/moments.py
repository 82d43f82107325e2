"""Dates and times as models write them, in one spelling.

Only wall-clock times: an office has one clock. What a bound of a search means is said here too, so that mail,
calendar and customers are searched alike.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache

from gym_llm.errors import ToolError

NOW = "2023-11-30 23:59:00"
TODAY = NOW[:10]
_LONGEST = 40
_FORMATS = tuple(
    f"{date}{time}"
    for date in ("%Y-%m-%d", "%Y/%m/%d", "%B %d, %Y", "%b %d, %Y", "%d %B %Y", "%m/%d/%Y")
    for time in ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M%p", " %I %p", " %I%p")
)


@lru_cache(maxsize=4096)
def moment(text: str) -> str | None:
    """Return a date or time as `YYYY-MM-DD HH:MM:SS` (midnight for a date), or None when it is neither.

    >>> moment("2023-12-01T09:00"), moment("December 1, 2023 9:00 AM"), moment("soon")
    ('2023-12-01 09:00:00', '2023-12-01 09:00:00', None)
    """
    if len(text) > _LONGEST or not text.isascii():
        return None
    found = _parsed(" ".join(text.split()))
    if found is None or found.utcoffset():
        return None
    return found.replace(tzinfo=None, microsecond=0).isoformat(sep=" ")


def day(text: str) -> str | None:
    """Return the day of a date or time as `YYYY-MM-DD`, or None."""
    found = moment(text)
    return found[:10] if found else None


def needed(text: str, name: str, shape: str = "YYYY-MM-DD HH:MM:SS") -> str:
    """Return a moment.

    Raises:
        ToolError: Naming the argument.
    """
    found = moment(text)
    if found is None:
        raise ToolError(f"Invalid {name} format. Expected {shape}.")
    return found


def later(start: str, minutes: int) -> str:
    """Return the moment so many minutes after another; the end of the calendar when there is none."""
    try:
        return (datetime.fromisoformat(start) + timedelta(minutes=minutes)).isoformat(sep=" ")
    except OverflowError:
        return "9999-12-31 23:59:59"


def window(low: str, high: str, names: tuple[str, str], *, whole_days: bool = True) -> Callable[[str], bool]:
    """Return whether a moment lies between two bounds, both inclusive; an empty bound is open.

    Args:
        low: The lower bound.
        high: The upper bound.
        names: The arguments' names, for messages.
        whole_days: Whether an upper bound without a time takes in its whole day.

    Raises:
        ToolError: For a bound that is no date.
    """
    first = needed(low, names[0]) if low else ""
    last = needed(high, names[1]) if high else "9999-12-31 23:59:59"
    if whole_days and last.endswith(" 00:00:00") and ":" not in high:
        last = f"{last[:10]} 23:59:59"
    return lambda value: first <= value <= last


def _parsed(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for shape in _FORMATS:
        try:
            return datetime.strptime(text, shape)  # noqa: DTZ007 - an office has one clock
        except ValueError:
            continue
    return None
