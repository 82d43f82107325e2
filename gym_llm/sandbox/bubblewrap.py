"""The provider `bubblewrap`: warm zygotes behind bubblewrap, and namespaces, limits and a filter for each run.

Zygotes start with the first runs, one more whenever all are busy, up to one per core. A forked child has its own.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from gym_llm.errors import SandboxError, SandboxUnavailable
from gym_llm.sandbox import interpreter
from gym_llm.sandbox.call import Link
from gym_llm.sandbox.command_line import INSIDE_ID, bubblewrap, shown_paths
from gym_llm.sandbox.exchange import Exchange
from gym_llm.sandbox.limits import Limits, SandboxResult
from gym_llm.sandbox.packing import linked, memory, packed, pipe
from gym_llm.sandbox.sandbox import Request, Sandbox
from gym_llm.sandbox.workspace import DiskWatch
from gym_llm.sandbox.zygote import Zygote, ZygoteRun

INSTALL = "apt-get install bubblewrap"
_ATTEMPTS = 3
_END_SECONDS = 0.2
_NAMES = {
    "/etc/passwd": f"sandbox:x:{INSIDE_ID}:{INSIDE_ID}:sandbox:/sandbox/tmp:/bin/sh\n",
    "/etc/group": f"sandbox:x:{INSIDE_ID}:\n",
    "/etc/hosts": "127.0.0.1 localhost sandbox\n",
}
_ANY_USER = (1_500_000_000, 1_900_000_000)
_NOBODY = 65534


class Bubblewrap(Sandbox):
    """Linux namespaces by bubblewrap, with a fresh set of them, limits and a system call filter for each run.

    Args:
        python: Path of the interpreter inside; the running one by default.
        preload: Modules that every run finds imported, such as `["numpy"]`.
        read_only: Folders of this machine that runs may read, beside /usr and the interpreter's.
        zygotes: Most warm interpreters; one per core by default.
        limits: Of runs that bring none.
        concurrency: Most runs at once.
    """

    name: ClassVar[str] = "bubblewrap"

    def __init__(
        self, *, python: str | None = None, preload: Sequence[str] = (), read_only: Sequence[str] = (),
        zygotes: int | None = None, limits: Limits | None = None, concurrency: int | None = None,
    ) -> None:  # fmt: skip
        if sys.platform != "linux":
            raise SandboxUnavailable(f"bubblewrap needs Linux, this is {sys.platform}; use docker or podman")
        found = shutil.which("bwrap")
        if found is None:
            raise SandboxUnavailable(f"bubblewrap is not installed; install it with: {INSTALL}")
        self._bwrap = found
        self._interpreter = interpreter.find(python)
        self._preload, self._read_only = tuple(preload), tuple(map(os.path.abspath, read_only))
        self._most = zygotes or len(os.sched_getaffinity(0))
        super().__init__(limits=limits, concurrency=concurrency)
        self._lock = threading.Lock()
        self._closed = False
        self._zygotes: dict[bool, list[Zygote]] = {True: [], False: []}

    def describe(self) -> dict[str, Any]:
        """Return provider, interpreter and what every run is denied."""
        return {
            "provider": self.name, "python": self._interpreter.executable, "read_only": list(self._read_only),
            "preload": list(self._preload),
        }  # fmt: skip

    def close(self) -> None:
        """End every run, end the zygotes, remove every workspace."""
        with self._lock:
            self._closed = True
            zygotes = [zygote for group in self._zygotes.values() for zygote in group]
            self._zygotes = {True: [], False: []}
        for zygote in zygotes:
            zygote.close()
        super().close()

    def _forked(self) -> None:
        for zygote in (zygote for group in self._zygotes.values() for zygote in group):
            zygote.disown()
        self._lock, self._zygotes = threading.Lock(), {True: [], False: []}
        super()._forked()

    def _owner(self) -> int:
        return _stranger() if os.geteuid() == 0 else os.geteuid()

    def _start(self, request: Request) -> Exchange:
        with pipe() as (out, out_inner), pipe() as (err, err_inner):
            run = self._request_run(request, [out_inner, err_inner])
            return Exchange(run, os.dup(out), os.dup(err), request.limits)

    def _open(self, request: Request) -> Link:
        return linked(functools.partial(self._request_run, request), request.limits.output)

    def _repeats(self, request: Request, started: Exchange, result: SandboxResult) -> bool:
        if result.reason != "lost" or not isinstance(started.handle, ZygoteRun):
            return False
        zygote = started.handle.zygote
        if self._closed or not zygote.ends(_END_SECONDS):
            return False
        if request.workspace is not None:
            raise SandboxError("the sandbox's zygote was killed during a run; its workspace is in an unknown state")
        if not zygote.served:
            raise SandboxError(f"bubblewrap does not start: {zygote.complaint() or 'it says nothing'}")
        return True

    def _request_run(self, request: Request, outputs: list[int]) -> ZygoteRun:
        kind = b"p" if request.profile == "process" else b"s" if request.session else b"c"
        with memory(_packed(request)) as given, memory(request.stdin) as stdin:
            for _ in range(_ATTEMPTS):
                zygote = self._zygote(request.workspace is not None)
                try:
                    run = zygote.start(kind, [given, stdin, *outputs])
                except BrokenPipeError:
                    continue
                if request.workspace is not None:
                    run.folder_is_full = DiskWatch(request.workspace, request.limits.disk)
                return run
        raise SandboxError(f"bubblewrap's zygote does not stay alive: {zygote.complaint() or 'it says nothing'}")

    def _zygote(self, with_spaces: bool) -> Zygote:
        """Return the least busy zygote, a new one if all are busy; dead ones are replaced."""
        with self._lock:
            if self._closed:
                raise SandboxError("the sandbox is closed")
            group = self._zygotes[with_spaces]
            for dead in [zygote for zygote in group if not zygote.alive]:
                group.remove(dead)
                dead.close()
            idle = min(group, key=lambda zygote: zygote.active, default=None)
            if idle is None or (idle.active and len(group) < self._most):
                idle = self._new(with_spaces)
                group.append(idle)
            return idle

    def _new(self, with_spaces: bool) -> Zygote:
        spaces = str(self._spaces.folder) if with_spaces else None
        with contextlib.ExitStack() as stack:
            names = {path: stack.enter_context(memory(text.encode())) for path, text in _NAMES.items()}

            def line(control: int) -> list[str]:
                return bubblewrap(
                    self._bwrap, self._interpreter, read_only=self._read_only, spaces=spaces, control=control,
                    preload=self._preload, names=names,
                )  # fmt: skip

            paths = shown_paths(self._interpreter, self._read_only, spaces)
            return Zygote(line, self._spaces.owner, paths, list(names.values()))


def _packed(request: Request) -> bytes:
    workspace = request.workspace.name if request.workspace else None
    return packed(request, uid=INSIDE_ID, gid=INSIDE_ID, workspace=workspace)


def _stranger() -> int:
    """Return a user who owns nothing on this machine, for root to become."""
    with open("/proc/self/uid_map", encoding="ascii") as file:  # noqa: PTH123
        ranges: list[Mapping[str, int]] = [
            dict(zip(("inside", "outside", "count"), map(int, line.split()), strict=True)) for line in file
        ]
    low, high = _ANY_USER
    if any(found["inside"] <= low and high < found["inside"] + found["count"] for found in ranges):
        return low + int.from_bytes(os.urandom(4), "little") % (high - low)
    return _NOBODY
