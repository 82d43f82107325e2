"""Any Python callable as a policy: a function around a local model, a client library, a rule.

The callable sees what every policy sees. It is not run in a thread: one that blocks, blocks the episodes beside it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from gym_llm.errors import ConfigError
from gym_llm.items import Action, Item
from gym_llm.policies.policy import Policy, imported


class CallablePolicy(Policy):
    """A policy that calls a function.

    Args:
        target: The callable, sync or async, of `(observation)` or `(observation, info)`; or where it is, as
            `module:name`. It gets `info` when its second parameter has no default or is called `info`.

    Raises:
        ConfigError: `target` is not callable or cannot be imported.

    >>> import asyncio
    >>> def parrot(observation, info):
    ...     return [{"role": "assistant", "content": observation[-1]["content"]}]
    >>> asyncio.run(CallablePolicy(parrot)([{"role": "user", "content": "Hello"}], {}))
    [{'role': 'assistant', 'content': 'Hello'}]
    """

    def __init__(self, target: Callable[..., Any] | str) -> None:
        found = imported(target, "policy target") if isinstance(target, str) else target
        if not callable(found) or inspect.isclass(found):
            raise ConfigError(f"policy target {target!r} is not a function: give one of (observation, info)")
        self._function: Callable[..., Any] = found
        self._target = target if isinstance(target, str) else _path(target)
        self._takes_info = _takes_info(found)

    async def __call__(self, observation: list[Item], info: dict[str, Any]) -> Action:
        """Return what the callable returns, awaited when it is awaitable."""
        result = self._function(observation, info) if self._takes_info else self._function(observation)
        return await result if inspect.isawaitable(result) else result

    def spec(self) -> dict[str, Any]:
        """Return where the callable is; only one at a module's top level can be rebuilt from it."""
        return {"type": "callable", "target": self._target}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CallablePolicy) and self._function == other._function

    __hash__ = Policy.__hash__


def _path(function: Callable[..., Any]) -> str:
    """Return `module:name`; of an object that is not a function, of its class, which no spec can rebuild."""
    if inspect.isroutine(function):
        return f"{function.__module__}:{function.__qualname__}"
    return f"{type(function).__module__}:{type(function).__qualname__}"


def _takes_info(function: Callable[..., Any]) -> bool:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return False
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return True
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return len(positional) > 1 and (positional[1].default is positional[1].empty or positional[1].name == "info")
