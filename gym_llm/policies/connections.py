"""What a policy needs to reach its server: address, key and limits, and an endpoint per event loop and path.

Configuration stays, connections come and go with their loop, so a policy can be used from several loops.
"""

from __future__ import annotations

import asyncio
import copy
import os
from typing import Any, Self

from pydantic import SecretStr

from gym_llm.errors import ConfigError
from gym_llm.policies.endpoint import Endpoint, acquire, release
from gym_llm.policies.settings import Settings, checked_url, found_key, seconds, whole_number

DEFAULT_BASE_URL = "https://api.openai.com/v1"
_Key = tuple[asyncio.AbstractEventLoop, str, str]


class Connections:
    """A model server as one policy knows it.

    Args:
        model: The model's name.
        base_url: Address of the API; `OPENAI_BASE_URL` or OpenAI's own when left out.
        api_key: The key, for this process only.
        api_key_env: The environment variable to read the key from when none is given; None for no key.
        timeout: Seconds for one attempt, answer included.
        **limits: `max_in_flight`, `max_attempts` and `max_body`, as in `Settings`.

    Raises:
        ConfigError: A setting cannot be used.
    """

    def __init__(
        self, model: str, base_url: str | None, api_key: str | SecretStr | None, api_key_env: str | None,
        timeout: float, **limits: int,
    ) -> None:  # fmt: skip
        if not model:
            raise ConfigError(f"model={model!r}: give the model's name, as the server knows it")
        self.model, self._timeout = model, seconds("timeout", timeout)
        self._limits = {name: whole_number(name, value) for name, value in limits.items()}
        self.base_url = checked_url(base_url or os.environ.get("OPENAI_BASE_URL") or DEFAULT_BASE_URL)
        self._api_key = SecretStr(api_key) if isinstance(api_key, str) else api_key
        self._api_key_env, self._key_header = api_key_env, "Authorization"
        self._endpoints: dict[_Key, Endpoint] = {}
        self._part = (0, 1)

    def spec(self) -> dict[str, Any]:
        """Return the configuration; of the key, only its environment variable."""
        return {
            "model": self.model, "base_url": self.base_url, "api_key_env": self._api_key_env,
            "timeout": self._timeout, **self._limits,
        }  # fmt: skip

    def secrets(self) -> list[str]:
        """Return the key, if there is one."""
        key = found_key(self._api_key, self._api_key_env)
        return [] if key is None else [key.get_secret_value()]

    def credentials(self) -> str | None:
        """Return the key that was given directly, if one was."""
        return None if self._api_key is None else self._api_key.get_secret_value()

    def entrusted(self, key: str | None, index: int, count: int) -> Self:
        """Return the same server as one of several processes reaches it; see `Policy.entrusted`."""
        others = copy.copy(self)
        others._endpoints, others._part = {}, (index, count)
        others._api_key = self._api_key if key is None else SecretStr(key)
        return others

    def settings(self, path: str, base_url: str | None = None) -> Settings:
        """Return what an endpoint for a path is told; see `endpoint`."""
        key = found_key(self._api_key, self._api_key_env)
        index, count = self._part
        limits = dict(self._limits)
        if count > 1:
            limits["max_in_flight"] = max(1, (limits["max_in_flight"] + count - 1 - index) // count)
        return Settings(
            base_url or self.base_url, path, self.model, key, self._api_key_env, self._timeout,
            key_header=self._key_header, **limits,
        )  # fmt: skip

    async def endpoint(self, path: str, base_url: str | None = None) -> Endpoint:
        """Return the running loop's endpoint for a path.

        Args:
            path: What is called, such as `/chat/completions`.
            base_url: The address below which it is; the API's own when left out.

        Raises:
            ConfigError: The key cannot be one.
        """
        key = (asyncio.get_running_loop(), base_url or self.base_url, path)
        endpoint = self._endpoints.get(key)
        return await self._opened(key) if endpoint is None or endpoint.closed else endpoint

    async def close(self) -> None:
        """Close the connections of the running event loop. Without it, they are closed when the loop shuts down."""
        loop = asyncio.get_running_loop()
        for key in [key for key in self._endpoints if key[0] is loop]:
            await release(self._endpoints.pop(key))

    async def _opened(self, key: _Key) -> Endpoint:
        for other in [other for other in self._endpoints if other[0].is_closed()]:
            del self._endpoints[other]
        _, base_url, path = key
        endpoint = self._endpoints[key] = await acquire(self.settings(path, base_url))
        return endpoint
