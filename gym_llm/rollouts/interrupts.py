"""Ctrl-C during a collection, and the event loop that it has to get out of.

Once: the collection is told to stop and ends in good order. Twice: the loop is left at once, with rows whole in
the file as they always are. Only the main thread gets signals; elsewhere nothing is installed.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from types import FrameType, TracebackType
from typing import Any, Self

from gym_llm.errors import ConfigError

STEP_THREADS = "gym-llm-step"
_MOST_THREADS = 256
_LEAVING_SECONDS = 1.0


class Interrupts:
    """While entered, SIGINT calls `stop`, and the second one raises KeyboardInterrupt where the program stands.

    Args:
        stop: Called on the first SIGINT, between two bytecodes of the main thread.
        say: Shows a line of text.
    """

    def __init__(self, stop: Callable[[], None], say: Callable[[str], None]) -> None:
        self._stop, self._say = stop, say
        self._before: Any = None
        self._count = 0

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._count += 1
        if self._count > 1:
            raise KeyboardInterrupt
        self._stop()
        self._say("interrupted: no more episodes are begun; running ones may end. Ctrl-C again leaves at once.")


def run_loop(main: Coroutine[Any, Any, None], *, threads: int) -> None:
    """Run a coroutine in an event loop of its own.

    Unlike `asyncio.run`, it installs no signal handler, and a KeyboardInterrupt gets out without waiting for
    threads.

    Args:
        main: What to run.
        threads: How many steps of blocking environments may run at once (256 at most).

    Raises:
        ConfigError: Inside a running event loop, such as a notebook's.
    """
    with contextlib.suppress(RuntimeError):
        asyncio.get_running_loop()
        main.close()
        raise ConfigError("an event loop is running here already (a notebook?); use: await acollect(...)")
    loop = asyncio.new_event_loop()
    executor = ThreadPoolExecutor(min(threads, _MOST_THREADS), thread_name_prefix=STEP_THREADS)
    loop.set_default_executor(executor)
    try:
        loop.run_until_complete(main)
    finally:
        _cancel_all(loop)
        executor.shutdown(wait=False, cancel_futures=True)
        loop.close()


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what is left in a loop and give it a moment to end."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=_LEAVING_SECONDS))
    for task in tasks:
        if task.done() and not task.cancelled():
            task.exception()
    loop.run_until_complete(loop.shutdown_asyncgens())
