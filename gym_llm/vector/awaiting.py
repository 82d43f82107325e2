"""Awaiting single environments in an event loop: the engine's sockets as readers of the loop."""

from __future__ import annotations

import asyncio

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

    async def result(self, index: int) -> Result:
        """Return an environment's next result.

        Raises:
            VectorEnvBroken: When workers keep dying.
        """
        self._attach(asyncio.get_running_loop())
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._futures[index] = future
        self._dispatch()
        return await future

    def detach(self) -> None:
        """Take the sockets out of the event loop."""
        if self._loop is not None and not self._loop.is_closed():
            for fd in self._watched:
                self._loop.remove_reader(fd)
            if self._timer is not None:
                self._timer.cancel()
        self._watched.clear()
        self._loop = None

    def _attach(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._loop is not loop:
            self.detach()
            self._loop = loop
            self._timer = loop.call_later(_LOOK_SECONDS, self._look)
        current = set(self._engine.watch())
        for fd in current - self._watched:
            loop.add_reader(fd, self._readable, fd)
        self._watched = current

    def _readable(self, fd: int) -> None:
        assert self._loop is not None
        index = self._engine.worker_of(fd)
        if index is None:
            self._loop.remove_reader(fd)
            return
        known = self._engine.respawns
        self._guarded(lambda: self._engine.service(index))
        if self._engine.respawns != known:
            self._loop.remove_reader(fd)
            self._attach(self._loop)
        self._dispatch()

    def _look(self) -> None:
        if self._loop is None:
            return
        known = self._engine.respawns
        self._guarded(self._engine.look)
        if self._engine.respawns != known:
            self._attach(self._loop)
        self._dispatch()
        self._timer = self._loop.call_later(_LOOK_SECONDS, self._look)

    def _guarded(self, work: object) -> None:
        try:
            work()  # type: ignore[operator]
        except Exception as error:  # boundary: whoever awaits is told
            for future in self._futures.values():
                if not future.done():
                    future.set_exception(error)
            self._futures.clear()

    def _dispatch(self) -> None:
        for index, result in self._engine.results():
            future = self._futures.pop(index, None)
            if future is not None and not future.done():
                future.set_result(result)
