"""The driver's side of one worker process: starting it, writing to it, reading from it, ending it for certain."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import dill  # type: ignore[import-untyped]
import multiprocess

from gym_llm.errors import WorkerError
from gym_llm.workers.frames import Encoder, Splitter, frames
from gym_llm.workers.packing import packed
from gym_llm.workers.page import Page
from gym_llm.workers.serve import Handler, serve

if TYPE_CHECKING:
    from gym_llm.interpreters import Interpreter

_READ = 1 << 20
_BUFFER = 1 << 20
CLOSE = frames([Encoder(allow_pickle=False).encode("close")])
"""The frame that lets a worker end in good order."""


class Worker:
    """One worker process.

    Args:
        make_handler: Makes the worker's handler, in the worker; travels by dill.
        context: Start method (`fork`, `spawn`, `forkserver`), or None for the platform's own.
        interpreter: Instead: another interpreter, in which the worker is run.
        daemon: Whether the process is ended with this one by `multiprocess`.
        name: Name of the process.
    """

    def __init__(
        self, make_handler: Callable[[Page], Handler], *, context: str | None = None,
        interpreter: Interpreter | None = None, daemon: bool = True,
        name: str = "gym-llm-worker",
    ) -> None:  # fmt: skip
        self.sock, other = socket.socketpair()
        for end in (self.sock, other):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        self.page = Page()
        self._splitter, self._unsent = Splitter(), deque[memoryview]()
        self._exit: int | None = None
        self._released = False
        main_thread = threading.current_thread() is threading.main_thread()
        try:
            told = () if interpreter is None else (packed(sys.path[:1]), _packed(make_handler))
            if interpreter is None:
                self._process, self.pid = _started(make_handler, other, self.page, context, daemon, name, main_thread)
            else:
                self._process, self.pid = _spawned(interpreter, other, self.page)
        except BaseException:
            self.sock.close()
            self.page.close()
            raise
        finally:
            other.close()
        self.sock.setblocking(False)
        for part in told:
            self.send(len(part).to_bytes(4, "little") + part)

    def fileno(self) -> int:
        """The socket, for polling."""
        return self.sock.fileno()

    @property
    def unsent(self) -> bool:
        """Whether bytes wait for the worker to read."""
        return bool(self._unsent)

    def send(self, data: bytes) -> None:
        """Write; what the worker cannot take now is kept, and written by `flush`."""
        if data:
            self._unsent.append(memoryview(data))
        self.flush()

    def flush(self) -> None:
        """Write what is kept, as far as the worker takes it; a dead worker takes everything and nothing."""
        try:
            while self._unsent:
                head = self._unsent[0]
                sent = self.sock.send(head)
                if sent == len(head):
                    self._unsent.popleft()
                else:
                    self._unsent[0] = head[sent:]
        except BlockingIOError:
            return
        except OSError:
            self._unsent.clear()

    def receive(self) -> tuple[list[bytes], bool]:
        """Return the frames that are there, and whether the worker is still connected."""
        received: list[bytes] = []
        while True:
            try:
                data = self.sock.recv(_READ)
            except BlockingIOError:
                return received, True
            except OSError:
                return received, False
            if not data:
                return received, False
            received += self._splitter.feed(data)
            if len(data) < _READ:
                return received, True

    def kill(self) -> None:
        """End the process now, whatever it does."""
        if self._exit is not None or self._released:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.wait(5.0)

    def wait(self, timeout: float) -> bool:
        """Wait for the process to end; return whether it did. Reaps it.

        Args:
            timeout: Seconds.
        """
        process = self._process
        if self._released:
            return True
        if isinstance(process, subprocess.Popen):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._exit = process.wait(timeout)
        else:
            process.join(timeout)
            self._exit = process.exitcode
        return self._exit is not None

    def cause(self) -> str:
        """Return how the process ended, in words."""
        if self._exit is None:
            return "it closed its connection"
        if self._exit < 0:
            number = -self._exit
            known = {s.value: s.name for s in signal.Signals}
            return f"killed by {known.get(number, f'signal {number}')}"
        return f"exit status {self._exit}"

    def release(self) -> None:
        """Close what this process holds of a worker that has ended."""
        if self._released:
            return
        self._released = True
        self.sock.close()
        self.page.close()
        if not isinstance(self._process, subprocess.Popen):
            with contextlib.suppress(ValueError):
                self._process.close()

    def close(self, timeout: float) -> None:
        """Let the worker close its environments, and kill it when it takes longer.

        Args:
            timeout: Seconds.
        """
        if self._released:
            return
        self.send(CLOSE)
        deadline = time.monotonic() + timeout
        while self._unsent and time.monotonic() < deadline:
            select.select([], [self.sock], [], 0.05)
            self.flush()
            self.receive()
        while not self.wait(0.02) and time.monotonic() < deadline:
            self.receive()  # a worker that cannot write cannot end
        if self._exit is None:
            self.kill()
        self.release()

    def rss(self) -> int:
        """Return the resident memory of the process in bytes; 0 when it cannot be read."""
        try:
            with open(f"/proc/{self.pid}/statm", encoding="ascii") as file:  # noqa: PTH123 - a kernel file
                return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError, ValueError):
            return 0


def _started(
    make_handler: Callable[[Page], Handler], sock: socket.socket, page: Page, context: str | None, daemon: bool,
    name: str, main_thread: bool,
) -> tuple[Any, int]:  # fmt: skip
    ctx = multiprocess.get_context(context)
    parent = os.getpid() if main_thread and ctx.get_start_method() != "forkserver" else 0
    process = ctx.Process(target=serve, args=(sock, page, make_handler, parent), name=name, daemon=daemon)
    try:
        process.start()
    except (TypeError, AttributeError, dill.PicklingError) as error:
        raise WorkerError(f"the environments cannot travel to a worker: {error}") from error
    return process, process.pid


def _packed(make_handler: Callable[[Page], Handler]) -> bytes:
    try:
        return packed(make_handler)
    except Exception as error:  # boundary: any object may refuse to be pickled in its own way
        raise WorkerError(f"the environments cannot travel to a worker: {error}") from error


def _spawned(interpreter: Interpreter, sock: socket.socket, page: Page) -> tuple[Any, int]:
    fds = (sock.fileno(), page.fd)
    command = interpreter.command("gym_llm.workers.main", *map(str, fds), str(os.getpid()))
    environ = {**os.environ, **interpreter.environ()}
    process = subprocess.Popen(command, pass_fds=fds, stdin=subprocess.DEVNULL, env=environ)
    return process, process.pid
