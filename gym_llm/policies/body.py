"""From an HTTP answer to a checked JSON object, with a cap on its size and nothing cut off unnoticed.

Bodies are decompressed here and not by the client, so that a small compressed body cannot become a huge one.
"""

from __future__ import annotations

import json
import zlib
from typing import Any

import aiohttp
import msgspec

from gym_llm.items import scrub
from gym_llm.policies.failures import BodyTooLarge

_MAX_DEPTH = 200


class Unreadable(Exception):
    """A body that is no JSON object; `truncated` when it looks like the beginning of one."""

    def __init__(self, reason: str, truncated: bool = False) -> None:
        super().__init__(reason)
        self.truncated = truncated


async def read_body(response: aiohttp.ClientResponse, cap: int, *, cut: bool = False) -> bytes:
    """Return a body as sent.

    Args:
        response: The answer, its body unread.
        cap: Bytes at most.
        cut: Return the first bytes of a longer body, in place of raising.

    Raises:
        BodyTooLarge: The body is longer; its rest is not read.
    """
    content = response.content
    body = await content.readany()
    size = len(body)
    if size <= cap and content.at_eof():
        return body
    parts = [body]
    while size <= cap and (part := await content.readany()):
        parts.append(part)
        size += len(part)
    if size > cap:
        response.close()
        if not cut:
            raise BodyTooLarge
    return b"".join(parts)[:cap]


def decompressed(body: bytes, encoding: str, cap: int) -> bytes:
    """Return a body without its content coding, which no server should have used: identity is asked for.

    Raises:
        BodyTooLarge: It is longer than `cap` bytes; decompression stops there.
        Unreadable: The coding is unknown or the data broken.
    """
    if encoding.lower() not in ("gzip", "x-gzip", "deflate"):
        raise Unreadable(f"the body is compressed with {encoding[:40]!r} although identity was asked for")
    unpacker = zlib.decompressobj(32 + zlib.MAX_WBITS)
    try:
        plain = unpacker.decompress(body, cap + 1)
    except zlib.error as error:
        raise Unreadable(f"the compressed body is broken: {error}") from None
    if len(plain) > cap:
        raise BodyTooLarge
    if not unpacker.eof:
        raise Unreadable("the compressed body is broken off", truncated=True)
    return plain


def decoded(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body.

    Servers written in Python send NaN and lone surrogates; those become null and U+FFFD.

    Raises:
        Unreadable: It is not one JSON object.
    """
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        value = _lenient(body, str(error))
    if not isinstance(value, dict):
        raise Unreadable(f"the body is a JSON {type(value).__name__}, not an object")
    return value


def _lenient(body: bytes, reason: str) -> Any:
    try:
        return scrub(json.loads(body), _MAX_DEPTH)
    except (ValueError, RecursionError):
        truncated = "truncated" in reason or not body.strip()
        what = "the body is broken off" if truncated else "the body is not valid JSON"
        raise Unreadable(f"{what} ({len(body)} bytes): {reason[:200]}", truncated) from None
