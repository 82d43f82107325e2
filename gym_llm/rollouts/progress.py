"""Progress of a collection on standard error: a bar on a terminal, a plain line now and then elsewhere.

It shows; it decides nothing and keeps no figures of its own.
"""

from __future__ import annotations

import sys
import time
from typing import Any, TextIO

from gym_llm.rollouts.report import number

_REDRAW_SECONDS = 0.2
_LINES = 10


class Progress:
    """The progress display.

    Args:
        total: Rollouts of the whole collection.
        initial: Those that were done before this run.
        enabled: Whether anything is shown.
        stream: Where to; standard error when left out.
    """

    def __init__(self, total: int, initial: int = 0, *, enabled: bool = True, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._enabled, self._total, self._done, self._initial = enabled, total, initial, initial
        self._started = self._drawn = time.monotonic()
        self._next_line = self._done + self._step()
        self._bar: Any = self._make_bar() if enabled and self._stream.isatty() else None

    def update(self, done: int, mean: float | None, failures: int, tokens: int) -> None:
        """Show how far the collection is; cheap enough to be called after every episode.

        Args:
            done: Rollouts finished, earlier runs included.
            mean: Mean reward so far.
            failures: Failed attempts so far.
            tokens: Tokens so far.
        """
        self._done = done
        if not self._enabled:
            return
        if self._bar is not None:
            now = time.monotonic()
            if now - self._drawn >= _REDRAW_SECONDS or done >= self._total:
                self._drawn = now
                self._bar.set_postfix_str(_figures(mean, failures, tokens), refresh=False)
                self._bar.update(done - self._bar.n)
        elif done >= self._next_line:
            self._next_line = done + self._step()
            self.say(f"{done:,}/{self._total:,} episodes, {self._rate():.1f}/s, {_figures(mean, failures, tokens)}")

    def say(self, text: str) -> None:
        """Show a line of text without disturbing the bar."""
        if not self._enabled:
            return
        if self._bar is not None:
            self._bar.write(text, file=self._stream)
        else:
            self._stream.write(text + "\n")
            self._stream.flush()

    def close(self) -> None:
        """Leave the display as it stands."""
        if self._bar is not None:
            self._bar.update(self._done - self._bar.n)
            self._bar.close()
            self._bar = None

    def _make_bar(self) -> Any:
        from tqdm import tqdm

        class Bar(tqdm):  # type: ignore[type-arg]
            """A bar without tqdm's thread, with which no worker could be forked."""

            monitor_interval = 0

        return Bar(total=self._total, initial=self._initial, unit="episode", file=self._stream, dynamic_ncols=True)

    def _step(self) -> int:
        return max(1, -(-self._total // _LINES))

    def _rate(self) -> float:
        return (self._done - self._initial) / max(time.monotonic() - self._started, 1e-9)


def _figures(mean: float | None, failures: int, tokens: int) -> str:
    return f"reward {number(mean)}, {failures:,} failed, {tokens:,} tokens"
