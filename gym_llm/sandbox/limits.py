"""What a run may use, and what is known about it afterwards."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

from gym_llm.errors import ConfigError

Profile = Literal["compute", "process"]
Reason = Literal["exit", "signal", "cpu", "wall", "memory", "output", "disk", "lost"]

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps of one run.

    Attributes:
        cpu: Seconds of CPU of all its processes together; does not depend on how busy the machine is.
        wall: Seconds until it is killed.
        memory: Bytes of memory of all its processes together, and of address space of each unless
            `address_space` says otherwise.
        processes: Processes and threads at once.
        output: Bytes that are kept of stdout, and of stderr; a run that writes twice as much is killed.
        file_size: Bytes of one file.
        disk: Bytes of everything that it writes.
        inodes: Files and folders that it may have.
        open_files: Descriptors of one process.
        address_space: Bytes of address space of one process; None takes `memory`. Runtimes that reserve far more
            than they use (Java, Node) need more.

    >>> Limits(cpu=2, wall=5).memory == 1 << 30
    True
    """

    cpu: float = 10.0
    wall: float = 30.0
    memory: int = GIB
    processes: int = 32
    output: int = MIB
    file_size: int = 32 * MIB
    disk: int = 64 * MIB
    inodes: int = 4096
    open_files: int = 64
    address_space: int | None = None

    def __post_init__(self) -> None:
        for name in _NAMES:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"limits: {name}={value!r}: give a number above 0")

    def as_plain(self) -> dict[str, Any]:
        """Return them as JSON data."""
        plain = {name: getattr(self, name) for name in _NAMES}
        plain["address_space"] = self.address_space or self.memory
        return plain


_NAMES = tuple(field.name for field in fields(Limits))


@dataclass(frozen=True, slots=True)
class SandboxResult:
    """How a run ended. Nothing here is taken from what the code printed.

    Attributes:
        reason: `exit` (by itself), `signal` (killed, or crashed), `cpu`, `wall`, `memory`, `output`, `disk` (over that
            limit), or `lost`: what hosted it was killed with it.
        exit_status: 0 to 255 when it ended by itself, else None.
        signal: Number of the signal that ended it, else None.
        stdout: What it wrote, up to `Limits.output` bytes.
        stderr: Likewise.
        stdout_truncated: Whether it wrote more than was kept.
        stderr_truncated: Likewise.
        cpu: Seconds of CPU, all processes together.
        wall: Seconds from start to end.
        memory: Bytes of memory at the peak; sampled where there are several processes.
    """

    reason: Reason
    exit_status: int | None
    signal: int | None
    stdout: bytes
    stderr: bytes
    stdout_truncated: bool
    stderr_truncated: bool
    cpu: float
    wall: float
    memory: int

    @property
    def ok(self) -> bool:
        """Whether it ended by itself with exit status 0, within every limit."""
        return self.reason == "exit" and self.exit_status == 0

    @property
    def stdout_text(self) -> str:
        """`stdout`, with a mark for each byte that is no UTF-8."""
        return self.stdout.decode("utf-8", "replace")

    @property
    def stderr_text(self) -> str:
        """`stderr`, likewise."""
        return self.stderr.decode("utf-8", "replace")
