"""What the providers share whose runs are child processes: a folder per run, pipes, the REPL's command."""

from __future__ import annotations

import abc
import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from gym_llm.sandbox.call import Link
from gym_llm.sandbox.exchange import Exchange, Stream
from gym_llm.sandbox.process import ProcessRun
from gym_llm.sandbox.sandbox import Request, Sandbox
from gym_llm.sandbox.workspace import DiskWatch, Workspace

INSIDE = Path(__file__).with_name("inside")
_REPL = (
    "import sys, types\n"
    "for name, path in (('gym_llm', ''), ('gym_llm.sandbox', {above!r})):\n"
    "    sys.modules[name] = types.ModuleType(name); sys.modules[name].__path__ = [path]\n"
    "from gym_llm.sandbox.inside import repl\n"
    "for name in [name for name in sys.modules if name.startswith('gym_llm')]: del sys.modules[name]\n"
    "sys.exit(repl.{call})"
)


class Streams(NamedTuple):
    """The descriptors of a child's standard streams, and of its channel if it has one."""

    stdin: int
    stdout: int
    stderr: int
    channel: int | None = None


class ChildSandbox(Sandbox):
    """A sandbox whose runs are child processes of this one."""

    def _start(self, request: Request) -> Exchange:
        with contextlib.ExitStack() as stack:
            stdin = stack.enter_context(_file(request.stdin))
            (out, out_inner), (err, err_inner) = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
            stack.callback(os.close, out_inner)
            stack.callback(os.close, err_inner)
            try:
                run = self._launched(request, Streams(stdin, out_inner, err_inner))
            except BaseException:  # boundary: whatever ended it goes on up, and what was taken is given back
                os.close(out)
                os.close(err)
                raise
            return Exchange(run, out, err, request.limits)

    def _open(self, request: Request) -> Link:
        channel, inner = socket.socketpair()
        (out, out_inner), (err, err_inner) = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
        with contextlib.ExitStack() as stack:
            stack.enter_context(inner)
            for fd in (out_inner, err_inner):
                stack.callback(os.close, fd)
            try:
                run = self._launched(request, Streams(inner.fileno(), out_inner, err_inner, inner.fileno()))
            except BaseException:  # boundary: whatever ended it goes on up, and what was taken is given back
                for end in (channel.detach(), out, err):
                    os.close(end)
                raise
        most = request.limits.output
        return Link(run, channel, Stream(out, most), Stream(err, most), printed_in_reply=self.printed_in_reply)

    printed_in_reply = False

    @abc.abstractmethod
    def _spawn(
        self, request: Request, space: Workspace, program: Path, streams: Streams, clean: Callable[[], None]
    ) -> ProcessRun:
        """Start the child of a run in its folder."""

    def _launched(self, request: Request, streams: Streams) -> ProcessRun:
        """Make the run's folder and start it there."""
        folder = self._spaces.make({"program.py": request.program})
        space = request.workspace or self._spaces.make(request.files)

        def clean() -> None:
            folder.close()
            if space is not request.workspace:
                space.close()

        try:
            run = self._spawn(request, space, folder.path / "program.py", streams, clean)
        except BaseException:  # boundary: whatever ended it goes on up, and what was taken is given back
            clean()
            raise
        run.over_disk = DiskWatch(space, request.limits.disk)
        return run


def repl_code(above: str, call: str) -> str:
    """Return a program that serves a session; `above` is the folder in which `inside` lies."""
    return _REPL.format(above=above, call=call)


@contextlib.contextmanager
def _file(data: bytes) -> Iterator[int]:
    fd = os.memfd_create("gym-llm", os.MFD_CLOEXEC)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        os.lseek(fd, 0, os.SEEK_SET)
        yield fd
    finally:
        os.close(fd)
