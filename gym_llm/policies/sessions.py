"""The HTTP session of an endpoint: headers, connections, proxy, TLS and open files, set up once.

One session lives in one event loop. It is closed by `close`, or by the loop itself when it shuts down.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import urllib.request
from collections.abc import AsyncGenerator
from urllib.parse import urlsplit

import aiohttp

from gym_llm.policies.settings import Settings

_CONNECT = 20.0  # seconds to open a connection, TLS included
_KEEP_ALIVE = 4.0  # seconds; below the 5 after which common servers close an idle connection
_DNS = 300  # seconds that an address is remembered
_SPARE_FILES = 256


def open_session(settings: Settings) -> aiohttp.ClientSession:
    """Return a session for one endpoint, in the running loop.

    The gate bounds what is in flight, so the connection pool itself has no limit and never queues.
    """
    _raise_open_files_limit(settings.max_in_flight + _SPARE_FILES)
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "Content-Type": "application/json"}
    headers["User-Agent"] = "gym_llm"
    if settings.key is not None:
        key = settings.key.get_secret_value()
        headers[settings.key_header] = f"Bearer {key}" if settings.key_header == "Authorization" else key
    secure: ssl.SSLContext | bool = True
    if settings.base_url.startswith("https:"):
        secure = ssl.create_default_context()  # reads SSL_CERT_FILE and SSL_CERT_DIR
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE, ttl_dns_cache=_DNS, ssl=secure)
    return aiohttp.ClientSession(
        connector=connector, headers=headers, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=settings.timeout, sock_connect=min(_CONNECT, settings.timeout)),
        proxy=proxy_for(settings.base_url),
    )  # fmt: skip


async def lifetime(session: aiohttp.ClientSession) -> AsyncGenerator[None, None]:
    """Close a session at the end of this generator, which the event loop ends when it shuts down."""
    try:
        yield
    finally:
        await session.close()
        await asyncio.sleep(0)  # lets the transports close their sockets


def proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names for an address (`HTTPS_PROXY`, `NO_PROXY` ...), or None."""
    parts = urlsplit(url)
    if parts.hostname is None or urllib.request.proxy_bypass(parts.hostname):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def _raise_open_files_limit(wanted: int) -> None:
    """Raise the soft limit of open files, since each connection is one; as far as the hard limit goes."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    target = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
