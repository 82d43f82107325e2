"""What the processes of a run use, read from the run's own /proc, and whether that is too much."""

from __future__ import annotations

import os
import resource
from typing import Any

SOCKET_BYTES = 212_992
"""Most that a socket of a run holds in the kernel, in each direction."""
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_BUSY_MILLISECONDS, _CALM_MILLISECONDS = 25, 100
_RESIDENT, _TIMES = 21, slice(11, 15)  # in /proc/PID/stat, after the name


class Watch:
    """Samples all processes of a run but the supervisor.

    The kernel's limits hold for each process; the sum over the tree is kept here, at most a sample late.

    Args:
        limits: The run's limits.
    """

    def __init__(self, limits: dict[str, Any]) -> None:
        self.reason: str | None = None
        self._most_cpu, self._most_memory = float(limits["cpu"]), int(limits["memory"])
        self._peak, self._now, self._cpu = 0, 0, 0.0

    @property
    def milliseconds(self) -> int:
        """How long to wait before the next look."""
        return _BUSY_MILLISECONDS if self._peak > self._most_memory // 8 else _CALM_MILLISECONDS

    def allow(self, cpu: float) -> None:
        """Let the run use so many more seconds of CPU from now on, instead of its former budget."""
        self.look()
        self._most_cpu = self._cpu + cpu

    def exceeded(self) -> bool:
        """Look, and say whether the run is over its budget; `reason` then tells of what."""
        self.look()
        if self._cpu > self._most_cpu:
            self.reason = "cpu"
        elif self._over_memory():
            self.reason = "memory"
        return self.reason is not None

    def look(self) -> None:
        """Take a sample."""
        resident, ticks = 0, 0
        for pid in self._processes():
            fields = _fields(pid)
            if fields:
                resident += int(fields[_RESIDENT])
                ticks += sum(map(int, fields[_TIMES]))
        self._now = resident * _PAGE
        self._peak = max(self._peak, self._now)
        self._cpu = max(self._cpu, ticks / _TICKS + _reaped())

    def total(self) -> tuple[float, int]:
        """Return seconds of CPU and peak memory, once every process has been reaped."""
        used = _reaped()
        if self.reason is None and used > self._most_cpu:
            self.reason = "cpu"
        return used, self._peak

    def _processes(self) -> list[str]:
        return [name for name in os.listdir("/proc") if name.isdigit() and name != "1"]  # noqa: PTH208

    def _over_memory(self) -> bool:
        if self._peak > self._most_memory and self._proportional() > self._most_memory:
            return True
        return self._sockets_memory() > self._most_memory

    def _sockets_memory(self) -> int:
        """Return what the buffers of the run's sockets can take, which are in no process's account.

        Zero in `compute`, where the kernel does not tell; a run can make but pairs there, as many as descriptors.
        """
        try:
            with open("/proc/net/sockstat", "rb") as file:  # noqa: PTH123
                return 2 * SOCKET_BYTES * int(file.readline().split()[2])
        except (OSError, ValueError, IndexError):
            return 0

    def _proportional(self) -> int:
        """Return what the processes really take, each shared page counted once; zero when that cannot be told."""
        total = 0
        for pid in self._processes():
            try:
                with open(f"/proc/{pid}/smaps_rollup", "rb") as file:  # noqa: PTH123
                    total += sum(int(line.split()[1]) << 10 for line in file if line.startswith(b"Pss:"))
            except PermissionError:  # it hides what it takes
                total += self._now
            except OSError:  # it has ended
                continue
        return total


def _fields(pid: str) -> list[bytes]:
    """Return the fields of /proc/PID/stat after the name, which may hold anything."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return []


def _reaped() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
