"""A zygote seen from its host: started, sent requests, ended. What runs in it is `inside/zygote.py`."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from gym_llm.sandbox.exchange import Ending

_LAUNCH = str(Path(__file__).with_name("inside") / "launch.py")
_END_SECONDS = 5.0
_MOST_MESSAGE = 1 << 16
_MOST_COMPLAINT = 2000


class Zygote:
    """One warm interpreter behind bubblewrap.

    Args:
        line: Makes the command line, given the descriptor of the control socket.
        uid: The user that it is on this machine.
        paths: What that user has to be able to read.
        keep: Further descriptors that the command line names; they stay the caller's.
    """

    def __init__(self, line: Callable[[int], list[str]], uid: int, paths: Sequence[str], keep: Sequence[int]) -> None:
        self.active = 0
        self.served = False
        self._broken = False
        self._control, inner = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._complaints = os.memfd_create("gym-llm-zygote", os.MFD_CLOEXEC)
        with inner:
            command = line(inner.fileno())
            if os.geteuid() == 0:
                given = json.dumps({"uid": uid, "paths": list(paths), "command": command})
                command = [sys.executable, "-I", "-S", _LAUNCH, given]
            self._process = subprocess.Popen(
                command, pass_fds=[inner.fileno(), *keep], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=self._complaints, start_new_session=True, cwd="/", env={"PATH": os.defpath},
            )  # fmt: skip

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return not self._broken and self._process.poll() is None

    def start(self, kind: bytes, fds: Sequence[int]) -> ZygoteRun:
        """Start a run; `fds` are payload, stdin, stdout, stderr and perhaps a channel, and stay the caller's.

        Raises:
            BrokenPipeError: It has ended.
        """
        status, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                socket.send_fds(self._control, [kind], [theirs.fileno(), *fds])
            except OSError as error:
                status.close()
                self._broken = True
                raise BrokenPipeError(str(error)) from error
        self.active += 1
        return ZygoteRun(self, status)

    def ends(self, seconds: float) -> bool:
        """Return whether it has ended, or does so in some seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return not self.alive

    def complaint(self) -> str:
        """Return what it wrote to stderr: why it could not start."""
        with contextlib.suppress(OSError):
            return os.pread(self._complaints, _MOST_COMPLAINT, 0).decode("utf-8", "replace").strip()
        return ""

    def close(self) -> None:
        """End it, and every run in it."""
        self._control.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._kill()
        os.close(self._complaints)

    def disown(self) -> None:
        """Forget it in a forked child: it is the parent's, and must see the end of the parent's socket."""
        self._control.close()
        os.close(self._complaints)
        self._process.returncode = 0

    def _kill(self) -> None:
        """Kill what bubblewrap started, which is process 1 of its namespace, and then bubblewrap."""
        pid = self._process.pid
        with contextlib.suppress(OSError, ValueError):
            for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split():
                os.kill(int(child), signal.SIGKILL)
        self._process.kill()
        self._process.wait()


class ZygoteRun:
    """A run's end of its status socket."""

    def __init__(self, zygote: Zygote, status: socket.socket) -> None:
        self.zygote, self._status = zygote, status
        self.folder_is_full: Callable[[], bool] | None = None

    def fileno(self) -> int:
        """Return the status socket, which is readable at the end."""
        return self._status.fileno()

    def finish(self) -> Ending:
        """Return what the supervisor says."""
        try:
            message = self._status.recv(_MOST_MESSAGE)
        except OSError:
            message = b""
        if not message:
            return Ending(None, 0.0, 0)
        told = json.loads(message)
        self.zygote.served = True
        if "failed" in told:
            return Ending(None, 0.0, 0, failed=told["failed"])
        return Ending(told["status"], told["cpu"], told["memory"], told["reason"])

    def allow(self, cpu: float) -> None:
        """Give the run so many seconds of CPU from now on."""
        with contextlib.suppress(OSError):
            self._status.send(repr(cpu).encode())

    def kill(self) -> None:
        """Tell the supervisor that the run is given up; it ends everything and says so."""
        with contextlib.suppress(OSError):
            self._status.shutdown(socket.SHUT_WR)

    def close(self, *, force: bool) -> None:
        """Let go of it; `force` ends its zygote."""
        self._status.close()
        self.zygote.active -= 1
        if force:
            self.zygote._kill()

    def over_disk(self) -> bool:
        """Return whether its workspace is over the limit; its other files cannot be."""
        return self.folder_is_full is not None and self.folder_is_full()
