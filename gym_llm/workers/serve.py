"""The inside of a worker: one event loop that takes messages, runs what they ask for, and answers in batches.

A handler says what messages mean. Whatever it runs is named on the page while it runs, also after each await. The
worker ends with its driver: by the closed socket, by a signal from the kernel, at the latest by a watching thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import ctypes
import gc
import os
import select
import signal
import socket
import sys
import threading
import time
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Protocol

from gym_llm.workers.frames import Decoder, Encoder, Splitter, frames
from gym_llm.workers.page import Page

_FLUSH_REPLIES = 64
_FLUSH_SECONDS = 0.002
_PR_SET_PDEATHSIG = 1
_GARBAGE_THRESHOLDS = (100_000, 10, 100)


class Handler(Protocol):
    """What a worker does with messages; every message is a list [operation, job, number, ...]."""

    def handle(self, message: list[Any], reply: Reply) -> Coroutine[Any, Any, None] | None:
        """Act on a message; return a coroutine when it has to await. Answers go through `reply`."""

    def close(self) -> None:
        """Release what the handler holds; the driver is done with it."""


class Reply(Protocol):
    """Sends answers; raises `WorkerError` for what cannot travel."""

    def __call__(self, message: Any) -> None:
        """Send an answer."""


def serve(sock: socket.socket, page: Page, make_handler: Callable[[Page], Handler], parent: int) -> None:
    """Run a worker until its driver closes the socket.

    Args:
        sock: The stream to the driver.
        page: Where the worker says what it runs.
        make_handler: Makes the handler, here in the worker.
        parent: Process id that this process must have as its parent, or 0.
    """
    _die_with_driver(sock, parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(_Server(sock, page, make_handler).run())


class _Server:
    def __init__(self, sock: socket.socket, page: Page, make_handler: Callable[[Page], Handler]) -> None:
        self._sock, self._page, self._make_handler = sock, page, make_handler
        self._encoder, self._decoder = Encoder(allow_pickle=False), Decoder(allow_pickle=True)
        self._splitter = Splitter()
        self._out: list[bytes] = []
        self._flushed = 0.0
        self._in_batch = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._pid = os.getpid()

    async def run(self) -> None:
        loop = self._loop = asyncio.get_running_loop()
        loop.set_task_factory(self._task)
        self._sock.setblocking(False)
        self._done = loop.create_future()
        self._handler = self._make_handler(self._page)
        gc.freeze()  # what is there by now stays; thousands of live conversations make each look at them long
        gc.set_threshold(*map(max, gc.get_threshold(), _GARBAGE_THRESHOLDS))
        self._transport, _ = await loop.create_connection(lambda: _Stream(self), sock=self._sock)
        await self._done
        self._handler.close()

    def received(self, data: bytes) -> None:
        """Run what came; long batches are answered now and then, the rest at their end."""
        self._in_batch = True
        for body in self._splitter.feed(data):
            for message in self._decoder.decode(body):
                if message == "close":
                    self.ended()
                    return
                self._run(message)
        self._page.clear()
        self._in_batch = False
        self.flush()

    def _run(self, message: list[Any]) -> None:
        self._page.set(message[1], message[2])
        coroutine = self._handler.handle(message, self.reply)
        if os.getpid() != self._pid:
            os._exit(0)  # environment code forked and its child came back here
        if coroutine is not None:
            token = _job.set((message[1], message[2]))
            task = self._loop.create_task(coroutine)
            _job.reset(token)
            self._tasks.add(task)
            task.add_done_callback(self._ended_task)

    def _task(self, loop: asyncio.AbstractEventLoop, work: Any, **kwargs: Any) -> asyncio.Task[Any]:
        """Make a task; those of a job, also the ones that environment code starts, name it while they run."""
        job = _job.get()
        return asyncio.Task(work if job is None else _named(self._page, job, work), loop=loop, **kwargs)

    def _ended_task(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error

    def reply(self, message: Any) -> None:
        """Answer; answers of the same turn of the event loop travel together."""
        self._out.append(self._encoder.encode(message))
        if not self._in_batch:
            if len(self._out) == 1:
                self._loop.call_soon(self.flush)
        elif len(self._out) >= _FLUSH_REPLIES or time.monotonic() - self._flushed > _FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        if self._out and not self._transport.is_closing():
            self._transport.write(frames(self._out))
        self._out.clear()
        self._flushed = time.monotonic()

    def ended(self) -> None:
        self.flush()
        if not self._done.done():
            self._done.set_result(None)


class _Stream(asyncio.Protocol):
    def __init__(self, server: _Server) -> None:
        self._server = server

    def data_received(self, data: bytes) -> None:
        self._server.received(data)

    def connection_lost(self, error: Exception | None) -> None:
        os._exit(0)  # the driver is gone: nothing is left to be done properly


_job: contextvars.ContextVar[tuple[int, int] | None] = contextvars.ContextVar("gym_llm_job", default=None)


async def _named(page: Page, job: tuple[int, int], coroutine: Any) -> Any:
    return await _on_page(page, job, coroutine)


@types.coroutine
def _on_page(page: Page, job: tuple[int, int], coroutine: Any) -> Generator[Any, Any, Any]:
    """Drive a coroutine, naming its job on the page whenever it runs."""
    value, error, pid = None, None, os.getpid()
    while True:
        page.set(*job)
        try:
            awaited = coroutine.send(value) if error is None else coroutine.throw(error)
        except StopIteration as stop:
            return stop.value
        finally:
            if os.getpid() != pid:
                os._exit(0)  # environment code forked and its child came back here
            page.clear()
        value, error = None, None
        try:
            value = yield awaited
        except BaseException as thrown:  # boundary: it belongs to the coroutine
            error = thrown


def _die_with_driver(sock: socket.socket, parent: int) -> None:
    if sys.platform == "linux" and parent:
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)
    threading.Thread(target=_watch, args=(os.dup(sock.fileno()),), daemon=True, name="driver-watch").start()


def _watch(fd: int) -> None:
    poller = select.poll()
    poller.register(fd, select.POLLHUP | select.POLLERR | select.POLLRDHUP)
    poller.poll()
    time.sleep(1.0)  # the event loop leaves by itself unless environment code holds it
    os._exit(0)
