"""From an answer's content to the exact bytes and times on the wire.

`Content` is what is said; `Reply` is what the connection plays, piece by piece, and how it ends. A fault is a
`Reply` that breaks the promises of an honest one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from gym_llm.errors import ModelError

End = Literal["keep", "close", "reset", "hold"]
"""What happens after the last piece: keep the connection, close it, reset it, or leave the client waiting."""

JSON = b"application/json"
EVENTS = b"text/event-stream; charset=utf-8"
HTML = b"text/html; charset=utf-8"

REASONS = {
    200: b"OK", 400: b"Bad Request", 401: b"Unauthorized", 404: b"Not Found", 405: b"Method Not Allowed",
    408: b"Request Timeout", 409: b"Conflict", 413: b"Content Too Large", 415: b"Unsupported Media Type",
    429: b"Too Many Requests", 431: b"Request Header Fields Too Large", 500: b"Internal Server Error",
    501: b"Not Implemented", 502: b"Bad Gateway", 503: b"Service Unavailable", 504: b"Gateway Timeout",
    505: b"HTTP Version Not Supported",
}  # fmt: skip

_TYPES = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}


@dataclass(slots=True)
class Content:
    """An answer before it is put on the wire.

    Attributes:
        parts: The body; for a stream, one part per server-sent event.
        kind: The content type.
        status: HTTP status.
        headers: Further header lines, each ending in CRLF.
    """

    parts: list[bytes]
    kind: bytes = JSON
    status: int = 200
    headers: bytes = b""

    @property
    def streamed(self) -> bool:
        """Whether the body is a stream of server-sent events."""
        return self.kind is EVENTS

    @property
    def body(self) -> bytes:
        """The body in one piece, without transfer coding."""
        return self.parts[0] if len(self.parts) == 1 else b"".join(self.parts)


@dataclass(slots=True)
class Reply:
    """What a connection plays.

    Attributes:
        pieces: Exact bytes, in order.
        end: What happens after the last piece.
        delay: Seconds before the first piece.
        interval: Seconds between pieces; 0 writes them all at once.
        on_end: Called once: with True after the last piece, with False when the connection was lost before.
    """

    pieces: Sequence[bytes]
    end: End = "keep"
    delay: float = 0.0
    interval: float = 0.0
    on_end: Callable[[bool], None] | None = None


def head(content: Content, framing: bytes) -> bytes:
    """Return status line and headers; `framing` is the header line that tells how the body ends."""
    reason = REASONS.get(content.status, b"Unknown")
    return b"HTTP/1.1 %d %b\r\nContent-Type: %b\r\n%b%b\r\n\r\n" % (
        content.status, reason, content.kind, content.headers, framing,
    )  # fmt: skip


def chunk(part: bytes) -> bytes:
    """Return a part in chunked transfer coding."""
    return b"%x\r\n%b\r\n" % (len(part), part)


def honest(content: Content, interval: float = 0.0) -> Reply:
    """Return the reply that keeps all promises; `interval` seconds lie between the events of a stream."""
    if content.streamed:
        pieces = [head(content, b"Transfer-Encoding: chunked"), *map(chunk, content.parts), b"0\r\n\r\n"]
        return Reply(pieces, interval=interval)
    body = content.body
    return Reply((head(content, b"Content-Length: %d" % len(body)) + body,))


def json_content(value: Any, status: int = 200, headers: bytes = b"") -> Content:
    """Return a JSON answer."""
    return Content([msgspec.json.encode(value)], JSON, status, headers)


def error_content(
    status: int, message: str, *, code: str | None = None, param: str | None = None, headers: bytes = b""
) -> Content:
    """Return an error in the form that OpenAI's API gives it."""
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return json_content(body, status, headers)


def refusal(error: ModelError) -> Content:
    """Return the answer to a request that the mock model refuses."""
    return error_content(error.status or 400, str(error), code=_CODES.get(error.kind))


_CODES = {
    "not_found": "model_not_found",
    "auth": "invalid_api_key",
    "rate_limit": "rate_limit_exceeded",
    "context_overflow": "context_length_exceeded",
    "content_filter": "content_filter",
}
