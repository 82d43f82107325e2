"""What an attack could have changed on this machine, before and after."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

_FILES = (
    "/etc/passwd", "/etc/group", "/etc/hosts", "/etc/resolv.conf", "/etc/ld.so.cache", "/etc/ld.so.preload",
    "/etc/crontab", "/etc/profile", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe",
    "/proc/sys/kernel/hostname", "/proc/sys/kernel/sysrq", "/proc/sys/vm/overcommit_memory",
    "/sys/kernel/uevent_helper", "/proc/swaps",
)  # fmt: skip
_IPC = ("/proc/sysvipc/shm", "/proc/sysvipc/msg", "/proc/sysvipc/sem")
_SHARED = ("/dev/shm", "/dev/mqueue", "/tmp", "/var/tmp")
_SOCKETS = ("tcp", "tcp6", "udp", "udp6", "raw")
_ENGINES = {"overlay", "overlay2", "overlay-containers", "netns"}  # folders in which they mount
_SETTLE_SECONDS = 3.0


def fingerprint(owner: int) -> dict[str, object]:
    """Return the state of this machine, as far as runs of a user could change it.

    Args:
        owner: The user that runs are, on this machine.
    """
    state: dict[str, object] = {path: _hash(path) for path in _FILES}
    state |= {"modules": _modules(), "mounts": _mounts()}
    state |= {path: _lines_of(path, owner, 7) for path in _IPC}
    state |= {path: _entries(path, owner) for path in _SHARED}
    state |= {f"sockets {name}": _lines_of(f"/proc/net/{name}", owner, 7) for name in _SOCKETS}
    state["processes"] = len(_processes(owner))
    state["children"] = len(_children())
    state["descriptors"] = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    return state


def differences(before: dict[str, object], owner: int) -> list[str]:
    """Return what has changed since; what is about to end gets a moment to do so."""
    end = time.monotonic() + _SETTLE_SECONDS
    while True:
        now = fingerprint(owner)
        changed = [f"{name}: {before[name]} -> {now[name]}" for name in before if before[name] != now[name]]
        if not changed or time.monotonic() > end:
            return changed
        time.sleep(0.1)


def _hash(path: str) -> str | None:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]
    except OSError:
        return None


def _modules() -> list[str]:
    """Return the names of the kernel's modules; how many use each changes with whatever else runs here."""
    path = Path("/proc/modules")
    return sorted(line.split()[0] for line in path.read_text("ascii").splitlines()) if path.exists() else []


def _mounts() -> list[str]:
    """Return what is mounted here, but for containers that come and go meanwhile."""
    lines = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape").splitlines()
    return sorted(line for line in lines if not _ENGINES & set(line.split()[4].split("/")))


def _entries(folder: str, owner: int) -> list[str]:
    """Return what in a folder belongs to a user, or was made by an attack."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return []
    return sorted(entry.name for entry in entries if "gymllm-" in entry.name or _owner_of(entry) == owner)


def _owner_of(entry: os.DirEntry[str]) -> int | None:
    try:
        return entry.stat(follow_symlinks=False).st_uid
    except OSError:  # removed meanwhile
        return None


def _lines_of(path: str, owner: int, column: int) -> list[str]:
    """Return the lines of a table of the kernel that belong to a user."""
    try:
        rows = [line.split() for line in Path(path).read_text("ascii", "replace").splitlines()[1:]]
    except OSError:
        return []
    return [" ".join(row[:3]) for row in rows if len(row) > column and row[column] == str(owner)]


def _processes(owner: int) -> list[str]:
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208
        try:
            if name.isdigit() and Path("/proc", name).stat().st_uid == owner:
                found.append(name)
        except OSError:
            continue
    return found


def _children() -> list[str]:
    text = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    return text.read_text("ascii").split() if text.exists() else []
