"""Folders that hostile code has written: read, copied and removed without following a link out of them.

Every step goes through a descriptor of the folder it is in, so that nothing can be swapped underneath. Depth costs
neither recursion nor path length.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import PurePosixPath

from gym_llm.errors import SandboxError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEEPEST = 128
INODE_BYTES = 4096


def parts(path: str) -> list[str]:
    """Return the steps of a relative path.

    Raises:
        SandboxError: It is absolute, empty, or climbs.

    >>> parts("src/./a.py")
    ['src', 'a.py']
    """
    steps = [step for step in PurePosixPath(path).parts if step != "."]
    if not steps or path.startswith("/") or ".." in steps or "\0" in path:
        raise SandboxError(f"path {path!r}: give a path below the workspace, such as 'src/main.py'")
    return steps


def open_below(root: int, path: str, flags: int) -> int:
    """Open a file below a folder, following no link."""
    *folders, name = parts(path)
    with _entered(root, folders) as folder:
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=folder)


def read(root: int, path: str, most: int) -> bytes:
    """Return the content of a regular file below a folder.

    Raises:
        OSError: There is none, or a link stands in the way.
        SandboxError: It is no regular file, or longer than `most` bytes.
    """
    fd = open_below(root, path, os.O_RDONLY)
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        os.close(fd)
        raise SandboxError(f"{path!r} in the workspace is no regular file")
    with open(fd, "rb") as file:  # noqa: PTH123
        data = file.read(most + 1)
    if len(data) > most:
        raise SandboxError(f"{path!r} in the workspace has {found.st_size} bytes, more than {most}")
    return data


def write(root: int, path: str, content: bytes, *, owner: int, mode: int | None = None) -> None:
    """Put a file below a folder, in place of what was there; without a mode it can be executed if that could."""
    *folders, name = parts(path)
    with _entered(root, folders, owner) as folder:
        with contextlib.suppress(FileNotFoundError):
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if mode is None and stat.S_ISREG(found.st_mode):
                mode = stat.S_IMODE(found.st_mode) & 0o777 | 0o644
            os.unlink(name, dir_fd=folder)
        mode = 0o644 if mode is None else mode
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode, dir_fd=folder)
        with open(fd, "wb") as file:  # noqa: PTH123
            _own(fd, owner)
            os.fchmod(fd, mode)
            file.write(content)


def walk(root: int) -> Iterator[tuple[str, os.stat_result, int, str]]:
    """Yield path, status, folder and name of everything below a folder.

    Raises:
        SandboxError: It is nested deeper than any honest tree.
    """
    stack = [("", os.dup(root), _names(root))]
    try:
        while stack:
            prefix, folder, names = stack[-1]
            name = next(names, None)
            if name is None:
                os.close(stack.pop()[1])
                continue
            try:
                found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                inner = os.open(name, _FOLDER, dir_fd=folder) if stat.S_ISDIR(found.st_mode) else None
            except FileNotFoundError:  # removed meanwhile
                continue
            yield prefix + name, found, folder, name
            if inner is not None:
                if len(stack) == _DEEPEST:
                    os.close(inner)
                    raise SandboxError(f"the workspace is nested more than {_DEEPEST} folders deep")
                stack.append((f"{prefix}{name}/", inner, _names(inner)))
    finally:
        for _, folder, _ in stack:
            os.close(folder)


def copy(source: int, target: int, *, owner: int) -> None:
    """Copy files, folders and links from one folder into an empty one; sockets, pipes and devices stay behind.

    The copy takes no more disk than the original: holes stay holes, and a file of many names is copied once.
    """
    copied: dict[tuple[int, int], str] = {}
    for path, found, folder, name in walk(source):
        mode = stat.S_IMODE(found.st_mode) & 0o777
        *above, last = path.split("/")
        with _entered(target, above) as into:
            if stat.S_ISDIR(found.st_mode):
                os.mkdir(last, 0o700, dir_fd=into)
                os.chmod(last, mode | 0o700, dir_fd=into)
                _own_entry(last, into, owner)
            elif stat.S_ISLNK(found.st_mode):
                os.symlink(os.readlink(name, dir_fd=folder), last, dir_fd=into)
                _own_entry(last, into, owner)
            elif stat.S_ISREG(found.st_mode) and (first := _first_name(copied, found, path)) != path:
                *folders, original_name = first.split("/")
                with _entered(target, folders) as beside:
                    os.link(original_name, last, src_dir_fd=beside, dst_dir_fd=into, follow_symlinks=False)
            elif stat.S_ISREG(found.st_mode):
                read_from = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
                write_to = os.open(last, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode, dir_fd=into)
                with open(read_from, "rb") as original, open(write_to, "wb") as duplicate:  # noqa: PTH123
                    _own(write_to, owner)
                    os.fchmod(write_to, mode)
                    _copy_data(original.fileno(), duplicate.fileno())


def _first_name(copied: dict[tuple[int, int], str], found: os.stat_result, path: str) -> str:
    """Return under which path a file was met first; this one, if it is new."""
    return copied.setdefault((found.st_dev, found.st_ino), path) if found.st_nlink > 1 else path


def _copy_data(source: int, target: int) -> None:
    """Copy what a file holds, and where it holds nothing, nothing."""
    end, size = 0, os.fstat(source).st_size
    while end < size:
        try:
            start = os.lseek(source, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            break  # only a hole is left
        end = min(os.lseek(source, start, os.SEEK_HOLE), size)
        os.lseek(target, start, os.SEEK_SET)
        while start < end and (sent := os.sendfile(target, source, start, min(end - start, 1 << 30))):
            start += sent
        if start < end:  # it was cut meanwhile
            break
    os.truncate(target, size)


def _names(folder: int) -> Iterator[str]:
    return iter(sorted(os.listdir(folder)))


def size(root: int) -> int:
    """Return how many bytes of disk a tree takes; an empty file counts as a block, for its inode."""
    sizes = {(found.st_dev, found.st_ino): max(found.st_blocks * 512, INODE_BYTES) for _, found, _, _ in walk(root)}
    return sum(sizes.values())


def remove(path: str) -> None:
    """Remove a tree of any depth: what lies deeper is moved up, then removed there."""
    try:
        root = os.open(path, _FOLDER)
    except FileNotFoundError:
        return
    count = 0
    try:
        while names := list(_names(root)):
            for name in names:
                count = _flatten(root, name, count)
    finally:
        os.close(root)
    os.rmdir(path)  # noqa: PTH106


def _flatten(root: int, name: str, count: int) -> int:
    """Remove an entry of a folder; folders in it become entries of the root, under numbers."""
    if not stat.S_ISDIR(os.stat(name, dir_fd=root, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=root)
        return count
    os.chmod(name, 0o700, dir_fd=root)
    folder = os.open(name, _FOLDER, dir_fd=root)
    try:
        for inner in _names(folder):
            if stat.S_ISDIR(os.stat(inner, dir_fd=folder, follow_symlinks=False).st_mode):
                os.chmod(inner, 0o700, dir_fd=folder)
                count += 1
                os.rename(inner, f".removed-{os.getpid()}-{count}", src_dir_fd=folder, dst_dir_fd=root)
            else:
                os.unlink(inner, dir_fd=folder)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=root)
    return count


@contextlib.contextmanager
def _entered(root: int, folders: list[str], owner: int | None = None) -> Iterator[int]:
    """Give the descriptor of a folder below another; with an owner, missing ones are made."""
    current = os.dup(root)
    try:
        for name in folders:
            if owner is not None:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, 0o755, dir_fd=current)
                    _own_entry(name, current, owner)
            inner = os.open(name, _FOLDER, dir_fd=current)
            os.close(current)
            current = inner
        yield current
    finally:
        os.close(current)


def _own(fd: int, owner: int) -> None:
    if owner != os.geteuid():
        os.fchown(fd, owner, owner)


def _own_entry(name: str, folder: int, owner: int) -> None:
    if owner != os.geteuid():
        os.chown(name, owner, owner, dir_fd=folder, follow_symlinks=False)
