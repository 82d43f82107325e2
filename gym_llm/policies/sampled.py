"""Sampling keywords from several sources: the row's, over those the policy's, over those the run's.

Only laying them over each other; which names there are, each policy says for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium

from gym_llm.items import Action, Item
from gym_llm.policies.health import PROBE_SECONDS, Health
from gym_llm.policies.policy import Act, Policy

OPEN = ("extra_body", "chat_template_kwargs")
"""Mappings whose keys only the server knows: they are joined key by key."""


def laid_over(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return create parameters with others laid over them; a None leaves what is there.

    >>> laid_over({"top_p": 1, "extra_body": {"a": 1}}, {"temperature": 0, "extra_body": {"b": 2}, "top_p": None})
    {'top_p': 1, 'extra_body': {'a': 1, 'b': 2}, 'temperature': 0}
    """
    laid = {**under, **{name: value for name, value in over.items() if value is not None}}
    for name in OPEN:
        if isinstance(under.get(name), Mapping) and isinstance(over.get(name), Mapping):
            laid[name] = {**under[name], **over[name]}
    return laid


class SampledPolicy(Policy):
    """A policy that is shown other create parameters than the rows'.

    Args:
        policy: The policy.
        sampling: The parameters.
    """

    def __init__(self, policy: Policy, sampling: Mapping[str, Any]) -> None:
        self._policy, self._sampling = policy, dict(sampling)

    async def __call__(self, observation: list[Item], info: dict[str, Any]) -> Action:
        """Return the policy's action for the replaced parameters."""
        return await self._policy(observation, self._replaced(info))

    def for_episode(self, env: gymnasium.Env[Any, Any], seed: int) -> Act:
        """Return the policy of one episode, which sees the rows' parameters replaced."""
        act = self._policy.for_episode(env, seed)

        async def sampled(observation: list[Item], info: dict[str, Any]) -> Action:
            return await act(observation, self._replaced(info))

        return sampled

    @property
    def needs_env(self) -> bool:
        """Whether the policy does."""
        return self._policy.needs_env

    def create_call(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the policy's own create call for the replaced parameters."""
        return self._policy.create_call(laid_over(params, self._sampling))

    def spec(self) -> dict[str, Any]:
        """Return the policy's own specification; the sampling stands in the record's create call."""
        return self._policy.spec()

    def secrets(self) -> list[str]:
        """Return the policy's."""
        return self._policy.secrets()

    async def probe(self, timeout: float = PROBE_SECONDS, *, thorough: bool = False) -> list[Health]:
        """Probe the policy."""
        return await self._policy.probe(timeout, thorough=thorough)

    async def close(self) -> None:
        """Close the policy."""
        await self._policy.close()

    def _replaced(self, info: Mapping[str, Any]) -> dict[str, Any]:
        params = laid_over(info.get("responses_create_params") or {}, self._sampling)
        return {**info, "responses_create_params": params}
