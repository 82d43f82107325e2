"""A run that is a plain child process of this one, as `unsafe-local` has them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence

from gym_llm.sandbox.exchange import Ending

_END_SECONDS = 5.0


class ProcessRun:
    """A child process that leads a session of its own.

    Args:
        command: What to execute.
        stdin: Its standard streams.
        stdout: Likewise.
        stderr: Likewise.
        environment: All its variables.
        folder: Where it starts.
        pass_fds: Further descriptors that it gets.
        clean: Removes what the run needed, once it has ended.
        over_disk: Whether what it wrote takes too much space.
    """

    def __init__(
        self, command: Sequence[str], *, stdin: int, stdout: int, stderr: int, environment: Mapping[str, str],
        folder: str, pass_fds: Sequence[int] = (), clean: Callable[[], None] = lambda: None,
        over_disk: Callable[[], bool] = lambda: False,
    ) -> None:  # fmt: skip
        self._clean = clean
        self.over_disk = over_disk
        self._ending: Ending | None = None
        self._process = subprocess.Popen(
            list(command), stdin=stdin, stdout=stdout, stderr=stderr, env=dict(environment), cwd=folder,
            pass_fds=pass_fds, start_new_session=True,
        )  # fmt: skip
        self._pidfd = os.pidfd_open(self._process.pid)

    def fileno(self) -> int:
        """Return a descriptor that is readable when the process has ended."""
        return self._pidfd

    def finish(self) -> Ending:
        """Reap the process and return how it ended."""
        if self._ending is None:
            self._kill_group()
            _, status, used = os.wait4(self._process.pid, 0)
            self._process.returncode = os.waitstatus_to_exitcode(status)
            cpu, memory = used.ru_utime + used.ru_stime, used.ru_maxrss << 10
            self._ending = Ending(status, cpu, memory)
        return self._ending

    def allow(self, cpu: float) -> None:
        """Do nothing: nobody counts the CPU of a session here but its deadline."""

    def kill(self) -> None:
        """Kill everything in its session's process group."""
        self._kill_group()

    def close(self, *, force: bool) -> None:
        """Make sure that it has ended, and clean up."""
        if self._ending is None:
            self.kill()
            self.finish()
        os.close(self._pidfd)
        self._clean()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
