"""What the host sends for one run: a header in JSON, then the contents of the files, in one sealed memory file.

It is read by the run's own supervisor, never by the zygote, so that no later run finds it in memory.
"""

from __future__ import annotations

import json
import os
from typing import Any

_CHUNK = 1 << 20


def pack(header: dict[str, Any], files: dict[str, bytes]) -> bytes:
    """Return the bytes of a payload."""
    names = [[name, len(content)] for name, content in files.items()]
    head = json.dumps({**header, "files": names}).encode()
    return b"".join([len(head).to_bytes(8, "little"), head, *files.values()])


def read_header(fd: int) -> tuple[dict[str, Any], int]:
    """Return the header, and where the files begin."""
    size = int.from_bytes(os.pread(fd, 8, 0), "little")
    return json.loads(_read(fd, size, 8)), 8 + size


def write_files(fd: int, names: list[tuple[str, int]], offset: int, folder: str) -> None:
    """Write the files under a folder in which nothing hostile has run yet."""
    for name, size in names:
        path = os.path.join(folder, name)  # noqa: PTH118 (pathlib costs a millisecond per run)
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            written = 0
            while written < size:
                written += os.write(file, _read(fd, min(_CHUNK, size - written), offset + written))
        finally:
            os.close(file)
        offset += size


def _read(fd: int, size: int, offset: int) -> bytes:
    data = os.pread(fd, size, offset)
    while len(data) < size:
        more = os.pread(fd, size - len(data), offset + len(data))
        if not more:
            raise EOFError("the payload is shorter than its header says")
        data += more
    return data
