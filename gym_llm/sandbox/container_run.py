"""A run in a container, seen from its host: an engine's client, and a socket over which all that matters goes.

The client only starts the container and waits for its end. What the program reads and writes, and how it ended, goes
over a connection that the container's first process makes (`inside/container.py`), of which the client knows nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gym_llm.sandbox.exchange import Ending

_END_SECONDS = 5.0
_MOST_MESSAGE = 1 << 16
_MOST_COMPLAINT = 2000
_KILLED = 128 + signal.SIGKILL


class ContainerRun:
    """An engine's client, and the connection from its container.

    Args:
        command: Starts the container and waits for its end.
        environment: All the client's variables.
        listener: Where the container's first process will connect.
        fds: What it is sent: payload, stdin, stdout, stderr and, for a session, its channel. They stay the caller's.
        patient: Whether the end is the client's, with which nothing is left; else the report's.
        remove: Removes the container, when all else has failed.
        clean: Removes what the run needed, once it has ended.
        over_disk: Whether what it wrote takes too much space.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], listener: socket.socket, fds: Sequence[int], *,
        patient: bool, remove: Callable[[], None], clean: Callable[[], None],
        over_disk: Callable[[], bool] = lambda: False,
    ) -> None:  # fmt: skip
        self._patient = patient
        self.over_disk, self._remove, self._clean = over_disk, remove, clean
        self._complaints = os.memfd_create("gym-llm-engine", os.MFD_CLOEXEC)
        try:
            self._client = subprocess.Popen(
                list(command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._complaints,
                env=dict(environment), cwd="/", start_new_session=True,
            )  # fmt: skip
        except OSError:
            os.close(self._complaints)
            listener.close()
            raise
        self._listener: socket.socket | None = listener
        self._status: socket.socket | None = None
        self._fds = [os.dup(fd) for fd in fds]
        self._told: dict[str, Any] | None = None
        self._exit: int | None = None
        self._given_up, self._budget = False, b""
        self._pidfd = os.pidfd_open(self._client.pid)
        self._events = select.epoll()
        for fd in (self._pidfd, listener.fileno()):
            self._events.register(fd, select.EPOLLIN)

    @property
    def phase(self) -> int:
        """Return how far it is: 0 while the container starts, 1 while the run goes on, 2 after its report."""
        return 0 if self._status is None else 1 if self._told is None else 2

    def fileno(self) -> int:
        """Return a descriptor that is readable when something has happened."""
        return self._events.fileno()

    def finish(self) -> Ending | None:
        """Deal with what has happened; returns how it ended, None when it has not."""
        for fd, _ in self._events.poll(0):
            if self._listener is not None and fd == self._listener.fileno():
                self._connected(self._listener)
            elif self._status is not None and fd == self._status.fileno():
                self._receive(self._status)
            elif fd == self._pidfd:
                self._events.unregister(fd)
                self._exit = self._client.wait()
        if self._exit is None and (self._patient or self._told is None):
            return None
        return self._ending()

    def allow(self, cpu: float) -> None:
        """Give the run so many seconds of CPU from now on, or from its start on."""
        self._budget = repr(cpu).encode()
        if self._status is not None:
            with contextlib.suppress(OSError):
                self._status.send(self._budget)

    def kill(self) -> None:
        """Tell the container's first process that the run is given up; one that comes later finds nobody."""
        self._given_up = True
        self._stop_listening()
        if self._status is not None:
            with contextlib.suppress(OSError):
                self._status.shutdown(socket.SHUT_WR)

    def close(self, *, force: bool) -> None:
        """Make sure that it has ended, and let go of it."""
        if self._exit is None:
            self.kill()
            if force or not _readable(self._pidfd, _END_SECONDS):
                self._remove()
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._client.pid, signal.SIGKILL)
            self._exit = self._client.wait()
        self._stop_listening()
        self._events.close()
        if self._status is not None:
            self._status.close()
        os.close(self._pidfd)
        os.close(self._complaints)
        self._clean()

    def _connected(self, listener: socket.socket) -> None:
        """Take the one connection, and send what the run needs."""
        self._status, _ = listener.accept()
        with contextlib.suppress(OSError):  # it has ended: its client will say so
            socket.send_fds(self._status, [b"r"], self._fds)
            if self._budget:
                self._status.send(self._budget)
        self._events.register(self._status.fileno(), select.EPOLLIN)
        self._stop_listening()

    def _receive(self, status: socket.socket) -> None:
        """Take the report, if it is there and was not taken."""
        with contextlib.suppress(OSError):
            self._events.unregister(status.fileno())
            if message := status.recv(_MOST_MESSAGE):
                self._told = json.loads(message)

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
            for fd in self._fds:
                os.close(fd)

    def _ending(self) -> Ending:
        """Return how it ended, once that is known or the client has ended."""
        if self._status is not None and self._told is None:
            self._receive(self._status)
        told = self._told
        if told is None and self._status is not None:
            return Ending(signal.SIGKILL if self._exit == _KILLED else None, 0.0, 0)
        if told is None:
            complaint = os.pread(self._complaints, _MOST_COMPLAINT, 0).decode("utf-8", "replace").strip()
            late = "it did not start in time; " if self._given_up else ""
            return Ending(None, 0.0, 0, failed=f"{late}its engine ended with {self._exit}: {complaint}")
        if "failed" in told:
            return Ending(None, 0.0, 0, failed=told["failed"])
        return Ending(told["status"], told["cpu"], told["memory"], told["reason"], wall=told["wall"])


def _readable(fd: int, seconds: float) -> bool:
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    return bool(poller.poll(seconds * 1000))
