"""What a failed attempt means: its kind, whether to try again, and a message that names the cure.

From exceptions, HTTP statuses and error bodies to `Failure`. The rules are those of the Responses API and of the
proxies before it; nothing here is ever taken for a short answer.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from gym_llm.errors import ModelError, ModelErrorKind
from gym_llm.items import printable, scrub_text
from gym_llm.policies.retry import retry_after
from gym_llm.policies.settings import Settings

_EXCERPT = 300
_RETRIED = frozenset({408, 409, 425, 429})
_KINDS: dict[int, ModelErrorKind] = {
    401: "auth", 402: "auth", 403: "auth", 404: "not_found", 405: "not_found", 408: "timeout", 409: "server",
    425: "server", 429: "rate_limit",
}  # fmt: skip
_OVERFLOW = re.compile(r"context[ _-](length|window)|maximum context|max_tokens|too many tokens", re.IGNORECASE)
_MISUSED = re.compile(r"not supported|unsupported|supports at most|valid integer", re.IGNORECASE)
_FILTER = re.compile(r"content[ _](filter|policy|management)", re.IGNORECASE)
_NOT_OURS = "this does not look like an OpenAI-compatible endpoint; check base_url, which usually ends in /v1"


@dataclass(slots=True)
class Failure:
    """One failed attempt.

    Attributes:
        message: What happened and what cures it.
        kind: As in `ModelError`.
        again: Whether the request is sent again here.
        status: HTTP status, if one came.
        after: Seconds that the server asked to wait, if it did.
        fatal: Whether every other request will fail likewise.
        retryable: Whether a caller may try later; the same as `again` except after a deadline.
    """

    message: str
    kind: ModelErrorKind
    again: bool
    status: int | None = None
    after: float | None = None
    fatal: bool = False
    retryable: bool | None = None

    def error(self, attempts: list[dict[str, object]], note: str = "") -> ModelError:
        """Return what is raised for it after these failed attempts."""
        tried = f" ({len(attempts)} attempts{note})" if len(attempts) > 1 or note else ""
        return ModelError(
            self.message + tried, kind=self.kind, status=self.status, fatal=self.fatal, attempts=attempts,
            retryable=self.again if self.retryable is None else self.retryable,
        )  # fmt: skip


class BodyTooLarge(Exception):
    """An answer longer than `max_body`."""


def from_exception(error: BaseException, settings: Settings, answered: bool) -> Failure:
    """Read an exception of the client.

    Args:
        error: What was raised.
        settings: The endpoint's.
        answered: Whether the endpoint has answered any request before; if not, it may be no endpoint at all.
    """
    where = f"{settings.base_url} (model {settings.model!r})"
    match error:
        case BodyTooLarge():
            text = f"{where} sent more than max_body={settings.max_body} bytes"
            return Failure(text, "too_large", again=False)
        case aiohttp.ConnectionTimeoutError():
            text = f"{where} cannot be reached: no connection in time; check base_url and the network"
            return Failure(text, "connection", again=answered, fatal=not answered)
        case asyncio.TimeoutError():
            text = f"{where} gave no complete answer within timeout={settings.timeout:g} seconds"
            return Failure(text, "timeout", again=False, retryable=True)
        case aiohttp.ClientSSLError():
            reason = _reason(error, settings)
            text = f"TLS to {where} failed: {reason}; is it an http:// address, or the certificate wrong?"
            return Failure(text, "connection", again=False, fatal=not answered)
        case aiohttp.ClientConnectorError():
            text = f"{where} cannot be reached: {_reason(error, settings)}; {_cure(error)}"
            return Failure(text, "connection", again=True, fatal=not answered)
        case aiohttp.ClientPayloadError():
            text = f"{where} broke off its answer: the connection ended before the body did"
            return Failure(text, "truncated", again=True)
        case aiohttp.ClientResponseError():
            text = f"{where} did not answer in HTTP: {_reason(error, settings)}; {_NOT_OURS}"
            return Failure(text, "invalid_response", again=answered, fatal=not answered)
        case _:
            text = f"the connection to {where} was lost: {_reason(error, settings)}"
            return Failure(text, "connection", again=True)


def from_status(status: int, headers: Mapping[str, str], body: bytes, settings: Settings) -> Failure:
    """Read an answer whose status is not 200."""
    after = retry_after(headers.get("Retry-After"))
    if 300 <= status < 400:
        return _redirect(status, headers, settings)
    details = error_details(body)
    said = excerpt(body, details, headers, settings)
    kind = _kind(status, details)
    where = f"{settings.base_url} (model {settings.model!r})"
    if details.get("code") == "insufficient_quota":
        text = f"the quota at {where} is used up ({status}): {said}"
        return Failure(text, "rate_limit", again=False, status=status, fatal=True)
    again = status in _RETRIED or status >= 500
    fatal = kind in ("auth", "not_found")
    text = f"{where} answered {status}: {said}{_advice(kind, settings)}"
    return Failure(text, kind, again=again, status=status, after=after, fatal=fatal)


def from_error_object(error: Any, settings: Settings) -> Failure:
    """Read the error that a response carries in place of an answer (`status` failed)."""
    details = error if isinstance(error, dict) else {"message": str(error)}
    code = str(details.get("code") or "")
    kind: ModelErrorKind = "server"
    if code == "rate_limit_exceeded":
        kind = "rate_limit"
    elif _is_overflow(details):
        kind = "context_overflow"
    elif _is_filter(details):
        kind = "content_filter"
    elif code.startswith("invalid_") or "image" in code:
        kind = "bad_request"
    said = excerpt(b"", details, {}, settings)
    text = f"{settings.base_url} (model {settings.model!r}) failed to answer: {said}"
    return Failure(text, kind, again=kind in ("server", "rate_limit"), status=200)


def not_an_endpoint(what: str, settings: Settings, answered: bool) -> Failure:
    """Return the failure of an answer that no such endpoint gives, as an HTML page."""
    text = f"{settings.base_url}{settings.path} answered with {what}: {_NOT_OURS}"
    return Failure(text, "invalid_response", again=answered, status=200, fatal=not answered)


def unusable(what: str, settings: Settings, kind: ModelErrorKind = "invalid_response") -> Failure:
    """Return the failure of an answer that is broken off or not what was asked for; it is asked for again."""
    return Failure(f"{settings.base_url} (model {settings.model!r}): {what}", kind, again=True, status=200)


def error_details(body: bytes) -> dict[str, Any]:
    """Return `message`, `code` and `type` of an error body, in any of the shapes that servers use."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    if isinstance(decoded, dict):
        inner = decoded.get("error") or decoded
        if isinstance(inner, dict):
            return {"message": inner.get("message") or inner.get("detail"), **_texts(inner)}
        return {"message": inner}
    return {}


def excerpt(body: bytes, details: Mapping[str, Any], headers: Mapping[str, str], settings: Settings) -> str:
    """Return what the server said, safe to show: short, printable, without the key."""
    if is_html(body, headers):
        return "an HTML page; " + _NOT_OURS
    message = details.get("message") or details.get("code")
    text = str(message) if message else body.decode("utf-8", "replace")
    text = printable(scrub_text(settings.redacted(" ".join(text.split()))))
    return (text[:_EXCERPT] + "..." if len(text) > _EXCERPT else text.rstrip(".")) or "(no message)"


def is_html(body: bytes, headers: Mapping[str, str]) -> bool:
    """Whether a body is a web page."""
    return headers.get("Content-Type", "").startswith("text/html") or body[:64].lstrip()[:1] == b"<"


def _texts(details: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name in ("code", "type") if isinstance(value := details.get(name), str)}


def _kind(status: int, details: Mapping[str, Any]) -> ModelErrorKind:
    if status in _KINDS:
        return _KINDS[status]
    if status >= 500:
        return "server"
    if _is_overflow(details):
        return "context_overflow"
    return "content_filter" if _is_filter(details) else "bad_request"


def _is_overflow(details: Mapping[str, Any]) -> bool:
    """Whether the conversation is too long; a parameter that this model never takes is another matter."""
    message = str(details.get("message"))
    if details.get("code") == "context_length_exceeded":
        return True
    return bool(_OVERFLOW.search(message)) and not _MISUSED.search(f"{details.get('code')} {message}")


def _is_filter(details: Mapping[str, Any]) -> bool:
    return bool(_FILTER.search(f"{details.get('code')} {details.get('message')}"))


def _redirect(status: int, headers: Mapping[str, str], settings: Settings) -> Failure:
    target = urlsplit(headers.get("Location", ""))
    shown = printable(settings.redacted(f"{target.scheme}://{target.hostname or ''}{target.path}"))[:_EXCERPT]
    text = f"{settings.base_url} redirects ({status}) to {shown}, where the key is not sent; correct base_url"
    return Failure(text, "not_found", again=False, status=status, fatal=True)


def _advice(kind: ModelErrorKind, settings: Settings) -> str:
    env = settings.key_env
    if kind == "auth" and settings.key is None:
        return f". No API key was sent: set {env}" if env else ". No API key was sent: give api_key or api_key_env"
    if kind == "auth":
        return f". Check the API key{f' in {env}' if env else ''} and that it belongs to this base_url"
    if kind == "not_found":
        return f". Check model={settings.model!r} and base_url, to which {settings.path} is added"
    return ""


def _reason(error: BaseException, settings: Settings) -> str:
    inner = getattr(error, "os_error", None) or getattr(error, "certificate_error", None) or error
    text = str(getattr(inner, "strerror", None) or getattr(inner, "message", None) or inner)
    number = getattr(inner, "errno", None)
    if number and text.startswith("Connect call failed"):  # asyncio's words say where, the system's say why
        text = os.strerror(number)
    return printable(settings.redacted(" ".join(text.split()) or type(error).__name__))[:_EXCERPT]


def _cure(error: aiohttp.ClientConnectorError) -> str:
    if error.os_error.errno in (errno.EMFILE, errno.ENFILE):
        return "raise the limit of open files (ulimit -n) or lower max_in_flight"
    return "check base_url and that the server is running"
