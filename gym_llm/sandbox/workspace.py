"""Workspaces: writable trees that outlive a run, read and written from outside as files of a stranger.

They lie in one private folder per process, which a lock marks as in use; what a killed process left is removed by
the next one that makes a workspace.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from gym_llm.errors import SandboxError
from gym_llm.sandbox import tree

_PREFIX = "gym-llm-sandbox-"
_MOST_READ = 64 << 20
_COUNT_EVERY_SECONDS = 0.5
_YOUNG_SECONDS = 5.0


class Workspace:
    """A writable folder for runs and sessions of one sandbox. Made by `Sandbox.workspace`.

    A run sees it as its working folder. Paths are relative; no link is followed, wherever it points. A host
    folder has no quota: a run that fills it beyond `Limits.disk` is killed up to half a second later.

    Attributes:
        path: Where it lies on this machine. What is in it was written by a stranger: use `read`.

    >>> from gym_llm.sandbox import open_sandbox
    >>> with open_sandbox("unsafe-local") as box, box.workspace({"a.txt": b"1"}) as space, space.snapshot() as before:
    ...     space.write("a.txt", b"2")
    ...     before.read("a.txt"), space.read("a.txt"), space.paths()
    (b'1', b'2', ['a.txt'])
    """

    def __init__(self, spaces: Spaces, path: Path) -> None:
        self.path = path
        self._spaces = spaces
        self._root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        self._closed = False

    @property
    def name(self) -> str:
        """Its name among the workspaces of this process."""
        return self.path.name

    @property
    def folder(self) -> int:
        """Its descriptor."""
        return self._open()

    def read(self, path: str, most: int = _MOST_READ) -> bytes:
        """Return a file's content.

        Raises:
            OSError: There is no such file, or a link is on the way.
            SandboxError: The path leads out, it is no regular file, or it is longer than `most` bytes.
        """
        return tree.read(self._open(), path, most)

    def write(self, path: str, content: bytes | str, mode: int | None = None) -> None:
        """Put a file in place of what was there, executable if that was, making the folders above it."""
        data = content.encode() if isinstance(content, str) else content
        tree.write(self._open(), path, data, owner=self._spaces.owner, mode=mode)

    def paths(self) -> list[str]:
        """Return the paths of all that is no folder, sorted."""
        return sorted(path for path, found, _, _ in tree.walk(self._open()) if not _is_folder(found))

    def size(self) -> int:
        """Return how many bytes of disk it takes."""
        return tree.size(self._open())

    def snapshot(self) -> Workspace:
        """Return a copy that nothing done here changes."""
        copied = self._spaces.make()
        try:
            tree.copy(self._open(), copied._open(), owner=self._spaces.owner)
        except BaseException:  # boundary: whatever ended it goes on up, and what was taken is given back
            copied.close()
            raise
        return copied

    def close(self) -> None:
        """Remove it."""
        if not self._closed:
            self._closed = True
            os.close(self._root)
            if self._spaces.mine:
                tree.remove(str(self.path))

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> int:
        if self._closed:
            raise SandboxError(f"workspace {self.name} is closed")
        return self._root


class Spaces:
    """The folder of a process's workspaces.

    Args:
        owner: The user that runs are, on this machine.
    """

    def __init__(self, owner: int) -> None:
        self.owner = owner
        self._lock = threading.Lock()
        self._home: Path | None = None
        self._held = -1
        self._process = os.getpid()

    @property
    def mine(self) -> bool:
        """Whether this process made the folder; a forked child must not remove what is its parent's."""
        return self._process == os.getpid()

    @property
    def folder(self) -> Path:
        """The folder; made when first asked for."""
        with self._lock:
            if self._home is None:
                _sweep()
                self._home = Path(tempfile.mkdtemp(prefix=_PREFIX))
                self._held = os.open(self._home / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
                fcntl.flock(self._held, fcntl.LOCK_EX)
                (self._home / "spaces").mkdir(mode=0o700)
                os.chown(self._home / "spaces", self.owner, self.owner) if os.geteuid() == 0 else None
            return self._home / "spaces"

    def make(self, files: Mapping[str, bytes | str] | None = None, from_folder: str | Path | None = None) -> Workspace:
        """Make a workspace with files, or with a copy of a folder."""
        path = Path(tempfile.mkdtemp(prefix="w", dir=self.folder))
        os.chmod(path, 0o755)  # noqa: PTH101
        if os.geteuid() == 0:
            os.chown(path, self.owner, self.owner)
        made = Workspace(self, path)
        try:
            if from_folder is not None:
                source = os.open(from_folder, os.O_RDONLY | os.O_DIRECTORY)
                try:
                    tree.copy(source, made._open(), owner=self.owner)
                finally:
                    os.close(source)
            for name, content in (files or {}).items():
                made.write(name, content)
        except BaseException:  # boundary: whatever ended it goes on up, and what was taken is given back
            made.close()
            raise
        return made

    def close(self) -> None:
        """Remove the folder and all workspaces in it."""
        with self._lock:
            if self._home is not None and self.mine:
                tree.remove(str(self._home))
                os.close(self._held)
            self._home = None

    def forked(self) -> None:
        """Begin anew in a forked child."""
        if self._home is not None:
            os.close(self._held)
        self._home, self._process, self._lock = None, os.getpid(), threading.Lock()


class DiskWatch:
    """Whether a workspace has grown over a limit. Counts it only when its file system has filled since.

    Args:
        workspace: The workspace.
        most: Bytes that it may take.
    """

    def __init__(self, workspace: Workspace, most: int) -> None:
        self._workspace, self._most = workspace, most
        self._free = self._free_now()
        self._next = 0.0

    def __call__(self) -> bool:
        """Look."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + _COUNT_EVERY_SECONDS
        if self._free - self._free_now() < self._most // 4:
            return False
        try:
            return self._workspace.size() > self._most
        except OSError:  # it changes too fast to be counted: look again
            return False
        except SandboxError:  # too deep to be counted
            return True

    def _free_now(self) -> int:
        found = os.fstatvfs(self._workspace._open())  # it may be gone by its name
        return found.f_bfree * found.f_frsize + found.f_ffree * tree.INODE_BYTES


def _is_folder(found: os.stat_result) -> bool:
    return (found.st_mode & 0o170000) == 0o040000


def _sweep() -> None:
    """Remove what processes that were killed left behind."""
    for home in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            found = home.lstat()
            if found.st_uid != os.geteuid() or time.time() - found.st_mtime < _YOUNG_SECONDS:
                continue
            fd = os.open(home / "lock", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                tree.remove(str(home))
            finally:
                os.close(fd)
