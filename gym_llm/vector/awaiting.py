"""Awaiting single environments in an event loop: the engine's sockets as readers of the loop."""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable

from gym_llm.vector.engine import Engine
from gym_llm.vector.slots import Result

_LOOK_SECONDS = 0.1


class Awaiting:
    """Results of an engine as futures of the running event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._futures: dict[int, asyncio.Future[Result]] = {}
        self._watched: set[int] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._flush: asyncio.Handle | None = None

    async def result(self, index: int) -> Result:
        """Return an environment's next result.

        Raises:
            VectorEnvBroken: When workers keep dying.
        """
        self._attach(asyncio.get_running_loop())
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._futures[index] = future
        if self._flush is None:  # requests of the same turn of the event loop travel together
            self._flush = asyncio.get_running_loop().call_soon(self._send)
        try:
            return await future
        finally:
            if self._futures.get(index) is future:
                del self._futures[index]

    def waits(self, index: int | None = None) -> bool:
        """Return whether anybody in a living event loop waits for a result, or for this environment's."""
        if self._loop is None or self._loop.is_closed():
            return False
        waiting = self._futures.values() if index is None else filter(None, [self._futures.get(index)])
        return any(not future.done() for future in waiting)

    def detach(self, reason: Exception | None = None) -> None:
        """Take the sockets out of the event loop; whoever awaits is told the reason."""
        if reason is not None and self.waits():
            for future in self._futures.values():
                if not future.done():
                    future.set_exception(reason)
        if self._loop is not None and not self._loop.is_closed():
            self._unwatch(self._loop)
            for handle in (self._flush, self._timer):
                if handle is not None:
                    handle.cancel()
        self._loop = self._flush = None
        self._futures.clear()

    def _attach(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._loop is not loop:
            self.detach()
            self._loop = loop
            self._timer = loop.call_later(_LOOK_SECONDS, self._look)
            self._watch(loop)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        self._watched = set(self._engine.watch())
        for fd in self._watched:
            loop.add_reader(fd, self._readable, fd)
        self._watch_writes(loop)

    def _unwatch(self, loop: asyncio.AbstractEventLoop) -> None:
        for fd in self._watched:
            loop.remove_reader(fd)
            loop.remove_writer(fd)
        self._watched.clear()

    def _watch_writes(self, loop: asyncio.AbstractEventLoop) -> None:
        for fd in self._engine.unsent():
            loop.add_writer(fd, self._writable, fd)

    def _send(self) -> None:
        self._flush = None
        self._run(self._engine.flush)

    def _readable(self, fd: int) -> None:
        index = self._engine.worker_of(fd)
        if index is not None:
            self._run(lambda: self._engine.service(index))

    def _writable(self, fd: int) -> None:
        index = self._engine.worker_of(fd)
        if index is not None:
            self._run(lambda: self._engine.service(index, select.POLLOUT))
        if self._loop is not None and fd not in self._engine.unsent():
            self._loop.remove_writer(fd)

    def _look(self) -> None:
        self._run(self._engine.look)
        if self._loop is not None:
            self._timer = self._loop.call_later(_LOOK_SECONDS, self._look)

    def _run(self, work: Callable[[], None]) -> None:
        """Let the engine work, and hand out what is ready; a worker started again may have an old one's descriptor."""
        loop, known = self._loop, self._engine.respawns
        if loop is None:
            return
        try:
            work()
        except Exception as error:  # boundary: whoever awaits is told
            for future in self._futures.values():
                if not future.done():
                    future.set_exception(error)
            self._futures.clear()
        if self._engine.respawns != known:
            self._unwatch(loop)
            self._watch(loop)
        else:
            self._watch_writes(loop)
        for index, result in self._engine.results():
            waiting = self._futures.pop(index, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(result)
