"""Fetching a page from the public internet on a model's behalf, within limits.

Each hop's host is resolved once, its addresses are checked, and the connection goes to a checked address, with the
name in the Host header and in TLS. What the page says is read in `pages.py`.
"""

from __future__ import annotations

import asyncio
import codecs
import re
import ssl
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from gym_llm.envs.google_search.addresses import Refused, Target, checked, parsed_url

if TYPE_CHECKING:
    import httpx

CONTENT_TYPES = ("text/html", "application/xhtml+xml", "text/plain")
_REDIRECTS = (301, 302, 303, 307, 308)
_CHARSETS = re.compile(r"utf-(8|16|32)|ascii|iso8859|latin|cp\d|gb|big5|shift_jis|euc_|koi8")
_ENCODINGS = ("", "identity", "gzip", "x-gzip", "deflate")


@dataclass(frozen=True, slots=True)
class Page:
    """What was fetched: its final URL, its kind and its text."""

    url: str
    content_type: str
    text: str


class Fetcher:
    """Fetches pages.

    Args:
        max_bytes: Bytes of a page, decompressed.
        max_seconds: Seconds for one page, name resolution and redirects included.
        max_redirects: Redirects that are followed.
        allowed_hosts: The only hosts to be read, with their subdomains; any when empty.
        blocked_hosts: Hosts that are not read, with their subdomains.
        loopback_for_tests: Lets this machine's own addresses, on any port, be read. No setting leads here.
    """

    def __init__(
        self, *, max_bytes: int = 2_000_000, max_seconds: float = 15.0, max_redirects: int = 5,
        allowed_hosts: Collection[str] = (), blocked_hosts: Collection[str] = (), loopback_for_tests: bool = False,
    ) -> None:  # fmt: skip
        self.max_bytes, self.max_seconds, self.max_redirects = max_bytes, max_seconds, max_redirects
        self.allowed_hosts, self.blocked_hosts = tuple(map(_named, allowed_hosts)), tuple(map(_named, blocked_hosts))
        self._loopback = loopback_for_tests

    def parsed(self, text: str) -> httpx.URL:
        """Return a URL that may be asked for as far as its text tells.

        Raises:
            Refused: It must not.
        """
        url = parsed_url(text, any_port=self._loopback)
        host = _host(url)
        if _under(host, self.blocked_hosts) or (self.allowed_hosts and not _under(host, self.allowed_hosts)):
            raise Refused("this site is not to be read here")
        return url

    def blocks(self, text: str) -> bool:
        """Whether a URL's host is among the blocked ones."""
        import httpx

        try:
            return bool(self.blocked_hosts) and _under(_host(httpx.URL(text)), self.blocked_hosts)
        except (httpx.InvalidURL, ValueError, TypeError):
            return False

    async def fetch(self, text: str) -> Page:
        """Return a page.

        Raises:
            Refused: It must not or cannot be read; the reason is for the model.
        """
        import httpx

        try:
            async with asyncio.timeout(self.max_seconds):
                return await self._followed(self.parsed(text))
        except TimeoutError:
            raise Refused(f"the page did not arrive within {self.max_seconds:g} seconds") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            raise Refused(f"the page cannot be read: {type(error).__name__}") from None

    async def _followed(self, url: httpx.URL) -> Page:
        import httpx

        for _ in range(self.max_redirects + 1):
            target = await checked(url, loopback=self._loopback)
            found = await self._reached(target)
            if isinstance(found, Page):
                return found
            try:
                url = self.parsed(str(url.join(found)))
            except (httpx.InvalidURL, ValueError):
                raise Refused("the page redirects to what is no URL") from None
        raise Refused(f"the page redirects more than {self.max_redirects} times")

    async def _reached(self, target: Target) -> Page | str:
        """Return the page, or where it redirects to, from the first of the addresses that takes a connection."""
        import httpx

        for address in target.addresses[:-1]:
            try:
                return await self._asked(target, address)
            except httpx.ConnectError:
                continue
        return await self._asked(target, target.addresses[-1])

    async def _asked(self, target: Target, address: str) -> Page | str:
        """Ask one checked address; a client of its own, as connections are pooled by address and not by name."""
        import httpx

        headers = {
            "Host": target.url.netloc.decode("ascii"), "Accept": "text/html,text/plain;q=0.8",
            "Accept-Encoding": "gzip", "User-Agent": "Mozilla/5.0 (compatible; gym-llm)", "Connection": "close",
        }  # fmt: skip
        url = target.url.copy_with(host=address)
        async with httpx.AsyncClient(verify=trust(), trust_env=False, timeout=self.max_seconds) as client:
            request = client.build_request("GET", url, headers=headers, extensions={"sni_hostname": target.host})
            response = await client.send(request, stream=True, follow_redirects=False)
            try:
                return await self._read(response, target)
            finally:
                await response.aclose()

    async def _read(self, response: httpx.Response, target: Target) -> Page | str:
        if response.status_code in _REDIRECTS and response.headers.get("location"):
            return str(response.headers["location"])
        if response.status_code != 200:
            raise Refused(f"the site answered with status {response.status_code}")
        content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type not in CONTENT_TYPES:
            raise Refused(f"the page is of the type {content_type[:60] or 'unknown'!r}, which is not read")
        body = await _body(response, self.max_bytes)
        return Page(str(target.url), content_type, _decoded(body, response.charset_encoding))


async def _body(response: httpx.Response, limit: int) -> bytes:
    """Return the decompressed body; what is decompressed at a time is bounded too.

    Raises:
        Refused: It is too large, or compressed in a way that is not read.
    """
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        raise Refused("the page is compressed in a way that is not read")
    unpack = zlib.decompressobj(47 if encoding.endswith("gzip") else 15) if encoding not in ("", "identity") else None
    body = bytearray()
    received = 0
    async for piece in response.aiter_raw(65_536):
        received += len(piece)
        try:
            body += unpack.decompress(piece, limit + 1 - len(body)) if unpack else piece
        except zlib.error:
            raise Refused("the page is not compressed as it says") from None
        if len(body) > limit or received > limit:
            raise Refused(f"the page is larger than {limit} bytes")
    return bytes(body)


def _decoded(body: bytes, charset: str | None) -> str:
    """Decode by a page's own charset when it is one of the web's: Python's `punycode` takes quadratic time."""
    try:
        name = codecs.lookup(charset or "utf-8").name
    except (LookupError, ValueError):
        name = "utf-8"
    return body.decode(name if _CHARSETS.match(name) else "utf-8", "replace")


def _host(url: httpx.URL) -> str:
    return url.raw_host.decode("ascii").lower().rstrip(".")


def _named(host: str) -> str:
    """Return a host's name as URLs have it: lower-case, other letters than ASCII's encoded."""
    host = host.lower().strip(".")
    if host.isascii():
        return host
    import httpx

    return httpx.URL(f"http://{host}").raw_host.decode("ascii")


def _under(host: str, names: Collection[str]) -> bool:
    return any(host == name or host.endswith(f".{name}") for name in names)


@cache
def trust() -> ssl.SSLContext:
    """Return the authorities to trust; made once, as reading them takes longer than a request."""
    import httpx

    return httpx.create_ssl_context()
