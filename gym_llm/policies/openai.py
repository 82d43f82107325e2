"""`OpenAIPolicy`: a model behind OpenAI's Responses API, or any server that speaks it.

It turns an observation into a create call and returns the decoded response. Retries, pauses and limits are the
endpoint's; this module keeps configuration only, so a policy can be used from several event loops and rebuilt in
another process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from gym_llm.errors import ModelError
from gym_llm.items import Item
from gym_llm.policies import responses
from gym_llm.policies.connections import Connections
from gym_llm.policies.endings import ENDINGS, ended
from gym_llm.policies.policy import Policy
from gym_llm.policies.sampled import laid_over
from gym_llm.policies.served import ServedPolicy

MAX_BODY = 32 * 1024 * 1024


class OpenAIPolicy(ServedPolicy):
    """A policy that calls a model by the Responses API.

    Args:
        model: The model's name.
        base_url: Address of the API; `OPENAI_BASE_URL` or OpenAI's own when left out.
        api_key: The key, for this process only: specs, pickles and records do not hold it.
        api_key_env: The environment variable to read the key from when none is given; None for no key.
        max_in_flight: Requests in flight at most, over all episodes of one event loop.
        timeout: Seconds for one attempt, answer included.
        max_attempts: Attempts per request; only failures that may pass are tried again.
        max_body: Bytes of an answer at most.
        **sampling: Create parameters for every call, over those of the row: `temperature`, `reasoning` ...;
            `extra_body` for keys that only your server knows. None leaves the row's own.

    Raises:
        ConfigError: A setting cannot be used.

    >>> OpenAIPolicy("gpt-5", base_url="http://localhost:8000/v1", temperature=0.7).spec()["temperature"]
    0.7
    """

    _path = "/responses"

    def __init__(
        self, model: str, base_url: str | None = None, api_key: str | SecretStr | None = None,
        api_key_env: str | None = "OPENAI_API_KEY", max_in_flight: int = 1024, timeout: float = 600.0,
        max_attempts: int = 5, max_body: int = MAX_BODY, **sampling: Any,
    ) -> None:  # fmt: skip
        self._connections = Connections(
            model, base_url, api_key, api_key_env, timeout,
            max_in_flight=max_in_flight, max_attempts=max_attempts, max_body=max_body,
        )  # fmt: skip
        self._sampling = responses.checked_params(sampling)

    async def __call__(self, observation: list[Item], info: dict[str, Any]) -> dict[str, Any]:
        """Return the model's response.

        Args:
            observation: The conversation so far.
            info: `responses_create_params` holds the row's tools and sampling; it may be missing.

        Returns:
            The decoded Responses object (`output`, `usage`, `status`, `incomplete_details`, `id`, `model` ...),
            with `_gym_llm`: `latency` (seconds of the attempt that succeeded) and `attempts` (those that failed).
            A context that is full and a content filter are an incomplete response without output.

        Raises:
            ModelError: There is no answer; `kind` says why, `attempts` what was tried.
            ConfigError: The row asks for streaming, or the key cannot be one.
        """
        params = info.get("responses_create_params") or {}
        payload = responses.encoded(self._connections.model, self._sampling, params, observation)
        endpoint = await self._connections.endpoint(self._path)
        try:
            answer = await endpoint.ask(payload, responses.check)
        except ModelError as error:
            if error.kind in ENDINGS:
                return ended(error, params)
            raise
        response = answer.body
        response["_gym_llm"] = {"latency": answer.latency, "attempts": answer.attempts}
        return response

    def spec(self) -> dict[str, Any]:
        """Return the configuration; of the key, only its environment variable."""
        return {"type": "openai", **self._connections.spec(), **self._sampling}

    def sampled(self, sampling: Mapping[str, Any]) -> Policy:
        """Return this policy with other sampling laid over its own."""
        policy = self._copied()
        policy._sampling = responses.checked_params(laid_over(self._sampling, sampling))
        return policy

    def create_call(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the create call that is made of a row's."""
        return laid_over(params, self._sampling)
