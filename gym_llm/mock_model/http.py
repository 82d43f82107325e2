"""HTTP/1.1 requests from bytes: a parser without sockets.

It takes bodies by Content-Length or in chunks, pipelined or torn at any byte, and refuses what two parsers
could read differently. It does not decode JSON and knows no routes.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_HEAD_BYTES = 64 * 1024
_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")
_HEX = frozenset(b"0123456789abcdefABCDEF")


class BadRequest(Exception):
    """Bytes that are no acceptable HTTP request; the connection cannot be used any further."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True)
class HttpRequest:
    """One request.

    Attributes:
        method: As sent.
        path: Without the query.
        headers: Lower-case names; a repeated header holds its last value.
        keep_alive: Whether the client wants to go on using the connection.
        body: Without transfer coding.
        query: What follows the path's question mark.
    """

    method: bytes
    path: bytes
    headers: dict[bytes, bytes]
    keep_alive: bool
    body: bytes = b""
    query: bytes = b""


class RequestParser:
    """Turns fed bytes into requests.

    Attributes:
        expects_continue: The client waits for `100 Continue` before it sends its body.
    """

    __slots__ = (
        "_body",
        "_buffer",
        "_chunked",
        "_length",
        "_max_body",
        "_request",
        "_searched",
        "expects_continue",
    )

    def __init__(self, max_body_bytes: int) -> None:
        self._buffer = bytearray()
        self._max_body = max_body_bytes
        self._request: HttpRequest | None = None
        self._length = 0
        self._searched = 0
        self._chunked = False
        self._body = bytearray()
        self.expects_continue = False

    @property
    def buffered(self) -> int:
        """Bytes held that belong to no finished request."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take bytes from the connection."""
        self._buffer += data

    def next(self) -> HttpRequest | None:
        """Return the next complete request, or None until more bytes come.

        Raises:
            BadRequest: The bytes are not acceptable; no further call is allowed.
        """
        if self._request is None and not self._read_head():
            return None
        if not (self._read_chunks() if self._chunked else self._read_sized()):
            return None
        request, self._request = self._request, None
        self.expects_continue = False
        return request

    def _read_head(self) -> bool:
        buffer = self._buffer
        while buffer.startswith(b"\r\n"):
            del buffer[:2]
        end = buffer.find(b"\r\n\r\n", max(0, self._searched - 3))
        if end > MAX_HEAD_BYTES or (end < 0 and len(buffer) > MAX_HEAD_BYTES):
            raise BadRequest(431, f"request headers are longer than {MAX_HEAD_BYTES} bytes")
        if end < 0:
            self._searched = len(buffer)
            return False
        lines = bytes(buffer[:end]).split(b"\r\n")
        del buffer[: end + 4]
        self._searched = 0
        self._request = _parse_head(lines)
        self._frame(self._request.headers)
        return True

    def _frame(self, headers: dict[bytes, bytes]) -> None:
        """Find out how long the body is."""
        coding = headers.get(b"transfer-encoding")
        length = headers.get(b"content-length")
        self._chunked = coding is not None
        self.expects_continue = headers.get(b"expect", b"").lower() == b"100-continue"
        if coding is not None:
            if coding.lower() != b"chunked":
                raise BadRequest(501, "the only transfer coding understood is chunked")
            if length is not None:
                raise BadRequest(400, "both Content-Length and Transfer-Encoding")
        elif length is not None and not (length.isdigit() and len(length) < 19):
            raise BadRequest(400, "Content-Length is not a number of bytes")
        self._length = int(length or 0)
        self._cap(self._length)

    def _read_sized(self) -> bool:
        length = self._length
        if len(self._buffer) < length:
            return False
        if length and self._request is not None:
            self._request.body = bytes(self._buffer[:length])
            del self._buffer[:length]
        return True

    def _read_chunks(self) -> bool:
        buffer = self._buffer
        while (end := buffer.find(b"\r\n")) >= 0:
            size = _chunk_size(bytes(buffer[:end].partition(b";")[0]).strip())
            self._cap(len(self._body) + size)
            if size == 0:
                return self._read_trailer(end + 2)
            after = end + 2 + size
            if len(buffer) < after + 2:
                return False
            if buffer[after : after + 2] != b"\r\n":
                raise BadRequest(400, "a chunk is longer than its size line says")
            self._body += buffer[end + 2 : after]
            del buffer[: after + 2]
        if len(buffer) > 1024:
            raise BadRequest(400, "a chunk's size line is too long")
        return False

    def _read_trailer(self, start: int) -> bool:
        """Skip the trailer section, whose last line is empty; trailers are not used."""
        end = start if self._buffer[start : start + 2] == b"\r\n" else self._buffer.find(b"\r\n\r\n", start - 2) + 2
        if end < start or len(self._buffer) < end + 2:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise BadRequest(431, "trailers are too long")
            return False
        del self._buffer[: end + 2]
        if self._request is not None:
            self._request.body = bytes(self._body)
        self._body.clear()
        return True

    def _cap(self, size: int) -> None:
        if size > self._max_body:
            raise BadRequest(413, f"the body is longer than {self._max_body} bytes (max_body_bytes)")


def _parse_head(lines: list[bytes]) -> HttpRequest:
    words = lines[0].split(b" ")
    if len(words) != 3 or not words[0].isalpha() or not words[2].startswith(b"HTTP/"):
        raise BadRequest(400, "the request line is not METHOD PATH HTTP/1.1")
    method, target, version = words
    if version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise BadRequest(505, "the only versions understood are HTTP/1.1 and HTTP/1.0")
    headers: dict[bytes, bytes] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        name = name.lower()
        if not colon or not name or not _TOKEN.issuperset(name):
            raise BadRequest(400, "a header line is not NAME: VALUE")
        value = value.strip()
        if name in (b"content-length", b"transfer-encoding") and headers.get(name, value) != value:
            raise BadRequest(400, f"two different {name.decode()} headers")
        headers[name] = value
    connection = headers.get(b"connection", b"").lower()
    keep = b"keep-alive" in connection if version == b"HTTP/1.0" else b"close" not in connection
    path, _, query = target.partition(b"?")
    return HttpRequest(method, path, headers, keep, query=query)


def _chunk_size(text: bytes) -> int:
    if not text or len(text) > 15 or not _HEX.issuperset(text):
        raise BadRequest(400, "a chunk's size is not a hexadecimal number")
    return int(text, 16)
