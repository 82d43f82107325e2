"""Faults on demand: which request is struck, and the broken reply it gets.

Every fault is one that real endpoints and the proxies before them show; none needs the client's help.
"""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from gym_llm.errors import ModelError
from gym_llm.mock_model.config import FaultConfig
from gym_llm.mock_model.replies import HTML, Content, Reply, chunk, error_content, head, honest

HEADER = b"x-mock-fault"
METADATA_KEY = "mock_fault"

_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Status:
    status: int
    message: str
    code: str | None = None
    retry_after: float | None = None


_STATUSES = {
    "rate_limit": _Status(429, "Rate limit reached (mock fault).", "rate_limit_exceeded", 1.0),
    "server_error": _Status(500, "The server had an error while processing your request (mock fault)."),
    "unavailable": _Status(503, "The engine is currently overloaded (mock fault)."),
    "unauthorized": _Status(401, "Incorrect API key provided (mock fault).", "invalid_api_key"),
    "not_found": _Status(404, "The model does not exist (mock fault).", "model_not_found"),
    "context_overflow": _Status(
        400, "This model's maximum context length is 8192 tokens (mock fault).", "context_length_exceeded"
    ),
}

INCOMPLETE = {"incomplete": "max_output_tokens", "content_filter": "content_filter"}
"""Faults that change the answer and not its transport, with the reason they give."""


class FaultPlan:
    """Decides which fault, if any, strikes a request.

    Args:
        faults: In order of precedence.
        seed: Seeds the draws of `probability`.
    """

    def __init__(self, faults: Iterable[FaultConfig], seed: int) -> None:
        self._faults = tuple(faults)
        self._rng = random.Random(f"faults {seed}")

    def choose(self, headers: Mapping[bytes, bytes], body: Mapping[str, Any], number: int) -> FaultConfig | None:
        """Return the fault that the header, the metadata or the plan asks for, in this order.

        Raises:
            ModelError: The header or the metadata does not name a fault.
        """
        wanted: Any = headers.get(HEADER)
        metadata = body.get("metadata")
        if wanted is None and isinstance(metadata, dict):
            wanted = metadata.get(METADATA_KEY)
        if wanted:
            return _asked(wanted.decode("latin-1") if isinstance(wanted, bytes) else str(wanted))
        return next((fault for fault in self._faults if self._strikes(fault, number)), None)

    def _strikes(self, fault: FaultConfig, number: int) -> bool:
        if fault.first is not None and number > fault.first:
            return False
        if fault.every is not None and number % fault.every:
            return False
        return fault.probability is None or self._rng.random() < fault.probability


def _asked(text: str) -> FaultConfig:
    try:
        return FaultConfig.model_validate(text)
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise ModelError(f"mock fault {text!r}: {reason}", kind="bad_request", status=400) from None


def error_status(fault: FaultConfig) -> Content | None:
    """Return the error answer of a fault that is one."""
    plan = _STATUSES.get(fault.kind)
    if plan is None:
        return None
    seconds = plan.retry_after if fault.retry_after is None else fault.retry_after
    headers = b"" if seconds is None else b"Retry-After: %b\r\n" % _retry_after(seconds, fault.as_date)
    return error_content(fault.status or plan.status, plan.message, code=plan.code, headers=headers)


def _retry_after(seconds: float, as_date: bool) -> bytes:
    text = formatdate(time.time() + seconds, usegmt=True) if as_date else f"{seconds:g}"
    return text.encode()


def broken(fault: FaultConfig, content: Content, interval: float) -> Reply:
    """Return the reply that plays a fault on an answer; honest where the fault does not apply to it.

    Args:
        fault: What to play.
        content: The answer that would have been given.
        interval: Seconds between the events of an honest stream.
    """
    half = content.body[: max(1, len(content.body) // 2)]
    match fault.kind:
        case "hang":
            return Reply((), "hold")
        case "drop":
            return Reply((), "close")
        case "slow":
            return _drip(honest(content), fault.interval)
        case "drop_mid_body":
            return Reply((_begun(content, half),), "reset")
        case "truncated_length":
            return Reply((_begun(content, half),), "close")
        case "truncated_close":
            return Reply((head(content, b"Connection: close") + half,), "close")
        case "cut_stream" if content.streamed:
            return honest(Content(_without_end(content.parts), content.kind), interval)
        case "malformed_json":
            return honest(Content([_malformed(part) for part in content.parts], content.kind), interval)
        case "html":
            return honest(Content([_PAGE], HTML, fault.status or 502))
        case "gzip_bomb":
            return honest(Content([gzip_bomb(fault.megabytes)], headers=b"Content-Encoding: gzip\r\n"))
        case _:
            return honest(content, interval)


def _begun(content: Content, half: bytes) -> bytes:
    """Return a reply's beginning whose framing promises more than comes."""
    if content.streamed:
        return head(content, b"Transfer-Encoding: chunked") + chunk(half)
    return head(content, b"Content-Length: %d" % len(content.body)) + half


def _drip(reply: Reply, interval: float) -> Reply:
    whole = b"".join(reply.pieces)
    return Reply([whole[place : place + 1] for place in range(len(whole))], interval=interval)


def _without_end(events: list[bytes]) -> list[bytes]:
    """Leave out everything from the event that says how the answer ended."""
    last = len(events) - 1
    if events[last].startswith(b"data: [DONE]"):
        last = next(place for place in range(last, -1, -1) if b'"finish_reason":"' in events[place])
    return events[:last]


def _malformed(part: bytes) -> bytes:
    place = part.find(b":", part.find(b"{"))
    return part if place < 0 else part[:place] + b"," + part[place + 1 :]


@lru_cache(maxsize=2)
def gzip_bomb(megabytes: int) -> bytes:
    """Return gzip data of about a thousandth of its size of `megabytes` MiB when decompressed (all spaces).

    One compressed block is repeated, so that the bomb costs the server next to nothing.
    """
    plain = b" " * _MIB
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(plain) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(megabytes):
        checksum = zlib.crc32(plain, checksum)
    size = (megabytes * _MIB) & 0xFFFFFFFF
    trailer = checksum.to_bytes(4, "little") + size.to_bytes(4, "little")
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + block * megabytes + packer.flush() + trailer
