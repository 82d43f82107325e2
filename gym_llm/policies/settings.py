"""What an endpoint has to be told, checked: address, model, key and limits.

A key is held as a `SecretStr`, is looked up in the environment only when it is needed, and is taken out of every
text that the server sends back.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from gym_llm.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that tells one endpoint from another.

    Attributes:
        base_url: Address of the API, without a slash at the end.
        path: What is called below it, such as `/responses`.
        model: The model's name.
        key: The key, or None to send none.
        key_env: The environment variable that the key may come from, named in errors.
        timeout: Seconds for one attempt, answer included.
        max_in_flight: Requests in flight at most.
        max_attempts: Attempts per request.
        max_body: Bytes of an answer, decompressed.
        key_header: The header that holds the key; as a bearer token in `Authorization`, bare in any other.
    """

    base_url: str
    path: str
    model: str
    key: SecretStr | None
    key_env: str | None
    timeout: float
    max_in_flight: int
    max_attempts: int
    max_body: int
    key_header: str = "Authorization"

    def redacted(self, text: str) -> str:
        """Return the text with every occurrence of the key replaced."""
        secret = self.key.get_secret_value() if self.key else ""
        return text.replace(secret, "[API key]") if secret else text


def whole_number(name: str, value: object, at_least: int = 1) -> int:
    """Return a setting that must be a whole number.

    Raises:
        ConfigError: It is none, or below `at_least`.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
        raise ConfigError(f"{name}={value!r}: give a whole number of at least {at_least}")
    return value


def seconds(name: str, value: object) -> float:
    """Return a setting in seconds.

    Raises:
        ConfigError: It is no positive, finite number.
    """
    if not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ConfigError(f"{name}={value!r}: give seconds, more than 0")
    return float(value)


def checked_url(base_url: str) -> str:
    """Return an API's address without the slash at its end.

    Raises:
        ConfigError: It is not an http(s) address, or holds a user, a query or a fragment.
    """
    if not isinstance(base_url, str):
        raise ConfigError(f"base_url={base_url!r}: give one address; several are for FallbackPolicy, or for a spec")
    parts = urlsplit(base_url)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError(
            f"base_url at {parts.hostname} must not hold a user, a password, a query or a fragment: give "
            "the key by its environment variable"
        )
    try:
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        usable = False
    if not usable:
        raise ConfigError(f"base_url={base_url!r} is not an address such as https://api.openai.com/v1")
    return base_url.rstrip("/")


def found_key(given: SecretStr | None, env: str | None) -> SecretStr | None:
    """Return the key that was given, else the environment's, else None.

    Raises:
        ConfigError: It holds characters that no header can hold.
    """
    text = given.get_secret_value() if given is not None else os.environ.get(env or "", "")
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isprintable()) or " " in text:
        where = "api_key" if given is not None else f"${env}"
        raise ConfigError(f"{where} holds spaces, control or non-ASCII characters: it cannot be an API key")
    return SecretStr(text)
