"""CPU and memory of this process and all below it, from the kernel's own books. Linux only.

CPU is user and system time, that of processes which have ended included; memory is the proportional set size, in
which a page that several processes share is counted once.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from gym_llm.errors import ConfigError

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_PROC = Path("/proc")
_CPU_OF_PROCESS = 2  # CPUCLOCK_SCHED of <linux/posix-timers.h>: how clock_getcpuclockid(3) makes its ids
_SAMPLE_SECONDS = 0.1


def check_platform() -> None:
    """Refuse a platform whose processes cannot be measured.

    Raises:
        ConfigError: It has no `/proc`.
    """
    if sys.platform != "linux":
        raise ConfigError(f"the bench reads /proc, which only Linux has; this is {sys.platform}")


def tree(skip: Collection[int] = (), root: int | None = None) -> list[int]:
    """Return the ids of a process and all below it.

    Args:
        skip: Processes that are left out, with all below them.
        root: The process; this one when left out.
    """
    below: dict[int, list[int]] = {}
    for pid in _all():
        fields = _stat(pid)
        if fields:
            below.setdefault(int(fields[1]), []).append(pid)
    found = [os.getpid() if root is None else root]
    for pid in found:
        found += [child for child in below.get(pid, []) if child not in skip]
    return found


def cpu(skip: Collection[int] = ()) -> float:
    """Return the CPU seconds of the tree; to nanoseconds for what lives, to clock ticks for what has ended."""
    return sum(map(process_cpu, tree(skip)))


def process_cpu(pid: int) -> float:
    """Return the CPU seconds of one process and of its ended children; 0 when it is gone itself."""
    fields = _stat(pid)
    if not fields:
        return 0.0
    ended = (int(fields[13]) + int(fields[14])) / _TICKS
    try:
        return ended + time.clock_gettime((~pid << 3) | _CPU_OF_PROCESS)
    except OSError:  # it has just ended
        return ended + (int(fields[11]) + int(fields[12])) / _TICKS


def pss(skip: Collection[int] = (), root: int | None = None) -> float:
    """Return the proportional set size of the tree, in MB."""
    total = 0
    for pid in tree(skip, root):
        try:
            lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


class PeakMemory:
    """Looks at the tree's memory again and again while it is entered.

    A process of its own looks: a thread would keep a collection from forking its workers.

    Args:
        skip: Processes that are left out, with all below them.

    Attributes:
        megabytes: The most seen; known afterwards.
        pid: The process that looks, which is itself left out.
    """

    def __init__(self, skip: Collection[int] = ()) -> None:
        self.megabytes = 0.0
        self._skip = skip

    def __enter__(self) -> PeakMemory:
        words = [str(os.getpid()), *map(str, self._skip)]
        path = os.pathsep.join(filter(None, sys.path))
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from gym_llm.bench.usage import watch; watch()", *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
        self.pid = self._process.pid
        assert self._process.stdout is not None
        self._process.stdout.readline()
        return self

    def __exit__(self, *_: object) -> None:
        told = self._process.communicate("over\n")[0]
        self.megabytes = float(told or 0)


def watch() -> None:
    """Look at the tree of the process named on the command line until told to stop; the body of `PeakMemory`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    root, *skip = map(int, sys.argv[1:])
    skip.append(os.getpid())
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    most = pss(skip, root)
    while not select.select([sys.stdin], [], [], _SAMPLE_SECONDS)[0]:
        most = max(most, pss(skip, root))
    sys.stdout.write(f"{most}\n")


def _all() -> Iterator[int]:
    return (int(name) for name in os.listdir(_PROC) if name.isdigit())  # noqa: PTH208 - names are all that is wanted


def _stat(pid: int) -> list[str]:
    """Return the fields of `/proc/PID/stat` from the state on; none when the process is gone."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []
