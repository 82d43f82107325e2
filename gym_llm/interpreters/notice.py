"""A line on stderr for a person who has been waiting for a while."""

from __future__ import annotations

import sys
import time

_FIRST_SECONDS = 1.0
_NEXT_SECONDS = 10.0


class Notice:
    """Tells what is being waited for after one second, and again every ten.

    Args:
        title: The environment in question.
        doing: What is being done, as in `is being built`.
    """

    def __init__(self, title: str, doing: str) -> None:
        self.title = title
        self._doing = doing
        self._start = time.monotonic()
        self._due = _FIRST_SECONDS

    def tick(self) -> None:
        """Write the line if it is due; called every now and then."""
        waited = time.monotonic() - self._start
        if waited >= self._due:
            self._due = waited + _NEXT_SECONDS
            sys.stderr.write(f"gym_llm: {self.title} {self._doing} ({waited:.0f} s)\n")
            sys.stderr.flush()
