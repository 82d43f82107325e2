"""Probing a model server before it is needed: host, key, API and model, with the cure in each error, in seconds.

Nothing is generated where that can be avoided: the models are listed, and the API is called with an empty request,
which every server refuses after it has looked at the key. Retries and pauses are not here, see `endpoint.py`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from gym_llm.errors import ModelError, did_you_mean
from gym_llm.policies import failures
from gym_llm.policies.body import read_body
from gym_llm.policies.connections import Connections
from gym_llm.policies.health import PROBE_SECONDS, Health
from gym_llm.policies.replies import ABSENT, Reply, lacks, listed, refuses_model, unlike
from gym_llm.policies.sessions import open_session
from gym_llm.policies.settings import Settings

CALLS: dict[str, dict[str, Any]] = {
    "/responses": {"input": "Hi", "max_output_tokens": 16},
    "/chat/completions": {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1},
    "/completions": {"prompt": "Hi", "max_tokens": 1},
}
"""The APIs that a policy may call, with the smallest request of each; 16 is the least that OpenAI takes."""

_NAMES = {"/responses": "Responses", "/chat/completions": "Chat Completions", "/completions": "Completions"}
_INSTEAD = {
    "/responses": "use a policy of type 'chat'",
    "/chat/completions": "use a policy of type 'openai'",
    "/completions": "leave out `completions`, to chat",
}
_MOST = 8 * 1024 * 1024  # bytes of a list of models; the longest known have half a megabyte
_SHOWN = 5
_PAUSE = 0.5  # seconds before a server that is starting is asked again


async def probe(connections: Connections, path: str, timeout: float = PROBE_SECONDS, thorough: bool = False) -> Health:
    """Find out whether a model can be asked; see `Policy.probe`.

    Args:
        connections: How the server is reached.
        path: The API, one of `CALLS`.
        timeout: Seconds at most.
        thorough: Whether to find out too which APIs the server speaks.

    Raises:
        ModelError: It cannot; when `fatal`, every request would fail.
        ConfigError: The key cannot be one.
    """
    settings = replace(connections.settings(""), timeout=timeout, max_in_flight=1)
    async with open_session(settings) as session:
        visit = _Visit(connections, session, timeout)
        try:
            async with asyncio.timeout(timeout):
                await visit.check(path)
                apis = await visit.apis() if thorough else None
        except TimeoutError:
            raise visit.too_late() from None
    return Health(connections.base_url, connections.model, visit.latency, visit.models, apis)


class _Visit:
    """One look at a server.

    Attributes:
        models: What it lists.
        latency: Seconds until its first answer.
    """

    def __init__(self, connections: Connections, session: aiohttp.ClientSession, timeout: float) -> None:
        self._connections, self._session, self._timeout = connections, session, timeout
        self._model = connections.model
        self._last: Reply | None = None
        self.models: tuple[str, ...] = ()
        self.latency: float | None = None

    async def check(self, path: str) -> None:
        """Ask until something is known.

        Raises:
            ModelError: The model cannot be asked.
        """
        try:
            if await self._is_listed() and await self._takes_empty_call(path):
                return
            await self._answers_smallest_call(path)
        except ModelError as error:
            if error.kind in ("not_found", "invalid_response") and (cure := await self._other_address()):
                text = f"{error}. The API is at {cure}: set base_url to that"
                raise ModelError(text, kind=error.kind, status=error.status, fatal=True) from None
            raise

    def too_late(self) -> ModelError:
        """Return the error of a server that did not answer in time."""
        where = f"{self._connections.base_url} (model {self._model!r})"
        if self.latency is None:
            doubt = ", and whether it is an http:// address" if where.startswith("https:") else ""
            text = f"{where} does not answer (waited {self._timeout:g} seconds); check base_url{doubt}"
            return ModelError(text, kind="timeout", fatal=True)
        if self._last is not None:
            text = f"{self._last.error()}; still so after {self._timeout:g} seconds"
            return ModelError(text, kind="server", status=self._last.status, retryable=True)
        text = f"{where} is there but gave no answer within {self._timeout:g} seconds; is it starting, or busy?"
        return ModelError(text, kind="timeout", retryable=True)

    async def apis(self) -> tuple[str, ...]:
        """Return the APIs that the server does not say are missing, asked without a conversation."""
        replies = {path: await self._post(path, {}) for path in CALLS}
        return tuple(path for path, reply in replies.items() if not lacks(reply))

    async def _post(self, path: str, body: Mapping[str, Any]) -> Reply:
        payload = msgspec.json.encode({"model": self._model, **body})
        return await self._fetch("POST", self._connections.settings(path), payload)

    async def _fetch(self, method: str, settings: Settings, payload: bytes | None = None) -> Reply:
        """Send a request.

        Raises:
            ModelError: There is no answer, or one that no other request would change: a redirect, a wrong key.
        """
        url, started = URL(settings.base_url + settings.path), time.perf_counter()
        try:
            async with self._session.request(method, url, data=payload, allow_redirects=False) as response:
                self.latency = self.latency or time.perf_counter() - started
                reply = Reply(response.status, response.headers, await read_body(response, _MOST, cut=True), settings)
        except TimeoutError:
            raise self.too_late() from None
        except (aiohttp.ClientError, OSError) as error:
            raise failures.from_exception(error, settings, self.latency is not None).error([]) from None
        if 300 <= reply.status < 400 or reply.status == 401:
            raise reply.error()
        return reply

    async def _is_listed(self) -> bool:
        """Whether the server says that it has the model, in its list or when asked for it by name."""
        reply = await self._fetch("GET", self._connections.settings("/models"))
        if reply.status == 200 and failures.is_html(reply.body, reply.headers):
            raise failures.not_an_endpoint("an HTML page", reply.settings, answered=False).error([])
        self.models = listed(reply)
        if self._model in self.models:
            return True
        named = f"/models/{quote(self._model)}"
        return bool(self.models) and (await self._fetch("GET", self._connections.settings(named))).status == 200

    async def _takes_empty_call(self, path: str) -> bool:
        """Whether the API refuses an empty call as it should; False when a real one has to tell."""
        reply = await self._post(path, {})
        if reply.status >= 500 and reply.status not in ABSENT:
            return False
        self._refuse(reply, path)
        return True

    async def _answers_smallest_call(self, path: str) -> None:
        while True:
            reply = await self._post(path, CALLS[path])
            if reply.status < 500 or reply.status in ABSENT:
                break
            self._last = reply
            await asyncio.sleep(_PAUSE)
        if refuses_model(reply):
            raise self._no_such_model(reply)
        self._refuse(reply, path)
        if reply.status == 200 and (failure := unlike(reply, _NAMES[path])):
            raise failure.error([])

    def _refuse(self, reply: Reply, path: str) -> None:
        """Raise for a reply that stands for all others; a call that was refused for what it says is none."""
        if reply.status in (402, 403) or "insufficient_quota" in reply.said:
            raise reply.error()
        if lacks(reply):
            raise self._no_such_path(reply, path)
        if reply.status in ABSENT:
            raise self._no_such_model(reply)

    def _no_such_path(self, reply: Reply, path: str) -> ModelError:
        if not self.models:
            return reply.error()
        text = (
            f"{self._connections.base_url} lists its models but has no {path} ({reply.status}): it does not speak "
            f"the {_NAMES[path]} API; {_INSTEAD[path]}"
        )
        return ModelError(text, kind="not_found", status=reply.status, fatal=True)

    def _no_such_model(self, reply: Reply) -> ModelError:
        text = f"{self._connections.base_url} has no model {self._model!r} ({reply.status}): {reply.excerpt}."
        if self.models:
            more = f" and {len(self.models) - _SHOWN} more" if len(self.models) > _SHOWN else ""
            text += f"{did_you_mean(self._model, self.models)} It has: {', '.join(self.models[:_SHOWN])}{more}"
        else:
            text += " Correct model"
        return ModelError(text, kind="not_found", status=reply.status, fatal=True)

    async def _other_address(self) -> str | None:
        """Return an address near the given one at which an API answers, if there is one."""
        given = self._connections.base_url
        ends = [given.removesuffix(path) for path in (*CALLS, "/models") if given.endswith(path)]
        for address in ends or [f"{given}/v1"]:
            try:
                reply = await self._fetch("GET", self._connections.settings("/models", address))
            except ModelError as error:
                if error.kind == "auth":
                    return address
                continue
            if listed(reply):
                return address
        return None
