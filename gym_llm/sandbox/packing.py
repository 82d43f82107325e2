"""What of a run goes inside, as files in memory: its payload, and its stdin. And the pipes that come out.

Also what a session has instead: a channel beside the pipes.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from gym_llm.sandbox.call import Link, SessionRun
from gym_llm.sandbox.exchange import Stream
from gym_llm.sandbox.inside import payload
from gym_llm.sandbox.sandbox import Request

R = TypeVar("R", bound=SessionRun)
PROGRAM = "/sandbox/program.py"
_SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
_UNBOUND_CPU = 1e6


def packed(request: Request, **more: Any) -> bytes:
    """Return the payload of a run, with more in its header; the files of one with a workspace are there already."""
    files = {} if request.workspace else {f"work/{path}": content for path, content in request.files.items()}
    if not request.command and not request.session:
        files["program.py"] = request.program
    header: dict[str, Any] = {
        "limits": request.limits.as_plain(), "command": list(request.command), "program": PROGRAM,
        "arguments": list(request.arguments), "session": request.session, "environment": dict(request.environment),
        **more,
    }  # fmt: skip
    if request.session:  # its calls have budgets of their own; the sum must not end it
        header["limits"]["cpu"] = _UNBOUND_CPU
    return payload.pack(header, files)


@contextlib.contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    """Give both ends of a pipe and close them; what is needed longer is duplicated."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        yield reading, writing
    finally:
        os.close(reading)
        os.close(writing)


def linked(launch: Callable[[list[int]], R], most: int, starting: Callable[[R], bool] | None = None) -> Link:
    """Start a session's process, and return this side of its pipes and its channel.

    Args:
        launch: Starts it with its stdout, its stderr and its end of the channel.
        most: Bytes of each output that are kept.
        starting: Whether it is still being started, which counts in no deadline; never when left out.
    """
    channel, inner = socket.socketpair()
    with pipe() as (out, out_inner), pipe() as (err, err_inner), inner:
        try:
            run = launch([out_inner, err_inner, inner.fileno()])
        except BaseException:  # boundary: whatever ended it goes on up, and what was taken is given back
            channel.close()
            raise
        link = Link(run, channel, Stream(os.dup(out), most), Stream(os.dup(err), most))
        return link if starting is None else replace(link, starting=lambda: starting(run))


@contextlib.contextmanager
def memory(data: bytes) -> Iterator[int]:
    """Give a file in memory that nobody can change."""
    fd = os.memfd_create("gym-llm", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        os.lseek(fd, 0, os.SEEK_SET)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)
        yield fd
    finally:
        os.close(fd)
