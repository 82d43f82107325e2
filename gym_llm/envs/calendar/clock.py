"""Times of day and constraints, from text to minutes after midnight and back. Knows nothing of calendars."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TIME = re.compile(r"(\d{1,2})(?::(\d{1,2}))?(?::00)?\s*(?:([ap])\.?\s?m\.?)?", re.IGNORECASE | re.ASCII)
_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Window:
    """Where an event may stand, in minutes after midnight.

    Attributes:
        earliest: Its first possible start.
        latest: Its last possible end.
        at: Its only start, when it has one.
    """

    earliest: int
    latest: int
    at: int | None = None

    def holds(self, start: int, duration: float) -> bool:
        """Whether an event of this start and duration stands in the window."""
        inside = self.earliest <= start and start + duration <= self.latest
        return inside and self.at in (None, start)


def minutes(text: str) -> int:
    """Return the minutes after midnight of a time on the 12-hour or 24-hour clock.

    Raises:
        ValueError: When it is no time.

    >>> minutes("2:15pm"), minutes("14:15"), minutes("12 AM")
    (855, 855, 0)
    """
    found = _TIME.fullmatch(text.strip()[:20])
    if found is None or not (found[2] or found[3]):
        raise ValueError(f"{text[:40]!r} is no time of day")
    hour, minute = int(found[1]), int(found[2] or 0)
    if found[3]:
        if not 1 <= hour <= 12:
            raise ValueError(f"{text[:40]!r} is no time of day")
        hour = hour % 12 + (12 if found[3] in "pP" else 0)
    if minute > 59 or hour * 60 + minute > _DAY:
        raise ValueError(f"{text[:40]!r} is no time of day")
    return hour * 60 + minute


def written(minute: int, clock: str = "12h") -> str:
    """Write a time on the 12-hour or 24-hour clock.

    >>> written(855), written(840), written(855, "24h")
    ('2:15pm', '2pm', '14:15')
    """
    hour, rest = divmod(minute, 60)
    if clock == "24h":
        return f"{hour:02d}:{rest:02d}"
    return f"{(hour - 1) % 12 + 1}" + (f":{rest:02d}" if rest else "") + ("pm" if 12 <= hour < 24 else "am")


def window(constraint: str | None, min_time: str, max_time: str) -> Window:
    """Return where a constraint and the limits of the day let an event stand.

    Args:
        constraint: None, or `before T`, `after T`, `between T and T`, `at T`.
        min_time: The day's first start.
        max_time: The day's last end.

    Raises:
        ValueError: When a time or the constraint cannot be read.
    """
    earliest, latest = minutes(min_time), minutes(max_time)
    word, _, rest = (constraint or "").strip().partition(" ")
    if not word:
        return Window(earliest, latest)
    if word == "before":
        return Window(earliest, min(latest, minutes(rest)))
    if word == "after":
        return Window(max(earliest, minutes(rest)), latest)
    if word == "at":
        return Window(earliest, latest, minutes(rest))
    first, between, last = rest.partition(" and ")
    if word == "between" and between:
        return Window(max(earliest, minutes(first)), min(latest, minutes(last)))
    raise ValueError(f"{constraint!r}: a constraint is null, 'before T', 'after T', 'between T and T' or 'at T'")
