"""The gate before an endpoint: who may send now, shared by all who call it in one event loop.

It bounds the requests in flight, keeps the others in order of arrival, and lets them in at the pace that the server
bears. Entering, leaving and giving up cost the same however many wait. It knows nothing of HTTP.
"""

from __future__ import annotations

import asyncio
from collections import deque

from gym_llm.policies.pace import Pace


class Gate:
    """Lets requests through to one endpoint. For one event loop, the one it is created in.

    Args:
        limit: Requests in flight at most.

    Attributes:
        in_flight: Requests let in that have not left.
        pace: The rate, adapted by `refused`.

    >>> async def main():
    ...     gate = Gate(limit=2)
    ...     epoch = await gate.enter()
    ...     gate.leave()
    ...     return gate.in_flight
    >>> asyncio.run(main())
    0
    """

    __slots__ = ("_limit", "_loop", "_pump_handle", "_queue", "_room", "in_flight", "pace")

    def __init__(self, limit: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._limit = limit
        self._queue: deque[asyncio.Future[int]] = deque()
        self._pump_handle: asyncio.Handle | None = None
        self._room = 0
        self.in_flight = 0
        self.pace = Pace(self._loop.time())

    @property
    def waiting(self) -> int:
        """How many wait; those that gave up are counted until their turn comes."""
        return len(self._queue)

    async def enter(self, *, first: bool = False) -> int:
        """Wait until a request may be sent; each `enter` that returns needs one `leave`.

        Args:
            first: Wait before all others, as a request does that was let in already and has to be repeated.

        Returns:
            The epoch, for `refused`.
        """
        if self._room > 0 and not self._queue:
            self._room -= 1
            self.in_flight += 1
            return self.pace.begin()
        turn: asyncio.Future[int] = self._loop.create_future()
        if first:
            self._queue.appendleft(turn)
        else:
            self._queue.append(turn)
        self._schedule()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # let in and given up at the same moment
                self.leave()
            raise

    def leave(self) -> None:
        """Make room for another request."""
        self.in_flight -= 1
        if self._queue:
            self._schedule()

    def refused(self, epoch: int, seconds: float) -> None:
        """Take in that the server refused a request for sending too many: pause, then go on more slowly.

        Args:
            epoch: What `enter` returned for the request.
            seconds: The pause.
        """
        self._room = 0
        self.pace.refuse(self._loop.time(), epoch, seconds)
        self._reschedule()

    def hold(self, seconds: float) -> None:
        """Let nobody in for some seconds."""
        self._room = 0
        self.pace.hold(self._loop.time(), seconds)
        self._reschedule()

    def _pump(self) -> None:
        """Let in as many as may go now, and come back for the rest."""
        self._pump_handle = None
        room = min(self.pace.allowance(self._loop.time()), self._limit - self.in_flight)
        queue = self._queue
        while room > 0 and queue:
            turn = queue.popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(self.pace.begin())
                room -= 1
        self._room = room if self.pace.rate is None else 0
        if queue:
            self._schedule()

    def _schedule(self) -> None:
        """Have the pump run as soon as somebody may go; with nothing free, the next `leave` does that."""
        if self._pump_handle is not None or self.in_flight >= self._limit:
            return
        wait = self.pace.wait(self._loop.time())
        self._pump_handle = self._loop.call_soon(self._pump) if wait <= 0 else self._loop.call_later(wait, self._pump)

    def _reschedule(self) -> None:
        if self._pump_handle is not None:
            self._pump_handle.cancel()
            self._pump_handle = None
        if self._queue:
            self._schedule()
