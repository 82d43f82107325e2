"""Where search results come from: the embedded corpus, a SearXNG server, or Google's Programmable Search.

A provider is asked by `await search(query, limit)` and gives `title`, `url` and `snippet` of each result. Its server
is the author's choice and is trusted; its answers are bounded. A key travels in a header, never in a URL.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr

from gym_llm.envs.google_search import corpus, keys
from gym_llm.envs.google_search.addresses import MAX_URL
from gym_llm.envs.google_search.fetcher import trust
from gym_llm.errors import ConfigError, GymLLMError, did_you_mean
from gym_llm.items import scrub_text

GOOGLE = "https://www.googleapis.com"
MAX_BODY = 4_000_000
SECONDS = 10.0
ATTEMPTS = 2
_TEXT = 500


class SearchFailed(GymLLMError):
    """A provider that gave no results because it failed: nothing that the model did."""


class Provider(Protocol):
    """What answers queries."""

    async def search(self, query: str, limit: int) -> list[dict[str, str]]:
        """Return the best results, best first.

        Raises:
            SearchFailed: The provider failed.
        """


class SearxNG:
    """A SearXNG server whose settings allow the format `json`.

    Args:
        url: Its address.
    """

    def __init__(self, url: str) -> None:
        self.url = _address(url)

    async def search(self, query: str, limit: int) -> list[dict[str, str]]:
        """Return the first results of the server, asked for plain words: `!!g` would make it redirect, `<9` hurry."""
        query = " ".join(filter(None, (word.lstrip("!?:<") for word in query.split())))
        if not query:
            return []
        answer = await _asked(f"{self.url}/search", {"q": query, "format": "json"}, {})
        return _results(answer.get("results"), "title", "url", "content")[:limit]


class Google:
    """Google's Programmable Search, `customsearch/v1`.

    Args:
        key: The API's key.
        cx: The search engine's id.
        url: The API's address.
    """

    def __init__(self, key: SecretStr, cx: str, url: str = GOOGLE) -> None:
        self._key, self.cx, self.url = key, cx, _address(url)

    async def search(self, query: str, limit: int) -> list[dict[str, str]]:
        """Return the first results of the API, 10 at most."""
        params = {"q": query, "cx": self.cx, "num": str(min(limit, 10))}
        headers = {"X-Goog-Api-Key": self._key.get_secret_value()}
        answer = await _asked(f"{self.url}/customsearch/v1", params, headers)
        return _results(answer.get("items", []), "title", "link", "snippet")[:limit]


def provider(settings: Mapping[str, Any] | str | None) -> Provider:
    """Build a provider from plain settings.

    Args:
        settings: `{"type": "corpus", "path": ...}` (the default, with the bundled documents), `{"type": "searxng",
            "url": ...}` or `{"type": "google", "cx": ..., "key_env": ..., "url": ...}`; or the type alone.

    Raises:
        ConfigError: A type, a key or a value is wrong, or the API's key is nowhere.
    """
    if not isinstance(settings, str | Mapping | None):
        raise ConfigError(f"provider={settings!r}: give a mapping, such as {{'type': 'searxng', 'url': ...}}")
    given = {"type": settings} if isinstance(settings, str) else dict(settings or {"type": "corpus"})
    known = {"corpus": {"path"}, "searxng": {"url"}, "google": {"cx", "key_env", "url"}}
    kind = given.pop("type", None)
    if kind not in known:
        raise ConfigError(f"provider type {kind!r}: there are {', '.join(known)}.{did_you_mean(str(kind), known)}")
    if "key" in given or "api_key" in given:
        raise ConfigError("provider: settings are recorded, so no key stands there; " + keys.CURE)
    for name in given:
        if name not in known[kind]:
            raise ConfigError(f"provider {kind} has no setting {name!r}.{did_you_mean(name, known[kind])}")
    if kind == "corpus":
        return corpus.load(given.get("path"))
    if kind == "searxng":
        if "url" not in given:
            raise ConfigError("provider searxng needs url, the address of the server")
        return SearxNG(given["url"])
    key, cx = keys.google(given.get("key_env", keys.KEY_ENV), given.get("cx"))
    return Google(key, cx, given.get("url", GOOGLE))


def _address(url: Any) -> str:
    parts = urlsplit(str(url))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"provider url={url!r} is no address such as https://search.example.org")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError(f"provider url at {parts.hostname}: it must hold no user, password, query or fragment")
    return str(url).rstrip("/")


async def _asked(url: str, params: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
    """Return a server's JSON object; asked a second time after a failure that may pass.

    Raises:
        SearchFailed: Saying the status or the kind of failure, and nothing that the server wrote.
    """
    import httpx

    for attempt in range(1, ATTEMPTS + 1):
        try:
            async with asyncio.timeout(SECONDS):
                status, body = await _got(url, params, headers)
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            told, again = f"no answer ({type(error).__name__})", True
        else:
            told, again = f"status {status}", status == 429 or status >= 500
            if status == 200:
                return _object(body)
        if not again or attempt == ATTEMPTS:
            break
        await asyncio.sleep(0.2)
    raise SearchFailed(f"the search provider at {urlsplit(url).hostname} failed: {told}")


async def _got(url: str, params: dict[str, str], headers: dict[str, str]) -> tuple[int, bytes]:
    import httpx

    sent = {"Accept": "application/json", "Accept-Encoding": "identity", **headers}
    body = bytearray()
    async with (
        httpx.AsyncClient(verify=trust(), timeout=SECONDS, follow_redirects=False) as client,
        client.stream("GET", url, params=params, headers=sent) as response,
    ):
        async for piece in response.aiter_raw(65_536):
            body += piece
            if len(body) > MAX_BODY:
                raise SearchFailed(f"the search provider's answer is larger than {MAX_BODY} bytes")
        return response.status_code, bytes(body)


def _object(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise SearchFailed("the search provider's answer is no JSON; does the server allow format=json?") from None
    if not isinstance(answer, dict):
        raise SearchFailed("the search provider's answer is no JSON object")
    return answer


def _results(found: Any, title: str, url: str, snippet: str) -> list[dict[str, str]]:
    if not isinstance(found, list):
        raise SearchFailed("the search provider's answer has no list of results")
    return [
        {"title": _text(each.get(title)), "url": each[url], "snippet": _text(each.get(snippet))}
        for each in found if isinstance(each, dict) and isinstance(each.get(url), str) and len(each[url]) <= MAX_URL
    ]  # fmt: skip


def _text(value: Any) -> str:
    return scrub_text(value)[:_TEXT] if isinstance(value, str) else ""
