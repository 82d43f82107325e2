"""What of a run goes inside, as files in memory: its payload, and its stdin. And the pipes that come out."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from typing import Any

from gym_llm.sandbox.inside import payload
from gym_llm.sandbox.sandbox import Request

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
