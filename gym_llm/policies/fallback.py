"""`FallbackPolicy`: several endpoints as one policy, so that the death of one is survived.

It chooses who answers and moves on when one fails for good. Retries, pauses and limits are each endpoint's own;
nothing is learned here about how fast or how good one is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args

import gymnasium

from gym_llm.errors import ConfigError, ModelError
from gym_llm.items import Action, Item
from gym_llm.policies.health import PROBE_SECONDS, Health
from gym_llm.policies.members import Member, all_failed, is_misconfigured, names, noted
from gym_llm.policies.policy import Act, Policy, as_policy
from gym_llm.policies.settings import seconds

Routing = Literal["sticky", "least_busy"]
COOLDOWN = 30.0
_OF_THE_REQUEST = frozenset({"bad_request", "context_overflow", "content_filter", "too_large"})
_ARGUMENTS = ("routing", "cooldown")


class FallbackPolicy(Policy):
    """A policy that spreads episodes over several endpoints and survives the loss of all but one.

    An episode is given to the least busy endpoint at its first call and stays there, where the server has its
    conversation in the prefix cache. When that endpoint fails, after its own retries, the episode moves to another
    for good. After `cooldown` seconds an endpoint that failed gets one request, and more once it has answered that.
    A request is given up only when every endpoint has failed it.

    Args:
        policies: Policies or their specs, one per endpoint.
        routing: `sticky`, as above, or `least_busy` to choose anew at every call.
        cooldown: Seconds for which an endpoint that failed is not preferred.

    Raises:
        ConfigError: There is no policy, or a setting cannot be used.

    >>> policy = FallbackPolicy([{"type": "openai", "model": "m", "base_url": f"http://{host}:8000/v1"}
    ...                          for host in ("one", "two")])
    >>> policy.spec()["base_url"]
    ['http://one:8000/v1', 'http://two:8000/v1']
    """

    def __init__(self, policies: Iterable[Any], routing: Routing = "sticky", cooldown: float = COOLDOWN) -> None:
        if routing not in get_args(Routing):
            raise ConfigError(f"routing={routing!r}: give one of {', '.join(get_args(Routing))}")
        made = [as_policy(policy) for policy in policies]
        if not made:
            raise ConfigError("no policy is given: give one per endpoint")
        self._routing, self._cooldown = routing, seconds("cooldown", cooldown)
        self._members = [Member(*pair) for pair in zip(made, names(made), strict=True)]

    @classmethod
    def of_addresses(cls, name: str, settings: Mapping[str, Any]) -> FallbackPolicy:
        """Return one policy of a type for each address that `base_url` lists.

        Args:
            name: The type.
            settings: The arguments of that type, and of this class.

        Raises:
            ConfigError: There is no address, or one twice, or a setting cannot be used.
        """
        rest = {key: value for key, value in settings.items() if key not in _ARGUMENTS}
        addresses = list(rest.pop("base_url"))
        if not addresses or len(set(addresses)) < len(addresses):
            raise ConfigError(f"base_url={addresses!r}: give at least one address, and each once")
        own = {key: settings[key] for key in _ARGUMENTS if key in settings}
        return cls([{"type": name, **rest, "base_url": address} for address in addresses], **own)

    async def __call__(self, observation: list[Item], info: dict[str, Any]) -> Action:
        """Return the answer of the least busy endpoint, or of another one."""
        return await _Episode(self, None, 0)(observation, info)

    def for_episode(self, env: gymnasium.Env[Any, Any], seed: int) -> Act:
        """Return what answers one episode; its endpoint is chosen at its first call."""
        return _Episode(self, env, seed)

    def spec(self) -> dict[str, Any]:
        """Return the configuration: as of one policy with a list of addresses where nothing else differs."""
        specs = [member.policy.spec() for member in self._members]
        own = {"routing": self._routing, "cooldown": self._cooldown}
        shared = [{key: value for key, value in spec.items() if key != "base_url"} for spec in specs]
        addresses = [spec.get("base_url") for spec in specs]
        if None not in addresses and len(set(addresses)) == len(specs) and all(one == shared[0] for one in shared):
            return {**shared[0], "base_url": addresses, **own}
        return {"type": "fallback", "policies": specs, **own}

    def sampled(self, sampling: Mapping[str, Any]) -> Policy:
        """Return these endpoints, each with other sampling laid over its own."""
        policies = [member.policy.sampled(sampling) for member in self._members]
        return FallbackPolicy(policies, self._routing, self._cooldown)

    def credentials(self) -> Any:
        """Return the keys that were given directly, one per endpoint."""
        return [member.policy.credentials() for member in self._members]

    def entrusted(self, credentials: Any, index: int = 0, count: int = 1) -> Policy:
        """Return these endpoints as one of several processes uses them; see `Policy.entrusted`."""
        given = credentials or [None] * len(self._members)
        policies = [
            member.policy.entrusted(own, index, count) for member, own in zip(self._members, given, strict=True)
        ]
        return FallbackPolicy(policies, self._routing, self._cooldown)

    def create_call(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the create call that the first endpoint's policy makes of a row's."""
        return self._members[0].policy.create_call(params)

    def secrets(self) -> list[str]:
        """Return the keys of all endpoints."""
        return [secret for member in self._members for secret in member.policy.secrets()]

    async def probe(self, timeout: float = PROBE_SECONDS, *, thorough: bool = False) -> list[Health]:
        """Probe all endpoints at once.

        Returns:
            What was found; endpoints that may come back have a `problem`.

        Raises:
            ModelError: No endpoint can be used, or the configuration of one is wrong (key, model, address).
        """
        asked = (member.policy.probe(timeout, thorough=thorough) for member in self._members)
        results = await asyncio.gather(*asked, return_exceptions=True)
        found: list[Health] = []
        failed: dict[str, ModelError] = {}
        for member, result in zip(self._members, results, strict=True):
            if isinstance(result, ModelError):
                failed[member.name] = result
                found.append(Health(member.name, str(member.policy.spec().get("model")), problem=result))
            elif isinstance(result, BaseException):
                raise result
            else:
                found += result
        wrong = {name: error for name, error in failed.items() if is_misconfigured(error)}
        if wrong or len(failed) == len(self._members):
            raise all_failed(wrong or failed, len(self._members))
        return found

    async def close(self) -> None:
        """Close all endpoints."""
        for member in self._members:
            await member.policy.close()

    def _candidates(self, home: Member | None) -> list[Member]:
        """Return all endpoints in the order in which they are tried."""
        now = time.monotonic()

        def rank(member: Member) -> tuple[Any, ...]:
            up = now >= member.down_until
            return not up, 0.0 if up else member.down_until, member is not home, member.in_flight, member.given

        return sorted(self._members, key=rank)


class _Episode:
    """One episode's way through the endpoints; without an environment, one request's."""

    def __init__(self, policy: FallbackPolicy, env: gymnasium.Env[Any, Any] | None, seed: int) -> None:
        self._policy, self._env, self._seed = policy, env, seed
        self._home: Member | None = None
        self._acts: dict[Member, Act] = {}

    async def __call__(self, observation: list[Item], info: dict[str, Any]) -> Action:
        failed: dict[str, ModelError] = {}
        for member in self._policy._candidates(self._home):
            try:
                action = await self._ask(member, observation, info)
            except ModelError as error:
                if error.kind in _OF_THE_REQUEST:
                    raise
                failed[member.name] = error
                member.fail(error, self._policy._cooldown)
                continue
            member.down_until = 0.0
            if self._policy._routing == "sticky":
                self._home = member
            return noted(action, member, failed)
        raise all_failed(failed, len(failed))

    async def _ask(self, member: Member, observation: list[Item], info: dict[str, Any]) -> Action:
        if member not in self._acts:
            policy = member.policy
            self._acts[member] = policy if self._env is None else policy.for_episode(self._env, self._seed)
            member.given += 1
        elif self._policy._routing == "least_busy":
            member.given += 1
        if member.down_until:  # its first request after the pause: others wait for what becomes of it
            member.down_until = time.monotonic() + self._policy._cooldown
        member.in_flight += 1
        try:
            return await self._acts[member](observation, info)
        finally:
            member.in_flight -= 1
