"""The interface: a sandbox runs programs and commands, opens sessions, makes workspaces. Providers derive from it.

What is expected, hidden or secret stays in the caller's process; only bytes come back from a run.
"""

from __future__ import annotations

import abc
import atexit
import os
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar

from gym_llm.errors import ConfigError, SandboxError
from gym_llm.sandbox import tree
from gym_llm.sandbox.drivers import adrive, drive
from gym_llm.sandbox.exchange import Exchange
from gym_llm.sandbox.limits import Limits, Profile, SandboxResult
from gym_llm.sandbox.slots import Slots
from gym_llm.sandbox.workspace import Spaces, Workspace

if TYPE_CHECKING:
    from gym_llm.sandbox.call import Link
    from gym_llm.sandbox.session import Session

PROFILES = ("compute", "process")


@dataclass(frozen=True, slots=True)
class Request:
    """One run as a provider gets it, checked."""

    command: tuple[str, ...] = ()
    program: bytes = b""
    arguments: tuple[str, ...] = ()
    stdin: bytes = b""
    files: Mapping[str, bytes] = field(default_factory=dict)
    workspace: Workspace | None = None
    limits: Limits = field(default_factory=Limits)
    environment: Mapping[str, str] = field(default_factory=dict)
    profile: Profile = "compute"
    session: bool = False


class Sandbox(abc.ABC):
    """Runs code that nobody trusts. Made by `open_sandbox`; may be used from any thread and any event loop.

    Args:
        limits: Of runs that bring none.
        concurrency: Most runs at once; others wait, and their clocks with them. Twice the cores by default.
    """

    name: ClassVar[str]

    def __init__(self, *, limits: Limits | None = None, concurrency: int | None = None) -> None:
        self.limits = limits or Limits()
        self.concurrency = concurrency or 2 * len(os.sched_getaffinity(0))
        self._slots = Slots(self.concurrency)
        self._spaces = Spaces(self._owner())
        _open.add(self)

    def run(
        self, command: Sequence[str] | None = None, *, program: str | bytes | None = None,
        arguments: Sequence[str] = (), stdin: str | bytes = b"", files: Mapping[str, str | bytes] | None = None,
        workspace: Workspace | None = None, limits: Limits | None = None,
        environment: Mapping[str, str] | None = None, profile: Profile | None = None,
    ) -> SandboxResult:  # fmt: skip
        """Run a command, or a Python program, to its end.

        Args:
            command: Words to execute; no shell reads them.
            program: Source of a Python program to run as `__main__` instead.
            arguments: The program's `sys.argv[1:]`.
            stdin: What it reads.
            files: Files of its working folder, by relative path.
            workspace: Its working folder; one of its own, removed afterwards, when left out.
            limits: What it may use.
            environment: Variables beside the few that every run has. None of this process's are passed on.
            profile: `compute` may neither fork, execute nor open a socket; `process` may start processes, among
                themselves. By default `compute` for a program, `process` for a command.

        Raises:
            SandboxError: The sandbox failed; whatever the code does is told in the result instead.
        """
        request = self._request(
            command, program, arguments, stdin, files, workspace, limits, environment, profile
        )  # fmt: skip
        self._slots.acquire()
        try:
            while True:
                result = drive(started := self._start(request))
                if not self._repeats(request, started, result):
                    return result
        finally:
            self._slots.release()

    async def arun(
        self, command: Sequence[str] | None = None, *, program: str | bytes | None = None,
        arguments: Sequence[str] = (), stdin: str | bytes = b"", files: Mapping[str, str | bytes] | None = None,
        workspace: Workspace | None = None, limits: Limits | None = None,
        environment: Mapping[str, str] | None = None, profile: Profile | None = None,
    ) -> SandboxResult:  # fmt: skip
        """Do what `run` does on the running event loop, without a thread. Cancelling kills the run."""
        request = self._request(
            command, program, arguments, stdin, files, workspace, limits, environment, profile
        )  # fmt: skip
        await self._slots.aacquire()
        try:
            while True:
                result = await adrive(started := self._start(request))
                if not self._repeats(request, started, result):
                    return result
        finally:
            self._slots.release()

    def session(
        self, *, files: Mapping[str, str | bytes] | None = None, workspace: Workspace | None = None,
        limits: Limits | None = None, environment: Mapping[str, str] | None = None, profile: Profile = "compute",
    ) -> Session:  # fmt: skip
        """Open a Python session; its process starts with the first call.

        `limits.wall` and `limits.cpu` hold for each call, the others for the whole session.
        """
        from gym_llm.sandbox.session import Session

        request = self._checked(
            Request(
                files=_encoded(files), workspace=workspace, limits=limits or self.limits,
                environment=dict(environment or {}), profile=profile, session=True,
            )
        )  # fmt: skip
        return Session(self, request)

    def workspace(
        self, files: Mapping[str, str | bytes] | None = None, *, from_folder: str | Path | None = None
    ) -> Workspace:
        """Make a writable tree for runs of this sandbox, from files or from a copy of a folder, or both."""
        return self._spaces.make(files, from_folder)

    @property
    def owner(self) -> int:
        """The user that runs are, on this machine."""
        return self._spaces.owner

    def describe(self) -> dict[str, Any]:
        """Return what stands between runs and this machine, as plain data for the record of an experiment."""
        return {"provider": self.name}

    def close(self) -> None:
        """End every run and remove every workspace."""
        self._spaces.close()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abc.abstractmethod
    def _start(self, request: Request) -> Exchange:
        """Start a run."""

    @abc.abstractmethod
    def _open(self, request: Request) -> Link:
        """Start the process of a session."""

    def _owner(self) -> int:
        """Return the user that runs are, on this machine."""
        return os.geteuid()

    def _forked(self) -> None:
        """Begin anew in a forked child: what is open belongs to its parent."""
        self._spaces.forked()
        self._slots = Slots(self.concurrency)

    def _repeats(self, request: Request, started: Exchange, result: SandboxResult) -> bool:
        """Return whether a run was lost with what hosted it, and is to be repeated as if nothing had been."""
        return False

    def _request(
        self, command: Sequence[str] | None, program: str | bytes | None, arguments: Sequence[str],
        stdin: str | bytes, files: Mapping[str, str | bytes] | None, workspace: Workspace | None,
        limits: Limits | None, environment: Mapping[str, str] | None, profile: Profile | None,
    ) -> Request:  # fmt: skip
        if (command is None) == (program is None):
            raise ConfigError("give a command or a program to run, and not both")
        if isinstance(command, str) or (command is not None and not command):
            raise ConfigError(f"command={command!r}: give a list of words, such as ['bash', '-c', 'ls']")
        if command is not None and profile == "compute":
            raise ConfigError("profile='compute' executes nothing; a command needs profile='process'")
        return self._checked(
            Request(
                tuple(command or ()), _bytes(program or ""), tuple(arguments), _bytes(stdin), _encoded(files),
                workspace, limits or self.limits, dict(environment or {}),
                profile or ("process" if command else "compute"),
            )
        )  # fmt: skip

    def _checked(self, request: Request) -> Request:
        if request.profile not in PROFILES:
            raise ConfigError(f"profile={request.profile!r}: give one of {', '.join(PROFILES)}")
        for word in (*request.command, *request.arguments, *(request.environment or {}).values()):
            if "\0" in word:
                raise ConfigError(
                    f"{word[:200]!r} has a NUL character, which no command, argument or variable can hold"
                )
        for name in request.environment or {}:
            if not name or "=" in name or "\0" in name:
                raise ConfigError(f"environment: {name[:200]!r} is no name of a variable")
        for path in request.files:
            tree.parts(path)
        if request.workspace is not None:
            if request.workspace._spaces is not self._spaces:
                raise SandboxError("the workspace belongs to another sandbox, or to another process")
            for path, content in request.files.items():
                request.workspace.write(path, content)
        return request


def _bytes(text: str | bytes) -> bytes:
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text


def _encoded(files: Mapping[str, str | bytes] | None) -> dict[str, bytes]:
    return {path: _bytes(content) for path, content in (files or {}).items()}


_open: weakref.WeakSet[Sandbox] = weakref.WeakSet()


def _close_all() -> None:
    for sandbox in list(_open):
        sandbox.close()


def _forked_all() -> None:
    for sandbox in list(_open):
        sandbox._forked()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked_all)
