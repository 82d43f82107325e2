"""One run as its host sees it: pipes to drain, a deadline, an end.

Nothing waits for a pipe to close: the end is what the supervisor, or the kernel, says.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from typing import Any, Protocol

from gym_llm.errors import SandboxError
from gym_llm.sandbox.limits import Limits, Reason, SandboxResult

_CHUNK = 1 << 16
_GRACE_SECONDS = 5.0
_NEARLY = 0.9
_HALF = 0.5  # the kernel limits CPU by ticks, which on a busy machine run ahead of the time that it accounts
_LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Ending:
    """What is known about how a run ended.

    `status` is as `os.waitpid` returns it, None when nobody saw it; `failed` says why the code was never started;
    `wall` is how long it ran, where the host did not see it begin.
    """

    status: int | None
    cpu: float
    memory: int
    reason: Reason | None = None
    failed: str | None = None
    wall: float | None = None


class Handle(Protocol):
    """A started run, as a provider gives it."""

    def fileno(self) -> int:
        """Return a descriptor that is readable when the run has ended."""

    def finish(self) -> Ending | None:
        """Return how it ended, None when it has not; called when the descriptor is readable."""

    def kill(self) -> None:
        """Begin to end it, with everything in it."""

    def close(self, *, force: bool) -> None:
        """Let go of it; `force` when it has not ended in spite of `kill`."""

    def over_disk(self) -> bool:
        """Return whether what it wrote takes more space than it may. Cheap: asked many times."""


class Stream:
    """One pipe from a run: so many bytes are kept, the others are counted."""

    def __init__(self, fd: int, most: int) -> None:
        os.set_blocking(fd, False)
        self.fd, self._most = fd, most
        self._kept = bytearray()
        self._count = 0

    def drain(self) -> bool:
        """Take what is there; returns whether more may come."""
        while True:
            try:
                data = os.read(self.fd, _CHUNK)
            except BlockingIOError:
                return True
            if not data:
                return False
            self._count += len(data)
            if (room := self._most - len(self._kept)) > 0:
                self._kept += data[:room]
            if self.flooded:
                return True

    @property
    def flooded(self) -> bool:
        """Whether so much came that the run has to be killed."""
        return self._count > 2 * self._most

    def take(self) -> tuple[bytes, bool]:
        """Return what was kept and whether there was more, and begin anew."""
        taken, more = bytes(self._kept), self._count > len(self._kept)
        self._kept.clear()
        self._count = 0
        return taken, more

    def close(self) -> None:
        """Close the pipe."""
        os.close(self.fd)


class Exchange:
    """One run from its start to its result.

    Args:
        handle: The run.
        stdout: The reading end of its pipe; closed with the exchange.
        stderr: Likewise.
        limits: Its limits.
    """

    def __init__(self, handle: Handle, stdout: int, stderr: int, limits: Limits) -> None:
        self.handle, self._limits = handle, limits
        self._out, self._err = Stream(stdout, limits.output), Stream(stderr, limits.output)
        self._began = time.monotonic()
        self._deadline = self._began + limits.wall
        self._verdict: Reason | None = None
        self.ending: Ending | None = None
        self.writing: int | None = None
        self.waiting: dict[int, Any] = {
            handle.fileno(): None, stdout: self._out, stderr: self._err,
        }  # fmt: skip

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.ending is not None

    @property
    def timeout(self) -> float:
        """Seconds until something has to be looked at."""
        return max(0.0, min(self._deadline - time.monotonic(), _LOOK_SECONDS))

    def ready(self, fd: int) -> bool:
        """Deal with a readable descriptor; returns whether it may become readable again."""
        stream = self.waiting.get(fd)
        if stream is None:
            self.ending = self.handle.finish()
            return not self.over
        more: bool = stream.drain()
        if stream.flooded:
            self._end("output")
            return False
        return more

    def write(self) -> bool:
        """Write nothing: stdin is a file."""
        return False

    def tick(self) -> None:
        """Look at the clock and the disk."""
        if time.monotonic() >= self._deadline:
            if self._verdict is not None:
                self.ending = Ending(None, 0.0, 0)
                return
            self._end("wall")
        elif self._verdict is None and self.handle.over_disk():
            self._end("disk")

    def result(self) -> SandboxResult:
        """Return the result, after the end."""
        assert self.ending is not None
        if self.ending.failed:
            raise SandboxError(f"the sandbox could not start the run: {self.ending.failed}")
        for stream in (self._out, self._err):
            if not stream.flooded:
                stream.drain()
        (out, out_cut), (err, err_cut) = self._out.take(), self._err.take()
        reason, code, number = explain(self.ending, self._verdict, self._limits)
        wall = time.monotonic() - self._began if self.ending.wall is None else self.ending.wall
        return SandboxResult(
            reason, code, number, out, err, out_cut, err_cut, self.ending.cpu, wall, self.ending.memory
        )

    def close(self) -> None:
        """Let go of everything."""
        unended = self.ending is not None and self.ending.status is None and self._verdict is not None
        self.handle.close(force=unended)
        self._out.close()
        self._err.close()

    def _end(self, verdict: Reason) -> None:
        if self._verdict is None:
            self._verdict = verdict
            self._deadline = time.monotonic() + _GRACE_SECONDS
            self.handle.kill()


def explain(ending: Ending, verdict: Reason | None, limits: Limits) -> tuple[Reason, int | None, int | None]:
    """Return the reason, the exit status and the signal of an end."""
    status = ending.status
    if status is None:
        return verdict or "lost", None, None
    code, number = (os.WEXITSTATUS(status), None) if os.WIFEXITED(status) else (None, os.WTERMSIG(status))
    if verdict is not None:
        return verdict, code, number
    if ending.reason is not None:
        return ending.reason, code, number
    killed = number in (signal.SIGKILL, signal.SIGXCPU)
    if ending.cpu > limits.cpu or (killed and ending.cpu > _HALF * limits.cpu):
        return "cpu", code, number
    if status and ending.memory > _NEARLY * limits.memory:
        return "memory", code, number
    return ("signal" if code is None else "exit"), code, number
