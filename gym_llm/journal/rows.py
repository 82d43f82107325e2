"""Rows: one line of a collection's file, its checksum, and the streaming reader of such files.

A row is one JSON object on one line whose last field, `_crc`, is the CRC-32 of every byte before that field.
A line without the right checksum is torn or damaged and is never read as a row. Nothing here writes: see
`journal.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec
import numpy as np

from gym_llm.items import scrub

_MARK = b',"_crc":"'
_MARK_LENGTH = len(_MARK)
_TAIL_LENGTH = _MARK_LENGTH + 8 + len(b'"}')
_CHUNK = 1 << 20


class RowKey(msgspec.Struct, rename={"task": "_ng_task_index", "rollout": "_ng_rollout_index"}):
    """Which rollout a row holds; decoding only this skips the rest of the row without building it."""

    task: int
    rollout: int


_keys = msgspec.json.Decoder(RowKey)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not JSON data")


_encoder = msgspec.json.Encoder(enc_hook=_plain)


def encode(record: Mapping[str, Any]) -> bytes:
    """Encode one record as a JSON object on one line, without its checksum.

    What JSON or UTF-8 cannot hold (lone surrogates, foreign objects) is replaced as `items.scrub` does.
    """
    try:
        return _encoder.encode(record)
    except (UnicodeEncodeError, TypeError, OverflowError, RecursionError):
        return _encoder.encode(scrub(dict(record)))


def seal(body: bytes) -> bytes:
    r"""Return the line of an encoded object: checksum added, newline at the end.

    >>> seal(b'{"reward":1.0}')
    b'{"reward":1.0,"_crc":"7b32b435"}\n'
    """
    if body[:1] != b"{" or body[-1:] != b"}" or len(body) < 3 or b"\n" in body:
        raise ValueError(f"a row is one non-empty JSON object on one line, got {body[:40]!r}")
    head = body[:-1]
    return b'%b,"_crc":"%08x"}\n' % (head, crc32(head))


def is_sound(line: bytes) -> bool:
    """Whether a line, without its newline, carries the right checksum."""
    head = line[:-_TAIL_LENGTH]
    if not head or line[-_TAIL_LENGTH : _MARK_LENGTH - _TAIL_LENGTH] != _MARK or line[-2:] != b'"}':
        return False
    return line[-10:-2] == b"%08x" % crc32(head)


def scan(path: Path) -> Iterator[tuple[int, bytes, bool]]:
    """Yield `(offset, line, sound)` for every line of a file, in order and one line in memory at a time.

    The line keeps its newline, which the last one may lack. The offset is in bytes.
    """
    offset = 0
    with path.open("rb", buffering=_CHUNK) as file:
        for line in file:
            yield offset, line, is_sound(line[:-1] if line.endswith(b"\n") else line)
            offset += len(line)


def read_rows(path: str | Path) -> Iterator[dict[str, Any]]:
    """Yield every sound row of a file as a dict, without its checksum; damaged lines are left out."""
    for _, line, sound in scan(Path(path)):
        if sound:
            row: dict[str, Any] = msgspec.json.decode(line)
            del row["_crc"]
            yield row


def read_keys(path: str | Path) -> Iterator[tuple[int, int]]:
    """Yield `(task, rollout)` of every sound row of a file; nothing else of the row is decoded."""
    for _, line, sound in scan(Path(path)):
        if sound:
            yield row_key(line)


def row_key(line: bytes) -> tuple[int, int]:
    """Return `(task, rollout)` of one row.

    Raises:
        msgspec.MsgspecError: If the row names no task and rollout.
    """
    key = _keys.decode(line)
    return key.task, key.rollout
