"""The page: memory that a worker shares with its driver, telling what it is running right now.

When a worker dies or hangs, the page says which request of which job did it. One writer (the worker), one reader
(the driver); three numbers, no lock.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from typing import Any

_LAYOUT = struct.Struct("<qqd")
IDLE = -1


class Page:
    """Which job a worker runs, for which request, since when (monotonic seconds).

    It travels to another process when that starts.
    """

    def __init__(self, fd: int | None = None) -> None:
        if fd is None:
            fd = os.memfd_create("gym-llm-page")
            os.ftruncate(fd, mmap.PAGESIZE)
        self.fd = fd
        self._map = mmap.mmap(fd, mmap.PAGESIZE)
        if self.read() == (0, 0, 0.0):
            self.clear()

    def set(self, job: int, number: int) -> None:
        """Say that request `number` of `job` runs from now on."""
        _LAYOUT.pack_into(self._map, 0, job, number, time.monotonic())

    def clear(self) -> None:
        """Say that nothing runs."""
        _LAYOUT.pack_into(self._map, 0, IDLE, 0, 0.0)

    def read(self) -> tuple[int, int, float]:
        """Return (job, number, since); job is -1 while nothing runs."""
        job, number, since = _LAYOUT.unpack_from(self._map, 0)
        return job, number, since

    def close(self) -> None:
        """Release the memory."""
        self._map.close()
        os.close(self.fd)

    def __reduce__(self) -> tuple[Any, ...]:
        from multiprocess import reduction

        return _attached, (reduction.DupFd(self.fd),)


def _attached(passed: Any) -> Page:
    return Page(passed.detach())
