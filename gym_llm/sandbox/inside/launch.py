"""Starts bubblewrap as a user that is nobody on this machine. Run by the host as a script, before any wall stands.

Started by root, it first makes what the sandbox binds reachable for that user: in a mount namespace of its own, an
empty folder covers each one that only root may enter, and what was asked for is bound into it at its usual path.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys

_CLONE_NEWNS, _MS_BIND, _MS_REC, _MS_PRIVATE = 0x20000, 4096, 16384, 1 << 18
_ENTER = 0o001


def main(uid: int, paths: list[str], command: list[str]) -> None:
    """Become the user and execute the command; `paths` are what it must be able to read."""
    if os.geteuid() == 0:
        _uncover([path for path in paths if _closed_ancestor(path)])
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    os.execv(command[0], command)


def _closed_ancestor(path: str) -> str | None:
    """Return the uppermost folder on the way to a path that others may not enter."""
    parts = path.strip("/").split("/")
    for count in range(1, len(parts)):
        folder = "/" + "/".join(parts[:count])
        if not os.stat(folder).st_mode & _ENTER:  # noqa: PTH116
            return folder
    return None


def _uncover(paths: list[str]) -> None:
    if not paths:
        return
    libc = ctypes.CDLL(None, use_errno=True)

    def mount(source: str, target: str, kind: str | None, flags: int) -> None:
        kind_ = kind.encode() if kind else None
        options = b"mode=755" if kind else None
        if libc.mount(os.fsencode(source), os.fsencode(target), kind_, ctypes.c_ulong(flags), options):
            raise OSError(ctypes.get_errno(), f"mount on {target}: {os.strerror(ctypes.get_errno())}")

    if libc.unshare(_CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), f"unshare: {os.strerror(ctypes.get_errno())}")
    mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    found = [(path, os.open(path, os.O_PATH), os.path.isdir(path)) for path in paths]  # noqa: PTH112
    for folder in sorted({folder for path in paths if (folder := _closed_ancestor(path))}):
        mount("tmpfs", folder, "tmpfs", 0)
    for path, fd, is_folder in found:
        if is_folder:
            os.makedirs(path, exist_ok=True)  # noqa: PTH103
        else:
            os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
        mount(f"/proc/self/fd/{fd}", path, None, _MS_BIND | _MS_REC)
        os.close(fd)


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    main(given["uid"], given["paths"], given["command"])
