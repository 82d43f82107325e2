"""The walls of one run, seen from inside: identity and file systems.

The supervisor raises them as process 1 of new namespaces, before anything of the model's exists.
"""

from __future__ import annotations

import os
from typing import Any

from gym_llm.sandbox.inside import kernel

ROOT = "/sandbox"
WORK = "/sandbox/work"
SPACES = "/spaces"
_TMPFS = kernel.MS_NOSUID | kernel.MS_NODEV
_PROC = kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC


def take_identity(uid: int, gid: int) -> None:
    """Be the same user in the new user namespace, and nobody else."""
    for name, text in (("uid_map", f"{uid} {uid} 1"), ("setgroups", "deny"), ("gid_map", f"{gid} {gid} 1")):
        fd = os.open(f"/proc/self/{name}", os.O_WRONLY)
        os.write(fd, text.encode())
        os.close(fd)


def mount_all(limits: dict[str, Any], workspace: str | None, profile: str) -> None:
    """Mount one small file system for everything that the run may write, and its own view of processes."""
    kernel.mount("tmpfs", ROOT, "tmpfs", _TMPFS, f"size={limits['disk']},nr_inodes={limits['inodes']},mode=755")
    for folder in (WORK, f"{ROOT}/tmp", f"{ROOT}/shm"):
        os.mkdir(folder, 0o755)  # noqa: PTH102
    for folder in ("/tmp", "/var/tmp"):
        if not os.path.islink(folder):  # noqa: PTH114 - then something of the machine is shown below it
            _lay_under(folder)
    if workspace:
        kernel.mount(f"{SPACES}/{workspace}", WORK, None, kernel.MS_BIND)
    if os.path.isdir(SPACES):  # noqa: PTH112
        kernel.mount("tmpfs", SPACES, "tmpfs", _TMPFS | kernel.MS_RDONLY, "size=4k,nr_inodes=2,mode=0")
    if profile == "compute":
        try:
            kernel.mount("proc", "/proc", "proc", _PROC, "subset=pid")
            return
        except OSError:  # Linux before 5.8 knows no subset
            pass
    kernel.mount("proc", "/proc", "proc", _PROC)


def _lay_under(folder: str) -> None:
    """Put the run's own temporary folder under what is shown below a folder of that use."""
    for name in os.listdir(folder):  # noqa: PTH208
        inside = f"{ROOT}/tmp/{name}"
        os.mkdir(inside, 0o755)  # noqa: PTH102
        kernel.mount(f"{folder}/{name}", inside, None, kernel.MS_BIND | kernel.MS_REC)
    kernel.mount(f"{ROOT}/tmp", folder, None, kernel.MS_BIND | kernel.MS_REC)
