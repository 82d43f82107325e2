"""One call into a session: its request, its reply, its deadline; driven like a run.

Replies come as frames over a channel of their own, with the call's number, which is drawn at random: code that
forges one lies about its own output only.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from gym_llm.errors import SandboxError
from gym_llm.sandbox.exchange import Ending, Handle, Stream, explain
from gym_llm.sandbox.limits import Limits, Reason

_CHUNK = 1 << 16
_MOST_REPLY = 4 << 20
_GRACE_SECONDS = 5.0
_LOOK_SECONDS = 0.25
_LAST_SECONDS = 0.5
_UNBOUND_CPU = 1e6  # a call's budget is kept by the supervisor; this is of the whole session


@dataclass(frozen=True, slots=True)
class Reply:
    """What one call into a session brought.

    Attributes:
        stdout: What it printed; kept when it failed, too.
        stderr: Likewise.
        result: `repr` of the last expression's value; None when there is none.
        error: The traceback, from the session's own code on; None when nothing was raised.
        restarted: Whether the session's process ended with this call, so that the next one starts with no names.
        reason: `done`, or why the process ended, as in `SandboxResult.reason`.
        stdout_truncated: Whether it printed more than was kept.
        stderr_truncated: Likewise.
        wall: Seconds that the call took.
    """

    stdout: str
    stderr: str
    result: str | None
    error: str | None
    restarted: bool
    reason: Reason | Literal["done"]
    stdout_truncated: bool = False
    stderr_truncated: bool = False
    wall: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the code ran to its end and raised nothing."""
        return self.reason == "done" and self.error is None


class SessionRun(Handle, Protocol):
    """The run of a session's process."""

    def allow(self, cpu: float) -> None:
        """Give it so many seconds of CPU from now on."""


@dataclass(slots=True)
class Link:
    """A session's process: its run, its channel and its pipes.

    `starting` says whether the process is still being started, which counts in no deadline.
    """

    run: SessionRun
    channel: socket.socket
    stdout: Stream
    stderr: Stream
    starting: Callable[[], bool] = lambda: False

    def close(self, *, force: bool = False) -> None:
        """Kill the process and let go of everything."""
        self.channel.close()
        self.run.close(force=force)
        self.stdout.close()
        self.stderr.close()


class Call:
    """One call from its request to its reply; driven like a run."""

    def __init__(self, link: Link, code: str, limits: Limits) -> None:
        self._link, self._limits = link, limits
        self._id = os.urandom(8).hex()
        body = json.dumps({"code": code, "id": self._id}).encode()
        self._unsent = memoryview(len(body).to_bytes(4, "little") + body)
        self._received = bytearray()
        self._begin()
        self._verdict: Reason | None = None
        self._late: Reason = "wall"
        self.reply: dict[str, Any] | None = None
        self.ending: Ending | None = None
        link.channel.setblocking(False)
        link.run.allow(limits.cpu)
        self._channel = link.channel.fileno()
        self.writing: int | None = self._channel
        self.waiting: dict[int, Any] = {
            link.run.fileno(): None, self._channel: link.channel, link.stdout.fd: link.stdout,
            link.stderr.fd: link.stderr,
        }  # fmt: skip

    @property
    def unkillable(self) -> bool:
        """Whether the process has not ended in spite of everything."""
        return self.ending is not None and self.ending.status is None and self._verdict is not None

    @property
    def over(self) -> bool:
        """Whether it was answered, or its process has ended."""
        return self.reply is not None or self.ending is not None

    @property
    def timeout(self) -> float:
        """Seconds until the clock has to be looked at."""
        return max(0.0, min(self._deadline - time.monotonic(), _LOOK_SECONDS))

    def write(self) -> bool:
        """Send more of the request; returns whether there is more."""
        try:
            self._unsent = self._unsent[self._link.channel.send(self._unsent) :]
        except BlockingIOError:
            return True
        except OSError:  # the process has closed it, and will not answer
            self._wait_for_end()
            return False
        return bool(self._unsent)

    def ready(self, fd: int) -> bool:
        """Deal with a readable descriptor; returns whether it may become readable again."""
        if fd == self._channel:
            return self._receive()
        stream = self.waiting[fd]
        if stream is None:
            self.ending = self._link.run.finish()
            if self.ending is None and self._verdict is None:  # it has started
                self._begin()
            return not self.over
        more: bool = stream.drain()
        if stream.flooded:
            self._end("output")
            return False
        return more

    def tick(self) -> None:
        """Look at the clock and the disk."""
        if self._verdict is None and self._link.starting():
            self._begin()
        elif time.monotonic() >= self._deadline:
            if self._verdict is not None:
                self.ending = Ending(None, 0.0, 0)
            else:
                self._end(self._late)
        elif self._verdict is None and self._link.run.over_disk():
            self._end("disk")

    def result(self) -> Reply:
        """Return the reply, or what is known about the process's end."""
        if self.ending is not None and self.ending.failed:
            raise SandboxError(f"the sandbox could not start the session: {self.ending.failed}")
        for stream in (self._link.stdout, self._link.stderr):
            if not stream.flooded:
                stream.drain()
        (out, out_cut), (err, err_cut) = self._link.stdout.take(), self._link.stderr.take()
        told = self.reply or {}
        printed, complained = out.decode("utf-8", "replace"), err.decode("utf-8", "replace")
        reason: Reason | Literal["done"] = "done"
        if self.reply is None and self.ending is not None:
            reason, *_ = explain(self.ending, self._verdict, replace(self._limits, cpu=_UNBOUND_CPU))
        result, error = _text(told.get("result")), _text(told.get("error"))
        wall = time.monotonic() - self._began
        return Reply(printed, complained, result, error, self.reply is None, reason, out_cut, err_cut, wall)

    def close(self) -> None:
        """Do nothing: the session decides whether its process goes on."""

    def _begin(self) -> None:
        self._began = time.monotonic()
        self._deadline = self._began + self._limits.wall

    def _receive(self) -> bool:
        try:
            data = self._link.channel.recv(_CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        self._received += data
        size = int.from_bytes(self._received[:4], "little")
        if len(self._received) >= 4 and size > _MOST_REPLY:
            self._end("lost")
            return False
        while len(self._received) >= 4 + size and self._received and self.reply is None:
            frame, self._received = self._received[4 : 4 + size], self._received[4 + size :]
            self._understand(bytes(frame))
            size = int.from_bytes(self._received[:4], "little")
        if not data:
            self._wait_for_end()
        return bool(data)

    def _understand(self, frame: bytes) -> None:
        """Take the reply to this call; whatever else the code has sent is nothing."""
        try:
            told = json.loads(frame)
        except (ValueError, RecursionError):
            return
        if isinstance(told, dict) and told.get("id") == self._id and self._verdict is None and not self._unsent:
            self.reply = told

    def _wait_for_end(self) -> None:
        """Give a process that has closed its channel a moment to end: its supervisor then says how."""
        if self._verdict is None and self._late == "wall":
            self._late = "lost"
            self._deadline = time.monotonic() + _LAST_SECONDS

    def _end(self, verdict: Reason) -> None:
        if self._verdict is None:
            self._verdict = verdict
            self._deadline = time.monotonic() + _GRACE_SECONDS
            self._link.run.kill()


def _text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)
