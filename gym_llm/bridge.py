"""The bridge between sync `step` and awaiting tools: greenlets, as SQLAlchemy's asyncio layer uses them.

`await run(env.step, action)` calls a sync function, every wrapper around it included, in a greenlet. Where code
inside it says `wait(awaitable)`, the whole stack is suspended and the event loop goes on with other episodes.
Outside `run`, `wait` simply blocks. This is not a thread pool: everything stays in the calling thread.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeVar, cast

import greenlet

T = TypeVar("T")


_MAX_IDLE = 256


class _Worker(greenlet.greenlet):
    """A greenlet that runs one sync function after another for `run`; making one costs 8 microseconds.

    Nothing on its own stack refers to it: the garbage collector cannot see a suspended stack, so that such a
    reference would keep it for ever.
    """

    @staticmethod
    def run(job: _Job) -> None:
        while True:
            try:
                reply: _Reply = (True, job[0](*job[1], **job[2]))
            except greenlet.GreenletExit:
                raise
            except BaseException as error:  # boundary: handed to the caller of `run`, who raises it
                reply = (True, _Raised(error))
            job = cast(Any, greenlet.getcurrent().parent).switch(reply)


class _Raised:
    """An exception on its way out of a worker."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


_Job = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]
_Reply = tuple[bool, Any]


async def run(function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
    """Call a sync function so that each `wait` inside it suspends it instead of blocking the event loop.

    Args:
        function: Any callable; typically the `reset` or `step` of a wrapped environment.
        *args: Its positional arguments.
        **kwargs: Its keyword arguments.

    >>> async def main():
    ...     async def tool():
    ...         await asyncio.sleep(0)
    ...         return "done"
    ...     return await run(lambda: wait(tool()))
    >>> asyncio.run(main())
    'done'
    """
    call = start(function, *args, **kwargs)
    return cast(T, call.result() if call.finished else await call)


def start(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Call:
    """Call a sync function up to its end or its first `wait`, without an event loop's task."""
    return Call(function, args, kwargs)


class Call:
    """A sync function on its way: `finished` at once unless it waits for something; then `await` it."""

    __slots__ = ("_value", "_worker", "finished")

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._worker = _thread.idle.pop() if _thread.idle else _Worker()
        self._here()
        self.finished, self._value = self._worker.switch((function, args, kwargs))
        if self.finished:
            self._release()

    def result(self) -> Any:
        """Return what the finished function returned, or raise what it raised."""
        if isinstance(self._value, _Raised):
            raise self._value.error
        return self._value

    def __await__(self) -> Generator[Any, Any, Any]:
        while not self.finished:
            try:
                answer = yield from _awaiting(self._value)
            except BaseException as error:  # boundary: whatever awaiting raised belongs to the code that waited
                self._here()
                self.finished, self._value = self._worker.throw(error)
            else:
                self._here()
                self.finished, self._value = self._worker.switch(answer)
        self._release()
        return self.result()

    def _here(self) -> None:
        current = greenlet.getcurrent()
        self._worker.parent, self._worker.gr_context = current, current.gr_context

    def _release(self) -> None:
        if len(_thread.idle) < _MAX_IDLE:
            _thread.idle.append(self._worker)


def _awaiting(awaitable: Any) -> Generator[Any, Any, Any]:
    return (yield from awaitable.__await__())


def wait(awaitable: Awaitable[T]) -> T:
    """Return what an awaitable gives, from sync code.

    Inside `run` the caller is suspended; elsewhere the awaitable is run to its end on a private event loop (on
    a thread of its own when this thread's loop is already running, as in a notebook).
    """
    if isinstance(greenlet.getcurrent(), _Worker):
        return cast(T, cast(Any, greenlet.getcurrent().parent).switch((False, awaitable)))
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _thread.loop().run(_finish(awaitable))
    return _in_thread(awaitable)


class _Thread(threading.local):
    """What a thread keeps: its idle workers, and one event loop for waits outside `run`."""

    runner: asyncio.Runner | None = None
    finalizer: weakref.finalize[Any, Any] | None = None

    def __init__(self) -> None:
        self.idle: list[_Worker] = []

    def loop(self) -> asyncio.Runner:
        if self.runner is None:
            self.runner = asyncio.Runner()
            self.finalizer = weakref.finalize(threading.current_thread(), _close, self.runner)
        return self.runner


def _close(runner: asyncio.Runner) -> None:
    """Close a gone thread's event loop; called at exit or by the garbage collector, perhaps inside another loop."""
    loop = runner.get_loop()
    if loop.is_running():
        return
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        runner.close()  # also what async generators hold: connections
    else:
        loop.close()


_thread = _Thread()
_of_the_parent: list[asyncio.Runner | None] = []


def _forked() -> None:
    """Begin anew in a forked child: the parent's loop is left open, as closing it would reach into the parent's."""
    if _thread.finalizer is not None:
        _thread.finalizer.detach()
    _of_the_parent.append(_thread.runner)
    _thread.runner, _thread.finalizer, _thread.idle = None, None, []


os.register_at_fork(after_in_child=_forked)


async def _finish(awaitable: Awaitable[T]) -> T:
    return await awaitable


def _in_thread(awaitable: Awaitable[T]) -> T:
    outcome: list[T] = []
    failure: list[BaseException] = []

    def target() -> None:
        try:
            outcome.append(asyncio.run(_finish(awaitable)))
        except BaseException as error:  # boundary: carried over to the waiting thread
            failure.append(error)

    thread = threading.Thread(target=target, name="gym-llm-wait", daemon=True)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]
