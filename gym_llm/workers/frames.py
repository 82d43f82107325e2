"""Frames: how messages travel between a driver and its workers.

A message is plain data, encoded as MessagePack; a frame is a length and an array of messages, which is decoded in
one go. Arrays go as raw buffers whose dtype and shape are checked. Pickled values are read only where the reader
allows them.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import dill  # type: ignore[import-untyped]
import msgspec
import numpy as np

from gym_llm.errors import WorkerError

MAX_FRAME = 1 << 30
_LENGTH = struct.Struct("<I")
_HEAD = struct.Struct("<IBBBBB")
_ARRAY_32 = 0xDD  # MessagePack's mark of an array whose size stands in the four bytes that follow
_ARRAY, _PICKLE, _INT, _SCALAR, _TEXT = 1, 2, 3, 4, 5
_KINDS = "biufcSU"
_PLAIN = frozenset((bool, int, float, str, bytes, type(None)))


class Pickled:
    """A value that travels as a pickle, where that is allowed."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def exact(value: Any) -> Any:
    """Return what arrives as it is, as a pickle where it has to be: a tuple arrives as a tuple, not as a list."""
    return value if _travels(value) else Pickled(value)


def _travels(value: Any) -> bool:
    kind = type(value)
    if kind in _PLAIN or is_array(value) or is_scalar(value):
        return True
    if kind is dict:
        return all(type(key) is str and _travels(inner) for key, inner in value.items())
    return kind is list and all(map(_travels, value))


def is_array(value: Any) -> bool:
    """Return whether a value is an array that travels as a raw buffer."""
    return type(value) is np.ndarray and _is_raw(value.dtype)


def is_scalar(value: Any) -> bool:
    """Return whether a value is a number or a text of numpy, which keeps its type."""
    return isinstance(value, np.generic) and _is_raw(value.dtype)


def _is_raw(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in _KINDS and dtype.itemsize > 0


class Encoder:
    """Encodes messages.

    Args:
        allow_pickle: Whether values that are not plain data are pickled; otherwise they raise `WorkerError`.
    """

    def __init__(self, allow_pickle: bool) -> None:
        self._allow_pickle = allow_pickle
        self._encoder = msgspec.msgpack.Encoder(enc_hook=self._hook)

    def encode(self, message: Any) -> bytes:
        """Return the message as it stands in a frame.

        Raises:
            WorkerError: When it holds something that cannot travel.
        """
        try:
            body = self._encode(message)
        except (TypeError, ValueError, RecursionError, pickle.PicklingError, AttributeError) as error:
            raise WorkerError(f"it cannot be sent to another process: {error}") from None
        if len(body) > MAX_FRAME // 2:
            raise WorkerError(f"a message of {len(body)} bytes is larger than {MAX_FRAME // 2}")
        return body

    def _encode(self, message: Any) -> bytes:
        try:
            return self._encoder.encode(message)
        except (OverflowError, UnicodeEncodeError):
            return self._encoder.encode(_with_the_unusual(message))

    def _hook(self, value: Any) -> Any:
        if isinstance(value, Pickled):
            return msgspec.msgpack.Ext(
                _PICKLE, dill.dumps(value.value) if self._allow_pickle else _pickled(value.value)
            )
        if is_array(value):
            head = msgspec.msgpack.encode((value.dtype.str, value.shape))
            return msgspec.msgpack.Ext(_ARRAY, _LENGTH.pack(len(head)) + head + value.tobytes())
        if is_scalar(value):
            return msgspec.msgpack.Ext(_SCALAR, value.dtype.str.encode() + b" " + value.tobytes())
        if self._allow_pickle:
            return msgspec.msgpack.Ext(_PICKLE, dill.dumps(value))
        raise TypeError(f"{type(value).__name__} is not plain data, and allow_pickle is off")


def frames(bodies: Sequence[bytes]) -> bytes:
    """Return encoded messages as a frame; as several when one would be too large."""
    size = sum(map(len, bodies)) + 5
    if size > MAX_FRAME and len(bodies) > 1:
        middle = len(bodies) // 2
        return frames(bodies[:middle]) + frames(bodies[middle:])
    return b"".join([_HEAD.pack(size, _ARRAY_32, *len(bodies).to_bytes(4, "big")), *bodies])


class Decoder:
    """Decodes frames.

    Args:
        allow_pickle: Whether pickled values are read: only from a process that is trusted.
    """

    def __init__(self, allow_pickle: bool) -> None:
        self._allow_pickle = allow_pickle
        self._decoder = msgspec.msgpack.Decoder(list[Any], ext_hook=self._hook)

    def decode(self, body: Any) -> list[Any]:
        """Return the messages of a frame.

        Raises:
            WorkerError: When the bytes are no message, or hold a pickle that is not allowed.
        """
        try:
            return self._decoder.decode(body)
        except (msgspec.DecodeError, ValueError, TypeError) as error:
            raise WorkerError(f"a worker sent something that is no message: {error}") from None

    def _hook(self, code: int, data: memoryview) -> Any:
        if code == _ARRAY:
            return _array(data)
        if code == _SCALAR:
            name, _, buffer = bytes(data).partition(b" ")
            return np.frombuffer(buffer, dtype=_plain_dtype(name.decode()))[0]
        if code == _TEXT:
            return str(data, "utf-8", "surrogatepass")
        if code == _INT:
            return int(bytes(data))
        if code == _PICKLE and self._allow_pickle:
            return dill.loads(bytes(data))  # noqa: S301 - allowed for trusted senders only
        raise ValueError("a pickled value, and allow_pickle is off" if code == _PICKLE else f"unknown code {code}")


class Splitter:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the body of every frame that is complete now.

        Raises:
            WorkerError: When a length is beyond any message.
        """
        buffer = self._buffer
        buffer += data
        start, end = 0, len(buffer)
        while end - start >= 4:
            (length,) = _LENGTH.unpack_from(buffer, start)
            if length > MAX_FRAME:
                raise WorkerError(f"a frame of {length} bytes: the stream is damaged")
            if end - start - 4 < length:
                break
            yield bytes(memoryview(buffer)[start + 4 : start + 4 + length])
            start += 4 + length
        if start:
            del buffer[:start]


def _pickled(value: Any) -> bytes:
    """Return a pickle by Python, since the driver has every class; by dill what that cannot pickle."""
    try:
        return pickle.dumps(value)
    except Exception:  # boundary: any object may refuse in its own way
        return dill.dumps(value)  # type: ignore[no-any-return]


def _array(data: memoryview) -> np.ndarray[Any, Any]:
    (length,) = _LENGTH.unpack_from(data, 0)
    name, shape = msgspec.msgpack.decode(data[4 : 4 + length], type=tuple[str, tuple[int, ...]])
    flat = np.frombuffer(data[4 + length :], dtype=_plain_dtype(name))
    return flat.reshape(shape).copy()


def _plain_dtype(name: str) -> np.dtype[Any]:
    dtype = np.dtype(name)
    if not _is_raw(dtype):
        raise ValueError(f"an array of dtype {name} is not plain data")
    return dtype


def _with_the_unusual(value: Any) -> Any:
    """Return a copy in which integers beyond 64 bits travel as text, and text with lone surrogates as bytes."""
    if isinstance(value, dict):
        return {_key(key): _with_the_unusual(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_with_the_unusual(inner) for inner in value]
    if isinstance(value, str) and _key(value) != value:
        return msgspec.msgpack.Ext(_TEXT, value.encode("utf-8", "surrogatepass"))
    if isinstance(value, int) and not isinstance(value, bool) and not -(1 << 63) <= value < 1 << 64:
        return msgspec.msgpack.Ext(_INT, str(value).encode())
    return value


def _key(key: Any) -> Any:
    """Return a key without lone surrogates, which no key of a message can hold."""
    return key.encode("utf-8", "replace").decode() if isinstance(key, str) else key
