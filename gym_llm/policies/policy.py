"""The `Policy` contract, and building policies from plain configuration.

A spec is a mapping with `type` (a name from `TYPES`, or `module:Class`) and the constructor's arguments. It holds
no secret and no live connection, so it can stand in a record and travel to another process.
"""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

import gymnasium
import msgspec
from pydantic import SecretStr

from gym_llm.errors import ConfigError, did_you_mean
from gym_llm.items import Action, Item
from gym_llm.policies.health import PROBE_SECONDS, Health

Act = Callable[[list[Item], dict[str, Any]], Awaitable[Action]]
"""What answers one episode: `await act(observation, info)`."""

TYPES: dict[str, str] = {
    "azure": "gym_llm.policies.azure:AzureOpenAIPolicy",
    "callable": "gym_llm.policies.callables:CallablePolicy",
    "chat": "gym_llm.policies.chat.policy:ChatCompletionsPolicy",
    "fallback": "gym_llm.policies.fallback:FallbackPolicy",
    "openai": "gym_llm.policies.openai:OpenAIPolicy",
    "random": "gym_llm.policies.random:RandomPolicy",
    "scripted": "gym_llm.policies.scripted:ScriptedPolicy",
}
"""Names that a spec may use, with the class behind each, imported when it is first needed."""


class Policy:
    """Maps an observation to an action.

    Subclasses override `__call__` when an answer depends on nothing but the observation, or `for_episode` when an
    episode needs state of its own; and `spec` when they take arguments. Policies are equal when their specs are.
    """

    async def __call__(self, observation: list[Item], info: dict[str, Any]) -> Action:
        """Return the action for an observation.

        Args:
            observation: The conversation so far.
            info: The environment's; `responses_create_params` holds the rest of the create call.

        Raises:
            ConfigError: The policy answers per episode only.
        """
        raise ConfigError(f"{type(self).__name__} answers per episode: call what for_episode(env, seed) returns")

    def for_episode(self, env: gymnasium.Env[Any, Any], seed: int) -> Act:
        """Return what answers one episode; the policy itself where episodes need no state.

        Args:
            env: The environment, already reset or about to be; wrappers included.
            seed: The episode's sampling seed.
        """
        return self

    @property
    def needs_env(self) -> bool:
        """Whether `for_episode` has to be given the environment itself, which then must live in this process."""
        return type(self).for_episode is not Policy.for_episode

    def spec(self) -> dict[str, Any]:
        """Return the plain JSON configuration from which `from_spec` builds an equal policy; without secrets."""
        return {"type": f"{type(self).__module__}:{type(self).__qualname__}"}

    def sampled(self, sampling: Mapping[str, Any]) -> Policy:
        """Return this policy with create parameters that win over its own and over the rows'."""
        from gym_llm.policies.sampled import SampledPolicy

        return SampledPolicy(self, sampling)

    def create_call(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the create call that this policy makes of a row's, as records show it; without input."""
        return dict(params)

    def secrets(self) -> list[str]:
        """Return the texts that no output may hold."""
        held = [value.get_secret_value() for value in vars(self).values() if isinstance(value, SecretStr)]
        return [*held, os.environ.get(self.spec().get("api_key_env") or "", "")]

    def credentials(self) -> Any:
        """Return the secrets that were given directly, as plain data for `entrusted`; None where there are none."""
        return None

    def entrusted(self, credentials: Any, index: int = 0, count: int = 1) -> Policy:
        """Return this policy as one of several processes uses it, with secrets that its spec does not hold.

        Args:
            credentials: What `credentials` returned in the process that the spec is from.
            index: Which of the processes this is.
            count: Processes; their requests in flight together stay within the policy's own limit.
        """
        return self

    async def probe(self, timeout: float = PROBE_SECONDS, *, thorough: bool = False) -> list[Health]:
        """Find out whether every request would fail, before the first is needed.

        Args:
            timeout: Seconds at most.
            thorough: Whether to find out too which APIs the server speaks.

        Returns:
            What was found, one entry per endpoint; empty where there is none to ask.

        Raises:
            ModelError: No request can be answered now; when `fatal`, none ever will as things are set.
            ConfigError: The key cannot be one.
        """
        return []

    async def close(self) -> None:
        """Give back what the policy holds in the running event loop; it can be used again."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Policy) and type(self) is type(other) and self.spec() == other.spec()

    def __hash__(self) -> int:
        return hash(msgspec.json.encode(self.spec(), order="sorted"))

    def __repr__(self) -> str:
        shown = ", ".join(f"{key}={value!r}" for key, value in self.spec().items() if key != "type")
        return f"{type(self).__name__}({shown})"

    def _copied(self) -> Self:
        """Return another policy that shares all that this one holds, for methods that return a changed one."""
        copied = object.__new__(type(self))
        vars(copied).update(vars(self))
        return copied

    def __reduce__(self) -> tuple[Any, ...]:
        return from_spec, (self.spec(),)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


def as_policy(policy: Any) -> Policy:
    """Return a policy made of a policy, a spec or a callable.

    Args:
        policy: A `Policy`; a spec such as `{"type": "openai", "model": "gpt-5"}`, or its type alone; or a callable,
            sync or async, of `(observation)` or `(observation, info)`. Sync callables run in the event loop, so
            they must not block.

    Raises:
        ConfigError: It is none of these, or the spec is wrong.

    >>> import asyncio
    >>> policy = as_policy(lambda observation: [{"role": "assistant", "content": "Yes."}])
    >>> asyncio.run(policy([], {}))
    [{'role': 'assistant', 'content': 'Yes.'}]
    """
    from gym_llm.policies.callables import CallablePolicy

    if isinstance(policy, Policy):
        return policy
    if isinstance(policy, str):
        return from_spec({"type": policy})
    if isinstance(policy, Mapping):
        return from_spec(policy)
    if inspect.isclass(policy) and issubclass(policy, Policy):
        raise ConfigError(f"the policy is the class {policy.__name__}: give an instance, {policy.__name__}(...)")
    if callable(policy):
        return CallablePolicy(policy)
    known = ", ".join(sorted(TYPES))
    raise ConfigError(
        f"a {type(policy).__name__} is no policy: give a Policy, a callable, or a spec with type one of {known}"
    )


def from_spec(spec: Mapping[str, Any]) -> Policy:
    """Build a policy from its configuration.

    Args:
        spec: `type`, and the arguments of that policy. With a list as `base_url`, one policy for each of these
            addresses, under a `FallbackPolicy`, whose arguments may stand in the spec too.

    Raises:
        ConfigError: The type or a key is unknown, a key is missing, or a value is refused.

    >>> from_spec({"type": "random", "seed": 3})
    RandomPolicy(seed=3)
    >>> from_spec({"type": "opneai"})
    Traceback (most recent call last):
    ...
    gym_llm.errors.ConfigError: policy type 'opneai' is unknown. Did you mean 'openai'? There are: azure, ...
    """
    settings = dict(spec)
    name = settings.pop("type", None)
    if not isinstance(name, str):
        raise ConfigError(f"a policy needs `type`, one of {', '.join(sorted(TYPES))}")
    if isinstance(settings.get("base_url"), list | tuple):
        from gym_llm.policies.fallback import FallbackPolicy

        return FallbackPolicy.of_addresses(name, settings)
    policy_class = _policy_class(name)
    _check_keys(policy_class, name, settings)
    return policy_class(**settings)


def _policy_class(name: str) -> type[Policy]:
    path = TYPES.get(name, name)
    if ":" not in path:
        known = ", ".join(sorted(TYPES))
        raise ConfigError(
            f"policy type {name!r} is unknown.{did_you_mean(name, TYPES)} There are: {known}, and module:Class"
        )
    found = imported(path, "policy type")
    if not (inspect.isclass(found) and issubclass(found, Policy)):
        raise ConfigError(f"policy type {name!r} is not a subclass of gym_llm.policies.Policy")
    return found


def imported(path: str, what: str) -> Any:
    """Return the object at `module:qualified.name`.

    Args:
        path: Where it is.
        what: What it is for, named in errors.

    Raises:
        ConfigError: There is no such module or name.
    """
    module, _, qualname = path.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in qualname.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"{what} {path!r} cannot be imported ({error}): it must stand at the top level of a module that can be "
            "imported by name"
        ) from None
    return found


def _check_keys(policy_class: type[Policy], name: str, settings: Mapping[str, Any]) -> None:
    parameters = inspect.signature(policy_class).parameters.values()
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    missing = [p.name for p in named if p.default is p.empty and p.name not in settings]
    if missing:
        raise ConfigError(f"policy type {name!r} needs {', '.join(missing)}")
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return
    known = [p.name for p in named]
    for key in settings:
        if key not in known:
            near, takes = did_you_mean(key, known), ", ".join(known) or "nothing"
            raise ConfigError(f"policy type {name!r} has no key {key!r}.{near} It takes: {takes}")
