"""So many runs at once, first come, first served; waited for by threads and by event loops alike."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import Future


class Slots:
    """A counting semaphore that both worlds can wait for.

    Args:
        count: How many may be held at once.
    """

    def __init__(self, count: int) -> None:
        self._lock = threading.Lock()
        self._free = count
        self._queue: deque[Future[None]] = deque()

    def acquire(self) -> None:
        """Wait for a slot, blocking."""
        place = self._place()
        try:
            place.result()
        except BaseException:  # boundary: whatever ended it goes on up, and what was taken is given back
            self._give_up(place)
            raise

    async def aacquire(self) -> None:
        """Wait for a slot without blocking the event loop."""
        place = self._place()
        if place.done():
            return
        try:
            await asyncio.wrap_future(place)
        except BaseException:  # boundary: whatever ended it goes on up, and what was taken is given back
            self._give_up(place)
            raise

    def release(self) -> None:
        """Give a slot back, to whoever has waited longest."""
        with self._lock:
            while self._queue:
                place = self._queue.popleft()
                if place.set_running_or_notify_cancel():
                    break
            else:
                self._free += 1
                return
        place.set_result(None)

    def _place(self) -> Future[None]:
        place: Future[None] = Future()
        with self._lock:
            if self._free:
                self._free -= 1
                place.set_result(None)
            else:
                self._queue.append(place)
        return place

    def _give_up(self, place: Future[None]) -> None:
        """Leave the queue; a slot that came at the same moment goes to the next."""
        if not place.cancel() and not place.cancelled():
            self.release()
