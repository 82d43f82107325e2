"""What the container providers share: one container per run, started by an engine's command line, removed with it.

An engine tells neither the CPU nor the memory of a run, so both are zero in its results; limits hold all the same.
"""

from __future__ import annotations

import abc
import contextlib
import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from gym_llm.errors import SandboxUnavailable
from gym_llm.sandbox.child import INSIDE, ChildSandbox, Streams, repl_code
from gym_llm.sandbox.command_line import ENVIRONMENT
from gym_llm.sandbox.limits import Limits
from gym_llm.sandbox.process import ProcessRun
from gym_llm.sandbox.sandbox import Request
from gym_llm.sandbox.workspace import Workspace

MOUNTED_INSIDE = "/opt/gym-llm/sandbox/inside"
PROGRAM = "/sandbox/program.py"
WORK = "/sandbox/work"
_ASK_SECONDS = 20
IMAGE = "python:3.11-slim"


class Engine(ChildSandbox):
    """A container per run.

    Args:
        image: Image that has a Python.
        python: Name of its interpreter.
        limits: Of runs that bring none. `inodes` has no counterpart.
        concurrency: Most runs at once.
    """

    executable: ClassVar[str]
    install: ClassVar[str]
    asks: ClassVar[tuple[str, ...]]
    printed_in_reply = True

    def __init__(
        self, *, image: str = IMAGE, python: str = "python3", limits: Limits | None = None,
        concurrency: int | None = None,
    ) -> None:  # fmt: skip
        found = shutil.which(self.executable)
        if found is None:
            raise SandboxUnavailable(f"{self.executable} is not installed; install it: {self.install}")
        self._engine = found
        try:
            subprocess.run([found, *self.asks], capture_output=True, timeout=_ASK_SECONDS, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            told = getattr(error, "stderr", None) or str(error).encode()
            why = told.decode("utf-8", "replace").strip()[-500:]
            raise SandboxUnavailable(f"{self.executable} is installed, but does not work here: {why}") from error
        self.image, self._python = image, python
        super().__init__(limits=limits, concurrency=concurrency)

    def describe(self) -> dict[str, Any]:
        """Return provider and image."""
        return {"provider": self.name, "image": self.image}

    @abc.abstractmethod
    def line(self, request: Request, folder: Path, program: Path, container: str) -> list[str]:
        """Return the words before the run's own: the engine's command and all it is told about walls and limits."""

    def ending(self, container: str) -> list[str] | None:
        """Return the command that kills a container; None when killing the client is enough."""
        return [self._engine, "kill", container]

    def words(self, request: Request) -> list[str]:
        """Return what is executed in the container."""
        limits = request.limits.as_plain()
        if request.session:
            limits["cpu"] = 1 << 30
            own = [self._python, "-s", "-c", repl_code(str(Path(MOUNTED_INSIDE).parent), "serve_by_stdio()")]
        elif request.command:
            own = list(request.command)
        else:
            own = [self._python, "-s", PROGRAM, *request.arguments]
        return [self._python, "-I", "-S", f"{MOUNTED_INSIDE}/rlimits.py", json.dumps(limits), *own]

    def variables(self, request: Request) -> dict[str, str]:
        """Return the variables of a run; PATH is the image's."""
        module_path = {} if request.command else {"PYTHONPATH": WORK}
        return {**ENVIRONMENT, "HOME": "/tmp", "TMPDIR": "/tmp", **module_path, **request.environment}

    def _spawn(
        self, request: Request, space: Workspace, program: Path, streams: Streams, clean: Callable[[], None]
    ) -> ProcessRun:
        container = f"gym-llm-{uuid.uuid4().hex[:12]}"
        return ProcessRun(
            [*self.line(request, space.path, program, container), *self.words(request)],
            stdin=streams.stdin, stdout=streams.stdin if request.session else streams.stdout,
            stderr=streams.stderr, folder="/", environment=_client_environment(), own_usage=False,
            end=lambda: _quietly(self.ending(container)), clean=clean,
        )  # fmt: skip


def container_words(request: Request, folder: Path, program: Path, container: str) -> list[str]:
    """Return the options that docker and podman share."""
    limits = request.limits
    space = "rw,nosuid,nodev,size={size},nr_inodes={inodes}"
    return [
        "run", "--rm", "--interactive", "--name", container, "--init", "--pull", "missing",
        "--network", "none", "--ipc", "private", "--read-only", "--cap-drop", "ALL",
        "--security-opt", "no-new-privileges", "--pids-limit", str(limits.processes + 2),
        "--memory", str(limits.memory), "--memory-swap", str(limits.memory),
        "--shm-size", str(min(limits.disk, 64 << 20)), "--ulimit", "core=0:0",
        "--ulimit", f"nofile={limits.open_files}:{limits.open_files}",
        "--tmpfs", f"/tmp:{space.format(size=limits.disk, inodes=limits.inodes)},mode=1777",
        "--user", f"{os.geteuid()}:{os.getegid()}" if os.geteuid() else "65534:65534",
        "--volume", f"{INSIDE}:{MOUNTED_INSIDE}:ro", "--volume", f"{program}:{PROGRAM}:ro",
        "--volume", f"{folder}:{WORK}:rw", "--workdir", WORK,
    ]  # fmt: skip


def environment_words(variables: dict[str, str], option: str) -> list[str]:
    """Return variables as options."""
    return [word for name, value in variables.items() for word in (option, f"{name}={value}")]


def _client_environment() -> dict[str, str]:
    """Return what an engine's client needs of this process's environment."""
    wanted = ("PATH", "HOME", "XDG_RUNTIME_DIR", "DOCKER_HOST", "DOCKER_CONFIG", "CONTAINER_HOST", "TMPDIR")
    return {name: os.environ[name] for name in wanted if name in os.environ}


def _quietly(command: Sequence[str] | None) -> None:
    if command:
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run(command, capture_output=True, timeout=_ASK_SECONDS, check=False, env=_client_environment())
