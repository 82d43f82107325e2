"""Which addresses of the network a model may reach: URLs are taken apart, names resolved, addresses judged.

`checked` returns the very addresses to connect to, so that no name is resolved a second time. Fetching is in
`fetcher.py`.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx


PORTS = (80, 443)
MAX_URL = 2000
MAX_ADDRESSES = 4
_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_NUMBER = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")
_CLOSED_4 = tuple(
    ipaddress.IPv4Network(block)
    for block in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
        "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
_OPEN_6 = ipaddress.IPv6Network("2000::/3")
_CLOSED_6 = tuple(ipaddress.IPv6Network(block) for block in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
"""IANA's special-purpose registries. Outside 2000::/3 lie loopback, mapped and translated IPv4, ULA, multicast."""


class Refused(Exception):
    """A URL that is not fetched; the message is for the model."""


@dataclass(frozen=True, slots=True)
class Target:
    """A checked URL.

    Attributes:
        url: The URL, with its host as a name.
        host: The host, as the Host header and the certificate have it.
        addresses: Where to connect to, all of them checked.
    """

    url: httpx.URL
    host: str
    addresses: tuple[str, ...]


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet's.

    >>> [is_public(each) for each in ("93.184.216.34", "127.0.0.1", "::ffff:8.8.8.8", "fd00::1", "100.64.0.1")]
    [True, False, False, False, False]
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv4Address):
        return not any(parsed in block for block in _CLOSED_4)
    return parsed.scope_id is None and parsed in _OPEN_6 and not any(parsed in block for block in _CLOSED_6)


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own, in its plain form."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def parsed_url(text: str, *, any_port: bool = False) -> httpx.URL:
    """Take a URL apart.

    Raises:
        Refused: It is none, or one that is never fetched.
    """
    import httpx

    if len(text) > MAX_URL:
        raise Refused(f"the URL is longer than {MAX_URL} characters")
    try:
        url = httpx.URL(text.strip())
        host, port = url.raw_host.decode("ascii").lower(), url.port
    except (httpx.InvalidURL, UnicodeError, ValueError, TypeError):
        raise Refused("this is no URL") from None
    if url.scheme not in ("http", "https"):
        raise Refused("only http and https URLs can be read")
    if url.userinfo:
        raise Refused("a URL with a user or a password is not read")
    if port == 0 or (port is not None and port not in PORTS and not any_port):
        raise Refused(f"port {port} is not read; only {PORTS[0]} and {PORTS[1]} are")
    if not _is_host(host):
        raise Refused("the URL has no usable host")
    return url.copy_with(fragment=None)


def _is_host(host: str) -> bool:
    """Whether a host is a name, or an address in its one usual form (`0x7f.1` and `2130706433` are none)."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        name = host.removesuffix(".")
        return bool(_NAME.fullmatch(name)) and not _NUMBER.fullmatch(name.rpartition(".")[2])
    return "%" not in host


async def checked(url: httpx.URL, *, loopback: bool = False) -> Target:
    """Resolve a URL's host once and judge every address that it has.

    Args:
        url: From `parsed_url`.
        loopback: Whether this machine's own addresses may be reached; for tests.

    Raises:
        Refused: There is no address, or one that must not be reached.
    """
    host = url.raw_host.decode("ascii").strip("[]").removesuffix(".")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Refused("the host is not known") from None
    addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses:
        raise Refused("the host has no address")
    if not all(is_public(each) or (loopback and is_loopback(each)) for each in addresses):
        raise Refused("the host is not on the public internet")
    return Target(url, host, addresses[:MAX_ADDRESSES])
