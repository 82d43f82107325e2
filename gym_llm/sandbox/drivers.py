"""What sees a run, or a call into a session, through to its result: `poll`, or an event loop without a thread."""

from __future__ import annotations

import asyncio
import select
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Driven(Protocol[T_co]):
    """What can be seen through."""

    waiting: dict[int, Any]
    writing: int | None

    @property
    def timeout(self) -> float:
        """Seconds until `tick` has to be called."""

    @property
    def over(self) -> bool:
        """Whether there is a result."""

    def ready(self, fd: int) -> bool:
        """Deal with a readable descriptor; returns whether it may become readable again."""

    def write(self) -> bool:
        """Write to `writing`; returns whether there is more."""

    def tick(self) -> None:
        """Look at the clock."""

    def result(self) -> T_co:
        """Return the result."""

    def close(self) -> None:
        """Let go of everything that must not outlive this."""


def drive(work: Driven[T]) -> T:
    """See a run, or a call, through; blocking."""
    poller = select.poll()
    for fd in work.waiting:
        poller.register(fd, select.POLLIN)
    if work.writing is not None:
        poller.register(work.writing, select.POLLOUT | (select.POLLIN if work.writing in work.waiting else 0))
    try:
        while not work.over:
            for fd, happened in poller.poll(work.timeout * 1000 + 1):
                _turn(work, poller, fd, happened)
            if not work.over:
                work.tick()
        return work.result()
    finally:
        work.close()


def _turn(work: Driven[Any], poller: select.poll, fd: int, happened: int) -> None:
    if fd == work.writing and happened & ~select.POLLIN and not work.write():
        if fd in work.waiting:
            poller.modify(fd, select.POLLIN)
        else:
            poller.unregister(fd)
    if fd in work.waiting and happened & ~select.POLLOUT and not work.ready(fd):
        poller.unregister(fd)


async def adrive(work: Driven[T]) -> T:
    """See a run, or a call, through on the running event loop. Cancelling kills it."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    timer: list[asyncio.TimerHandle] = []

    def ready(fd: int) -> None:
        if not work.ready(fd):
            loop.remove_reader(fd)
        settle()

    def writable(fd: int) -> None:
        if not work.write():
            loop.remove_writer(fd)
        settle()

    def tick() -> None:
        work.tick()
        timer[:] = [loop.call_later(work.timeout + 0.001, tick)]
        settle()

    def settle() -> None:
        if work.over and not ended.done():
            ended.set_result(None)

    for fd in work.waiting:
        loop.add_reader(fd, ready, fd)
    if work.writing is not None:
        loop.add_writer(work.writing, writable, work.writing)
    timer[:] = [loop.call_later(work.timeout + 0.001, tick)]
    try:
        await ended
        return work.result()
    finally:
        timer[0].cancel()
        for fd in work.waiting:
            loop.remove_reader(fd)
        if work.writing is not None:
            loop.remove_writer(work.writing)
        work.close()
