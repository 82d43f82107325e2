"""What the container providers share: one container per run, started by an engine's command line, removed with it.

The container's first process is this package's own (`inside/container.py`): it sets the limits and the system call
filter, supervises, and tells how the run ended, over a socket that the program never has.
"""

from __future__ import annotations

import abc
import contextlib
import functools
import os
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from gym_llm.errors import SandboxError, SandboxUnavailable
from gym_llm.sandbox.call import Link
from gym_llm.sandbox.command_line import ENVIRONMENT
from gym_llm.sandbox.container_run import ContainerRun
from gym_llm.sandbox.exchange import Exchange
from gym_llm.sandbox.inside.container import ROOT, STATUS, WORK
from gym_llm.sandbox.limits import Limits
from gym_llm.sandbox.packing import linked, memory, packed, pipe
from gym_llm.sandbox.sandbox import Request, Sandbox
from gym_llm.sandbox.workspace import DiskWatch, Workspace

IMAGE = "python:3.11-slim"
MOUNTED_INSIDE = "/opt/gym-llm/gym_llm/sandbox/inside"
NOBODY = 65534
_INSIDE = Path(__file__).with_name("inside")
_MAIN = "import sys; sys.path.insert(0, '/opt/gym-llm'); from gym_llm.sandbox.inside import container; container.main()"
_ASK_SECONDS = 20
_START_SECONDS = 600.0  # it may have to pull an image
_LATE_SECONDS, _REMOVAL_SECONDS = 5.0, 60.0
_UNBOUND_WALL = 1e9
_SUPERVISORS_MEMORY = 64 << 20
_MOST_SHARED = 64 << 20
_DIES_EARLY = "900"  # out of memory, the kernel kills a run before it kills the trainer
_COVERED = ("/sys/block", "/sys/bus", "/sys/class", "/sys/dev", "/sys/devices", "/run")  # nothing else of the hardware
_EMPTY = "ro,nosuid,nodev,noexec,mode=755,size=4k"
_FEWEST_DESCRIPTORS = 1024  # for the supervisor; the program's own limit is set inside
_CLIENT_VARIABLES = (
    "PATH", "HOME", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "REGISTRY_AUTH_FILE",
    "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT", "CONTAINER_HOST", "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF",
    "CONTAINERS_REGISTRIES_CONF", "APPTAINER_CACHEDIR", "APPTAINER_TMPDIR",
)  # fmt: skip

Mounts = Sequence[tuple[str, str, str]]  # source, target, and rw or ro


class Engine(Sandbox):
    """A container per run.

    Args:
        image: Image that has a Python, 3.9 or newer.
        python: Name of its interpreter.
        work: Where the container shows a workspace.
        limits: Of runs that bring none. A run's start does not count.
        concurrency: Most runs at once.
    """

    executable: ClassVar[str]
    install: ClassVar[str]
    asks: ClassVar[tuple[str, ...]]

    def __init__(
        self, *, image: str = IMAGE, python: str = "python3", work: str = WORK, limits: Limits | None = None,
        concurrency: int | None = None,
    ) -> None:  # fmt: skip
        found = shutil.which(self.executable)
        if found is None:
            raise SandboxUnavailable(f"{self.executable} is not installed; install it: {self.install}")
        self._engine = found
        try:
            self._asked(*self.asks, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            told = getattr(error, "stderr", None) or str(error).encode()
            why = told.decode("utf-8", "replace").strip()[-500:]
            raise SandboxUnavailable(f"{self.executable} is installed, but does not work here: {why}") from error
        self.image, self._python, self._work = image, python, work
        super().__init__(limits=limits, concurrency=concurrency)

    def describe(self) -> dict[str, Any]:
        """Return provider and image."""
        return {"provider": self.name, "image": self.image}

    @abc.abstractmethod
    def line(self, request: Request, mounts: Mounts, container: str) -> list[str]:
        """Return the words before the container's own: the engine's command and what it is told about its walls."""

    def removal(self, container: str) -> list[str]:
        """Return the words after the engine's name that remove a container, whatever its state; none if none can."""
        return ["rm", "--force", container]

    def words(self, request: Request) -> list[str]:
        """Return what is executed in the container: with nothing on its module path that a workspace could hold."""
        alone = ["-I"] if request.command else ["-s"]  # the latter hears PYTHONHASHSEED
        return [self._python, *alone, "-S", "-c", _MAIN]

    def variables(self, request: Request) -> dict[str, str]:
        """Return the variables of the container; PATH is the image's. The run's own come in its payload."""
        return ENVIRONMENT if request.command else {**ENVIRONMENT, "PYTHONPATH": "", "PYTHONHOME": ""}

    def _owner(self) -> int:
        return os.geteuid() or NOBODY

    def _start(self, request: Request) -> Exchange:
        with contextlib.ExitStack() as stack:
            out, out_inner = stack.enter_context(pipe())
            err, err_inner = stack.enter_context(pipe())
            run = self._launched(request, [out_inner, err_inner])
            return _ContainerExchange(run, os.dup(out), os.dup(err), request.limits)

    def _open(self, request: Request) -> Link:
        latest = time.monotonic() + _START_SECONDS
        return linked(
            functools.partial(self._launched, request), request.limits.output,
            lambda run: run.phase == 0 and time.monotonic() < latest,
        )  # fmt: skip

    def _launched(self, request: Request, outputs: list[int]) -> ContainerRun:
        """Start the container of a run."""
        container, space = f"gym-llm-{os.getpid()}-{uuid.uuid4().hex[:12]}", request.workspace
        wall = _UNBOUND_WALL if request.session else request.limits.wall
        work = self._work if space else WORK
        payload = packed(request, profile=request.profile, work=work, wall=wall, bare=not request.command)
        folder = self._spaces.make()
        try:
            mounts = [(str(_INSIDE), MOUNTED_INSIDE, "ro"), (str(folder.path / "status"), STATUS, "ro")]
            mounts += [(str(space.path), work, "rw")] if space else []
            command = [*self.line(request, mounts, container), *self.words(request)]
            with memory(payload) as given, memory(request.stdin) as stdin:
                return ContainerRun(
                    command, _client_environment(), _listening(folder), [given, stdin, *outputs],
                    patient=not request.session, remove=lambda: self._remove(container), clean=folder.close,
                    over_disk=DiskWatch(space, request.limits.disk) if space else lambda: False,
                )  # fmt: skip
        except BaseException as error:  # boundary: whatever ended it goes on up, and what was taken is given back
            folder.close()
            if isinstance(error, OSError):
                raise SandboxError(f"{self.name} could not start the run: {error}") from error
            raise

    def _asked(self, *words: str, check: bool = False) -> None:
        subprocess.run(
            [self._engine, *words], capture_output=True, timeout=_ASK_SECONDS, check=check, env=_client_environment()
        )

    def _remove(self, container: str) -> None:
        if words := self.removal(container):
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                self._asked(*words)


class _ContainerExchange(Exchange):
    """The exchange with a container: the run's clock is kept inside, and neither start nor removal count."""

    def __init__(self, run: ContainerRun, stdout: int, stderr: int, limits: Limits) -> None:
        super().__init__(run, stdout, stderr, replace(limits, wall=_START_SECONDS))
        self._run, self._phase = run, 0
        self._patience = (_START_SECONDS, limits.wall + _LATE_SECONDS, _REMOVAL_SECONDS)

    def ready(self, fd: int) -> bool:
        """Deal with a readable descriptor; returns whether it may become readable again."""
        more = super().ready(fd)
        if self._phase < self._run.phase:
            self._phase = self._run.phase
            self._deadline = time.monotonic() + self._patience[self._phase]
        return more

    def tick(self) -> None:
        """Look at the clock and the disk."""
        super().tick()
        if self.ending is not None and self._phase == 0:
            self.ending = replace(self.ending, failed=f"its container did not start in {_START_SECONDS:g} seconds")


def container_words(request: Request, mounts: Mounts, container: str, *, user: int, tmpfs: str) -> list[str]:
    """Return the options that docker and podman share; `tmpfs` has the engine's own for each such mount."""
    limits = request.limits
    most = max(limits.open_files, _FEWEST_DESCRIPTORS)
    held = limits.memory + limits.disk + _SUPERVISORS_MEMORY
    space = f"rw,exec,nosuid,nodev,mode=1777,size={limits.disk},{tmpfs}"
    covered = [word for place in _COVERED for word in ("--tmpfs", f"{place}:{_EMPTY},{tmpfs}")]
    return [
        "run", "--rm", "--name", container, "--pull", "missing", "--log-driver", "none", "--workdir", "/",
        "--network", "none", "--hostname", "sandbox", "--ipc", "private", "--read-only", "--cap-drop", "ALL",
        "--security-opt", "no-new-privileges", "--oom-score-adj", _DIES_EARLY,
        "--pids-limit", str(limits.processes + 1),
        "--memory", str(held), "--memory-swap", str(held), "--shm-size", str(min(limits.disk, _MOST_SHARED)),
        "--ulimit", "core=0:0", "--ulimit", f"nofile={most}:{most}",
        "--tmpfs", f"{ROOT}:{space}", "--tmpfs", f"/tmp:{space}", *covered, "--user", f"{user}:{user}",
        *(word for source, target, mode in mounts for word in ("--volume", f"{source}:{target}:{mode}")),
    ]  # fmt: skip


def environment_words(variables: Mapping[str, str], option: str) -> list[str]:
    """Return variables as options."""
    return [word for name, value in variables.items() for word in (option, f"{name}={value}")]


def _client_environment() -> dict[str, str]:
    """Return what an engine's client needs of this process's environment."""
    return {name: os.environ[name] for name in _CLIENT_VARIABLES if name in os.environ}


def _listening(folder: Workspace) -> socket.socket:
    """Return a socket that listens in a folder, for any user that can reach it there."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    name = f"/proc/self/fd/{folder.folder}/status"  # a socket's own name may be short only
    try:
        listener.bind(name)
        os.chmod(name, 0o666)  # noqa: PTH101
        listener.listen(0)
        listener.setblocking(False)
    except BaseException:  # boundary: whatever ended it goes on up, and what was taken is given back
        listener.close()
        raise
    return listener
