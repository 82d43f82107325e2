"""Journal: a JSONL file that survives its writer being killed at any moment.

One process writes at a time (`flock`). A row is one append; a failed append leaves no trace; rows reach the disk
in groups, by a thread, at most a second late. `recover` mends what a killed writer left. It knows nothing of
what a row says: see `rows.py` for the format and `collect.py` for the use.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gym_llm.errors import OutputError
from gym_llm.journal.locking import open_locked
from gym_llm.journal.rows import encode, scan, seal

SYNC_ROWS = 64
SYNC_SECONDS = 1.0
SYNC_THREAD = "journal-sync"
_COPY_CHUNK = 1 << 20

Accept = Callable[[bytes], bool]


@dataclass(frozen=True, slots=True)
class Recovery:
    """What `Journal.recover` found.

    Attributes:
        rows: Sound rows that are in the file now.
        quarantined: Damaged or refused stretches that were moved to the quarantine file.
    """

    rows: int
    quarantined: int


class Journal:
    """The only writer of one JSONL file, from construction to `close`.

    Args:
        path: The file; it and its folders are made when missing.
        sync_rows: Rows after which the file is synced to the disk.
        sync_seconds: Longest time that a row waits for a sync.

    Raises:
        OutputError: If another process writes the file (it is named), or the file cannot be opened.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "rows.jsonl") as journal:
    ...     journal.append({"reward": 1.0})
    ...     journal.recover()
    Recovery(rows=1, quarantined=0)
    """

    def __init__(self, path: str | Path, *, sync_rows: int = SYNC_ROWS, sync_seconds: float = SYNC_SECONDS) -> None:
        self.path = Path(path)
        self.quarantine = quarantine_path(self.path)
        self._sync_rows, self._sync_seconds = sync_rows, sync_seconds
        self._fd = open_locked(self.path)
        self._size = os.fstat(self._fd).st_size
        self._pending = 0
        self._work, self._hurry = threading.Event(), threading.Event()
        self._syncer: threading.Thread | None = None
        self._sync_failure: OSError | None = None
        self._closed = False
        _open.add(self)

    @property
    def size(self) -> int:
        """Bytes of whole rows in the file."""
        return self._size

    def append(self, row: Mapping[str, Any] | bytes) -> None:
        """Append one row: a record, or the encoded JSON object of one.

        Raises:
            OutputError: If it cannot be written whole; the file is then as it was before.
        """
        self.extend([row])

    def extend(self, rows: Sequence[Mapping[str, Any] | bytes]) -> None:
        """Append rows in one write, all of them or, with an `OutputError`, none."""
        self._write(b"".join([seal(row if isinstance(row, bytes) else encode(row)) for row in rows]))
        self._pending += len(rows)
        if not self._work.is_set():
            self._work.set()
        if self._pending >= self._sync_rows and not self._hurry.is_set():
            self._hurry.set()
        if self._syncer is None:
            self._syncer = threading.Thread(target=self._sync_loop, name=SYNC_THREAD, daemon=True)
            self._syncer.start()

    def recover(self, accept: Accept | None = None) -> Recovery:
        """Mend the file after a writer that died, and report every row in it.

        A sound last row without its newline gets it. A torn tail is moved to the quarantine file. Damaged rows in
        the middle too: the rest is then rewritten through a temporary file, all or nothing.

        Args:
            accept: Called with every sound line in order; a line it returns False for is treated as damaged.

        Raises:
            OutputError: If the file holds JSON lines and none of them has a checksum: it is not one of ours.
        """
        rows, damaged, foreign = 0, list[tuple[int, int]](), 0
        end, end_of_last_row, terminated = 0, 0, True
        for offset, line, sound in scan(self.path):
            end, terminated = offset + len(line), line.endswith(b"\n")
            if sound and (accept is None or accept(line)):
                rows, end_of_last_row = rows + 1, end
            else:
                damaged.append((offset, end))
                foreign += not sound and line.startswith(b"{") and line.endswith(b"}\n")
        if foreign > 1 and not rows:
            raise OutputError(
                f"{self.path} holds {foreign} JSON lines without the checksum of a collection: it was made or "
                "rewritten by another program. Give another output, or overwrite=True to replace it."
            )
        if not terminated and end == end_of_last_row:
            self._write(b"\n")
        self._remove(damaged, end_of_last_row)
        return Recovery(rows, len(damaged))

    def clear(self) -> None:
        """Make the file empty."""
        self._truncate(0)

    def sync(self) -> None:
        """Wait until every row is on the disk."""
        self._pending = 0
        os.fsync(self._fd)

    def close(self) -> None:
        """Sync the file and let another process write it; closing twice is harmless."""
        if self._closed:
            return
        self._closed = True
        self._hurry.set()
        self._work.set()
        if self._syncer is not None:
            self._syncer.join()
        try:
            os.fsync(self._fd)
        finally:
            os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, data: bytes) -> None:
        if self._closed:
            raise OutputError(f"{self.path} is closed")
        if self._sync_failure is not None:
            raise OutputError(f"{self.path} cannot be synced: {self._sync_failure}") from self._sync_failure
        try:
            written = os.write(self._fd, data)
            while written < len(data):
                written += os.write(self._fd, data[written:])
        except OSError as error:
            self._truncate(self._size)
            raise OutputError(
                f"{self.path} cannot be written: {error.strerror}; the {self._size} bytes of rows in it are whole. "
                "Make room and run again with resume=True."
            ) from error
        self._size += len(data)

    def _truncate(self, size: int) -> None:
        os.ftruncate(self._fd, size)
        self._size = size

    def _remove(self, damaged: list[tuple[int, int]], end_of_last_row: int) -> None:
        if not damaged:
            return
        self._copy_to_quarantine(damaged)
        if damaged[0][0] >= end_of_last_row:
            self._truncate(damaged[0][0])
            os.fsync(self._fd)
        else:
            self._rewrite_without(damaged)

    def _forked(self) -> None:
        """Let go of the file in a forked child, whose descriptor would hold the lock on."""
        if not self._closed:
            self._closed = True
            os.close(self._fd)

    def _copy_to_quarantine(self, stretches: list[tuple[int, int]]) -> None:
        with self.quarantine.open("ab") as kept:
            for start, end in stretches:
                kept.writelines(_stretch(self._fd, start, end))
                kept.write(b"\n")
            kept.flush()
            os.fsync(kept.fileno())

    def _rewrite_without(self, damaged: list[tuple[int, int]]) -> None:
        temporary = self.path.with_name(self.path.name + ".rewrite")
        temporary.unlink(missing_ok=True)
        fresh = open_locked(temporary)
        position = 0
        with open(fresh, "wb", closefd=False) as file:
            for start, end in [*damaged, (self._size, self._size)]:
                file.writelines(_stretch(self._fd, position, start))
                position = end
        os.fsync(fresh)
        temporary.replace(self.path)
        _sync_folder(self.path.parent)
        os.close(self._fd)
        self._fd, self._size = fresh, os.fstat(fresh).st_size

    def _sync_loop(self) -> None:
        while not self._closed:
            self._work.wait()
            self._hurry.wait(self._sync_seconds)
            self._work.clear()
            self._hurry.clear()
            try:
                self.sync()
            except OSError as error:
                self._sync_failure = error
                return


_open: weakref.WeakSet[Journal] = weakref.WeakSet()


def _let_go() -> None:
    for journal in list(_open):
        journal._forked()


os.register_at_fork(after_in_child=_let_go)


def quarantine_path(path: Path) -> Path:
    """Return where the damaged bytes of a file are kept."""
    return path.with_name(path.name + ".quarantine")


def _stretch(fd: int, start: int, end: int) -> Iterator[bytes]:
    while start < end:
        data = os.pread(fd, min(_COPY_CHUNK, end - start), start)
        if not data:
            return
        start += len(data)
        yield data


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
