"""`AzureOpenAIPolicy`: a deployment of Azure OpenAI, by either API and by either scheme of addresses.

Only where requests go and how the key is sent differ from OpenAI's own; what is sent and what comes back is the
business of `OpenAIPolicy` and `ChatCompletionsPolicy`, one of which does the work.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal, get_args

import gymnasium
from pydantic import SecretStr

from gym_llm.errors import ConfigError
from gym_llm.items import Action, Item
from gym_llm.policies.chat.policy import ChatCompletionsPolicy
from gym_llm.policies.connections import Connections
from gym_llm.policies.health import PROBE_SECONDS, Health
from gym_llm.policies.openai import OpenAIPolicy
from gym_llm.policies.policy import Act, Policy
from gym_llm.policies.settings import Settings, checked_url

API = Literal["responses", "chat"]
_VERSIONLESS = ("v1", "preview", "latest")
_OF_A_DEPLOYMENT = ("/chat/completions", "/completions")


class AzureConnections(Connections):
    """A resource of Azure OpenAI as one policy knows it.

    Args:
        connections: Model, key and limits.
        azure_endpoint: Address of the resource.
        api_version: A date for the older addresses; `v1`, `preview` or `latest` for the newer.
        bearer: Whether the key is a token of Entra ID.
    """

    def __init__(self, connections: Connections, azure_endpoint: str, api_version: str, bearer: bool) -> None:
        vars(self).update(vars(connections))
        self._dated = api_version not in _VERSIONLESS
        self._query = "" if api_version == "v1" else f"?api-version={api_version}"
        self._key_header = "Authorization" if bearer else "api-key"
        self.base_url = f"{azure_endpoint}/openai" + ("" if self._dated else "/v1")

    def settings(self, path: str, base_url: str | None = None) -> Settings:
        """Return what an endpoint for a path is told; a dated address names the deployment of a chat."""
        if self._dated and path in _OF_A_DEPLOYMENT:
            path = f"/deployments/{self.model}{path}"
        return super().settings(path + self._query, base_url)


class AzureOpenAIPolicy(Policy):
    """A policy that calls a deployment of Azure OpenAI.

    Args:
        model: The deployment's name.
        azure_endpoint: Address of the resource, such as `https://NAME.openai.azure.com`; `AZURE_OPENAI_ENDPOINT`
            when left out.
        api_version: A date such as `2025-03-01-preview` for the older addresses; `v1` (the newer ones, which need
            none), or `preview` or `latest` of them. `OPENAI_API_VERSION` when left out, else `v1`.
        api: `responses`, or `chat` for Chat Completions.
        api_key: The key, for this process only: specs, pickles and records do not hold it.
        api_key_env: The environment variable to read the key from when none is given.
        azure_ad_token_env: The environment variable that holds a token of Entra ID, sent in place of a key.
        **settings: As of `OpenAIPolicy`, or of `ChatCompletionsPolicy`: limits, options and sampling.

    Raises:
        ConfigError: A setting cannot be used.

    >>> policy = AzureOpenAIPolicy("my-deployment", "https://name.openai.azure.com", "v1", temperature=0.7)
    >>> policy.spec()["azure_endpoint"]
    'https://name.openai.azure.com'
    """

    def __init__(
        self, model: str, azure_endpoint: str | None = None, api_version: str | None = None, api: API = "responses",
        api_key: str | SecretStr | None = None, api_key_env: str | None = "AZURE_OPENAI_API_KEY",
        azure_ad_token_env: str | None = None, **settings: Any,
    ) -> None:  # fmt: skip
        if api not in get_args(API):
            raise ConfigError(f"api={api!r}: give one of {', '.join(get_args(API))}")
        self._endpoint = _resource(azure_endpoint or os.environ.get("AZURE_OPENAI_ENDPOINT"))
        self._version = _checked_version(api_version or os.environ.get("OPENAI_API_VERSION") or "v1")
        self._api, self._key_env, self._token_env = api, api_key_env, azure_ad_token_env
        if azure_ad_token_env is not None:
            api_key, api_key_env = None, azure_ad_token_env
        chosen = OpenAIPolicy if api == "responses" else ChatCompletionsPolicy
        made = chosen(model, self._endpoint, api_key, api_key_env, **settings)
        self._policy: Policy = made.reached_by(
            lambda given: AzureConnections(given, self._endpoint, self._version, bool(azure_ad_token_env))
        )

    async def __call__(self, observation: list[Item], info: dict[str, Any]) -> Action:
        """Return the deployment's response; see the policy of the chosen API."""
        return await self._policy(observation, info)

    def for_episode(self, env: gymnasium.Env[Any, Any], seed: int) -> Act:
        """Return what answers one episode."""
        return self._policy.for_episode(env, seed)

    def spec(self) -> dict[str, Any]:
        """Return the configuration; of the key and the token, only their environment variables."""
        inner = self._policy.spec()
        rest = {name: value for name, value in inner.items() if name not in ("type", "base_url", "api_key_env")}
        return {
            "type": "azure", "azure_endpoint": self._endpoint, "api_version": self._version, "api": self._api,
            "api_key_env": self._key_env, "azure_ad_token_env": self._token_env, **rest,
        }  # fmt: skip

    def sampled(self, sampling: Mapping[str, Any]) -> Policy:
        """Return this policy with other sampling laid over its own."""
        policy = self._copied()
        policy._policy = self._policy.sampled(sampling)
        return policy

    def credentials(self) -> Any:
        """Return the key that was given directly."""
        return self._policy.credentials()

    def entrusted(self, credentials: Any, index: int = 0, count: int = 1) -> Policy:
        """Return this policy as one of several processes uses it; see `Policy.entrusted`."""
        policy = self._copied()
        policy._policy = self._policy.entrusted(credentials, index, count)
        return policy

    def create_call(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the create call that is made of a row's."""
        return self._policy.create_call(params)

    def secrets(self) -> list[str]:
        """Return the key or the token."""
        return self._policy.secrets()

    async def probe(self, timeout: float = PROBE_SECONDS, *, thorough: bool = False) -> list[Health]:
        """Probe the deployment; see `Policy.probe`."""
        return await self._policy.probe(timeout, thorough=thorough)

    async def close(self) -> None:
        """Close the connections of the running event loop."""
        await self._policy.close()


def _resource(address: str | None) -> str:
    """Return the address of a resource, without what is added to it."""
    if not address:
        raise ConfigError("azure_endpoint is missing: give the resource's address, or set AZURE_OPENAI_ENDPOINT")
    checked = checked_url(address)
    for end in ("/openai/v1", "/openai"):
        checked = checked.removesuffix(end)
    return checked


def _checked_version(version: str) -> str:
    if version not in _VERSIONLESS and not version[:4].isdecimal():
        raise ConfigError(f"api_version={version!r}: give a date such as 2025-03-01-preview, or v1")
    return version
