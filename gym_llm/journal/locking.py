"""One writer per file: an exclusive `flock` on the file itself, which the kernel lifts when its holder dies.

A lock file beside it would outlive its writer. What is written is not this module's: see `journal.py`.
"""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path

from gym_llm.errors import OutputError


def open_locked(path: Path) -> int:
    """Open a file for reading and appending, and lock it; it and its folders are made when missing.

    Returns:
        The file descriptor; closing it unlocks the file.

    Raises:
        OutputError: If another process holds the lock (it is named), or the file cannot be opened.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
            if _lock(fd, path):  # else it was replaced in between: open the new one
                return fd
            os.close(fd)
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"{path} cannot be opened for writing: {error.strerror}") from error


def _lock(fd: int, path: Path) -> bool:
    """Lock an open file; False if the path has come to mean another file."""
    try:
        opened = os.fstat(fd)
        if not stat.S_ISREG(opened.st_mode):
            raise OutputError(f"{path} is not a regular file; rows can only be appended to one")
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        current = path.stat()
    except BlockingIOError:
        os.close(fd)
        raise OutputError(
            f"{path} is being written by {_holder(opened)}; wait for it to end, or give another output"
        ) from None
    except FileNotFoundError:
        return False
    except OSError:
        os.close(fd)
        raise
    return (current.st_dev, current.st_ino) == (opened.st_dev, opened.st_ino)


def _holder(file: os.stat_result) -> str:
    """Name the process that holds a file's lock, as far as the kernel tells."""
    name = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
    try:
        for line in Path("/proc/locks").read_text().splitlines():
            words = line.split()
            if "FLOCK" in words and name in words and int(words[4]) > 0:
                return f"process {words[4]}"
    except (OSError, ValueError, IndexError):
        pass
    return "another process"
