"""Solving: a calendar without overlaps in which every event stands in its window, if there is one.

Exact: the earliest end of every set of events, so 12 events take some milliseconds and more than 16 are refused.
"""

from __future__ import annotations

from collections.abc import Sequence

from gym_llm.envs.calendar.clock import Window

MAX_EVENTS = 16
Request = tuple[Window, int]
"""An event to place: where it may stand, and its duration in minutes."""


def solved(requests: Sequence[Request]) -> list[int] | None:
    """Return a start for every event, or None when there is no such calendar.

    Raises:
        ValueError: For more than 16 events.

    >>> solved([(Window(540, 660), 60), (Window(540, 600), 60)])
    [600, 540]
    """
    if len(requests) > MAX_EVENTS:
        raise ValueError(f"{len(requests)} events: at most {MAX_EVENTS} are solved")
    everything = (1 << len(requests)) - 1
    ends: dict[int, int] = {0: 0}
    last: dict[int, int] = {}
    for placed in range(everything):
        if placed not in ends:
            continue
        for number, request in enumerate(requests):
            grown = placed | 1 << number
            end = None if grown == placed else _end(request, ends[placed])
            if end is not None and end < ends.get(grown, end + 1):
                ends[grown], last[grown] = end, number
    if everything not in ends:
        return None
    starts = [0] * len(requests)
    placed = everything
    while placed:
        number = last[placed]
        starts[number] = ends[placed] - requests[number][1]
        placed ^= 1 << number
    return starts


def _end(request: Request, free: int) -> int | None:
    """Return when an event ends that is placed as early as possible after others, or None when it does not fit."""
    window, duration = request
    start = max(free, window.earliest) if window.at is None else window.at
    return start + duration if start >= free and window.holds(start, duration) else None
