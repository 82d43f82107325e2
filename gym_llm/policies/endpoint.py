"""One model server as seen from one event loop: requests go out through its gate, and come back checked.

An answer is either complete and of the asked shape, or a `ModelError` after the retries that its kind allows. Which
shape that is, the caller says: nothing here belongs to one API.
"""

from __future__ import annotations

import asyncio
import io
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from gym_llm.policies import failures
from gym_llm.policies.body import Unreadable, decoded, decompressed, read_body
from gym_llm.policies.failures import BodyTooLarge, Failure
from gym_llm.policies.gate import Gate
from gym_llm.policies.retry import Backoff, Budget
from gym_llm.policies.sessions import lifetime, open_session
from gym_llm.policies.settings import Settings

Check = Callable[[dict[str, Any], Settings], Failure | None]
"""Looks at a decoded answer; returns why it is none."""

_ERROR_BODY = 64 * 1024
_LARGE_PAYLOAD = 1024 * 1024  # bytes; a longer body is sent in pieces, not copied into the socket at once
_RESERVE = 100
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """A checked answer.

    Attributes:
        body: The decoded object.
        latency: Seconds of the attempt that succeeded.
        attempts: The failed ones before it: `status`, `kind`, `seconds`.
        headers: The HTTP headers that came with it.
    """

    body: dict[str, Any]
    latency: float
    attempts: list[dict[str, object]]
    headers: Mapping[str, str]


class Endpoint:
    """A model server, a model and a key, for the running event loop. Use `acquire` to share one.

    Attributes:
        gate: Who may send now.
        closed: Whether it can be used no longer.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._url = URL(settings.base_url + settings.path)
        self._session = open_session(settings)
        self._life = lifetime(self._session)
        self._backoff = Backoff()
        self._budget = Budget(_RESERVE + settings.max_in_flight)
        self._answered = False
        self.gate = Gate(settings.max_in_flight)
        self.users = 0

    @property
    def closed(self) -> bool:
        """Whether the session is closed, by `release` or because its loop shut down."""
        return self._session.closed

    async def ask(self, payload: bytes, check: Check) -> Answer:
        """Send a request until it is answered or must be given up.

        Args:
            payload: The JSON body.
            check: What the answer must be.

        Raises:
            ModelError: With the failed attempts in `attempts`.
        """
        self._budget.earn()
        attempts: list[dict[str, object]] = []
        while True:
            epoch = await self.gate.enter(first=bool(attempts))
            started = time.perf_counter()
            try:
                result = await self._attempt(payload, check)
            finally:
                self.gate.leave()
            seconds = time.perf_counter() - started
            if not isinstance(result, Failure):
                body, headers = result
                return Answer(body, seconds, attempts, headers)
            attempts.append({"status": result.status, "kind": result.kind, "seconds": round(seconds, 4)})
            _logger.debug("attempt %d failed: %s", len(attempts), result.message)
            pause = self._pause(result, attempts, epoch)
            if pause:
                await asyncio.sleep(pause)

    def _pause(self, failure: Failure, attempts: list[dict[str, object]], epoch: int) -> float:
        """Return the seconds before the next attempt; the gate itself keeps the pauses that are for everybody.

        Raises:
            ModelError: There is no next attempt.
        """
        backoff = self._backoff.seconds(len(attempts))
        limited = failure.kind == "rate_limit" and failure.again
        if limited:
            after = failure.after if failure.after is not None else max(backoff, 0.5)
            self.gate.refused(epoch, self._backoff.spread(after))
        elif failure.again and failure.after:
            self.gate.hold(self._backoff.spread(failure.after))
        if not failure.again or len(attempts) >= self._settings.max_attempts:
            raise failure.error(attempts)
        if limited:
            return 0.0
        if not self._budget.spend():
            raise failure.error(attempts, note="; no more because a tenth of all requests are retries already")
        return backoff

    async def _attempt(self, payload: bytes, check: Check) -> tuple[dict[str, Any], Mapping[str, str]] | Failure:
        data = payload if len(payload) <= _LARGE_PAYLOAD else io.BytesIO(payload)
        try:
            async with self._session.post(self._url, data=data, allow_redirects=False) as response:
                if response.status != 200:
                    body = await read_body(response, _ERROR_BODY, cut=True)
                    return failures.from_status(response.status, response.headers, body, self._settings)
                body = await read_body(response, self._settings.max_body)
            checked = self._checked(body, response, check)
            return checked if isinstance(checked, Failure) else (checked, response.headers)
        except (aiohttp.ClientError, TimeoutError, OSError, BodyTooLarge) as error:
            return failures.from_exception(error, self._settings, self._answered)

    def _checked(self, body: bytes, response: aiohttp.ClientResponse, check: Check) -> dict[str, Any] | Failure:
        """Return the answer in a body, or why there is none."""
        settings = self._settings
        encoding = response.headers.get("Content-Encoding")
        try:
            if encoding and encoding.lower() != "identity":
                body = decompressed(body, encoding, settings.max_body)
            answer = decoded(body)
        except Unreadable as error:
            if failures.is_html(body, response.headers):
                return failures.not_an_endpoint("an HTML page", settings, self._answered)
            reason = settings.redacted(str(error))
            return failures.unusable(reason, settings, "truncated" if error.truncated else "invalid_response")
        failure = check(answer, settings)
        if failure is not None:
            return failure
        self._answered = True
        return answer


_Key = tuple[asyncio.AbstractEventLoop, Settings]
_shared: dict[_Key, Endpoint] = {}
_lock = threading.Lock()


async def acquire(settings: Settings) -> Endpoint:
    """Return the running loop's endpoint for these settings, shared by all who ask for it; `release` it once."""
    key = (asyncio.get_running_loop(), settings)
    with _lock:
        for stale in [other for other, endpoint in _shared.items() if other[0].is_closed() or endpoint.closed]:
            del _shared[stale]
        endpoint = _shared.get(key)
        if endpoint is None:
            endpoint = _shared[key] = Endpoint(settings)
    if not endpoint.users:
        await anext(endpoint._life)
    endpoint.users += 1
    return endpoint


async def release(endpoint: Endpoint) -> None:
    """Give an endpoint back; the last one to do so closes it. Call it in the endpoint's loop."""
    endpoint.users -= 1
    if endpoint.users <= 0:
        await endpoint._life.aclose()
