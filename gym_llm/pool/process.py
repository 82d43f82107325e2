"""One worker process, seen from its parent: started, spoken to with a deadline, killed, reaped.

Messages are frames over a socket pair: eight bytes of length, then JSON. Only one thread speaks to a process;
killing it is allowed from any.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from gym_llm.errors import PoolCrashed, PoolError, PoolTimeout

_SCRIPT = str(Path(__file__).with_name("worker.py"))
_REAP_SECONDS = 10.0


class WorkerProcess:
    """A started worker.

    It leads a process group of its own: Ctrl-C in a terminal does not reach it, and killing it kills what it
    started. It dies with the thread that started it. Texts hash alike in all workers, so that what a function makes of
    a set does not depend on which of them is asked.
    """

    def __init__(self) -> None:
        self._loaded: set[str] = set()
        self._channel, inner = socket.socketpair()
        with inner:
            self._process = subprocess.Popen(
                [sys.executable, "-P", _SCRIPT, str(inner.fileno()), str(os.getpid())],
                pass_fds=[inner.fileno()], stdin=subprocess.DEVNULL, stdout=2, start_new_session=True,
                env={**os.environ, "PYTHONHASHSEED": "0"},
            )  # fmt: skip
        self._greeting = msgspec.json.encode(sys.path)

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def load(self, function: str, timeout: float) -> None:
        """Import a function's module, unless it is there already.

        Raises:
            PoolError: There is no such function.
            PoolTimeout: It took longer than `timeout` seconds, starting the process included.
            PoolCrashed: The process died.
        """
        if function in self._loaded:
            return
        frames = [frame for frame in (self._greeting, msgspec.json.encode(function)) if frame]
        self._greeting = b""
        self._exchange(function, frames, timeout, "could not be imported")
        self._loaded.add(function)

    def run(self, function: str, request: bytes, timeout: float) -> Any:
        """Run a loaded function and return its result; raises as `Pool.call` says."""
        return self._exchange(function, [request], timeout, "was killed: it ran")

    def kill(self) -> None:
        """Kill it and everything in its group."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Kill and reap it."""
        self.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_REAP_SECONDS)
        self._channel.close()

    def disown(self) -> None:
        """Forget it in a forked child: it is the parent's, and must see the end of the parent's socket."""
        self._channel.close()
        self._process.returncode = 0

    def _exchange(self, function: str, frames: list[bytes], timeout: float, late: str) -> Any:
        """Send frames and return the value of the one reply."""
        deadline = time.monotonic() + timeout
        try:
            for frame in frames:
                self._channel.settimeout(_left(deadline))
                self._channel.sendall(len(frame).to_bytes(8, "big") + frame)
            size = int.from_bytes(self._received(8, deadline), "big")
            outcome, *rest = msgspec.json.decode(self._received(size, deadline))
        except TimeoutError:
            self.close()
            raise PoolTimeout(f"{function} {late} past its {timeout:g} seconds") from None
        except (EOFError, ConnectionError) as error:
            self.close()
            raise PoolCrashed(f"{function}: its process {self._death()}") from error
        if outcome:
            return rest[0]
        raise _raised(function, *rest)

    def _received(self, size: int, deadline: float) -> bytearray:
        data = bytearray(size)
        view, have = memoryview(data), 0
        while have < size:
            self._channel.settimeout(_left(deadline))
            count = self._channel.recv_into(view[have:])
            if not count:
                raise EOFError
            have += count
        return data

    def _death(self) -> str:
        status = self._process.returncode
        if status is None:
            return "stopped answering"
        if status >= 0:
            return f"exited with status {status}"
        try:
            return f"was killed by {signal.Signals(-status).name}"
        except ValueError:
            return f"was killed by signal {-status}"


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _raised(function: str, kind: str, text: str, trace: str) -> PoolError:
    error = PoolError(f"{function}: {kind}: {text}")
    error.add_note(f"In the worker process:\n{trace}")
    return error
