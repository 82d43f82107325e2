"""Keeping a check from hanging: a probe runs in a daemon thread, and each call into the environment is timed.

A call that takes too long is reported with the line where it hangs, and its thread is left behind. A hang inside
one C call that never yields to other threads (a runaway regular expression) cannot be interrupted this way.
"""

from __future__ import annotations

import inspect
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, TypeVar

T = TypeVar("T")
_LIBRARY = ("gym_llm.core", "gym_llm.calls", "gym_llm.bridge", "gym_llm.conformance", "gymnasium.")


class Hung(Exception):
    """A call into the environment that did not return in time."""


class Abandoned(BaseException):
    """Ends a thread that was left behind, as soon as it calls into the environment again."""


class Watch:
    """Runs one function under a deadline for each of its timed calls.

    Args:
        limit: Seconds that one call may take.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._doing: tuple[str, float] | None = None
        self._abandoned = False

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Mark a call into the environment."""
        if self._abandoned:
            raise Abandoned
        self._doing = (what, time.monotonic())
        try:
            yield
        finally:
            self._doing = None

    def run(self, function: Callable[[], T]) -> T:
        """Return what the function returns.

        Raises:
            Hung: When a timed call takes longer than the limit; says which, and where it hangs.
        """
        outcome: list[T] = []
        failure: list[BaseException] = []

        def target() -> None:
            try:
                outcome.append(function())
            except BaseException as error:  # boundary: carried over to the waiting thread
                failure.append(error)

        thread = threading.Thread(target=target, name="gym-llm-check", daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(min(0.5, self.limit / 4))
            self._give_up_late(thread)
        if failure:
            raise failure[0]
        return outcome[0]

    def _give_up_late(self, thread: threading.Thread) -> None:
        doing = self._doing
        if doing is None or time.monotonic() - doing[1] <= self.limit or not thread.is_alive():
            return
        self._abandoned = True
        frame = sys._current_frames().get(thread.ident or 0)
        where = f"; it hangs in {_place(frame)}" if frame else ""
        raise Hung(f"{doing[0]} did not answer within {self.limit:g} s{where}")


def _place(frame: FrameType) -> str:
    """Return `function, file:line` of the author's innermost code on a stack."""
    places = [place for place in map(_author_place, _outwards(frame)) if place]
    return places[0] if places else _shown(frame.f_code, frame.f_lineno)


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _author_place(frame: FrameType) -> str | None:
    module = frame.f_globals.get("__name__", "")
    if module.startswith("gym_llm.") and inspect.iscoroutine(frame.f_locals.get("result")):
        return _suspended_at(frame.f_locals["result"])
    if module.startswith(_LIBRARY) or module.partition(".")[0] in sys.stdlib_module_names - {"__main__"}:
        return None
    return _shown(frame.f_code, frame.f_lineno)


def _suspended_at(coroutine: Any) -> str | None:
    """Return where the author's coroutine waits: its innermost line that is not the standard library's."""
    place = None
    while inspect.iscoroutine(coroutine) and coroutine.cr_frame is not None:
        module = coroutine.cr_frame.f_globals.get("__name__", "")
        if module.partition(".")[0] not in sys.stdlib_module_names - {"__main__"}:
            place = _shown(coroutine.cr_code, coroutine.cr_frame.f_lineno)
        coroutine = coroutine.cr_await
    return place


def _shown(code: CodeType, line: int) -> str:
    return f"{code.co_qualname}, {Path(code.co_filename).name}:{line}"
