"""`ScriptedPolicy`: plays an environment's own reference solution, or a given script, without any model.

It shows that an environment can be solved and lets everything run with no key and no network. It does not look
at what the environment answers.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

import gymnasium

from gym_llm.items import Action, Item, assistant_message
from gym_llm.policies.policy import Act, Policy


class ScriptedPolicy(Policy):
    """A policy that knows its actions beforehand.

    Args:
        script: One action (a list of items) per turn; the environment's `solve(task)` when left out. When it is
            exhausted, the answer is an empty message.

    >>> import asyncio
    >>> act = ScriptedPolicy([[{"role": "assistant", "content": "A"}]]).for_episode(None, seed=0)
    >>> asyncio.run(act([], {}))
    [{'role': 'assistant', 'content': 'A'}]
    """

    def __init__(self, script: Iterable[list[Item]] | None = None) -> None:
        self._script = None if script is None else [list(action) for action in script]

    def for_episode(self, env: gymnasium.Env[Any, Any], seed: int) -> Act:
        """Return the script's player for one episode; `solve` is asked at the first call, after the reset."""
        if self._script is not None:
            return _Player(lambda: self._script)
        return _Player(lambda: env.get_wrapper_attr("solve")(env.get_wrapper_attr("task")))

    def spec(self) -> dict[str, Any]:
        """Return the type, and the script if one was given."""
        return {"type": "scripted"} if self._script is None else {"type": "scripted", "script": self._script}


class _Player:
    """Plays one script once, turn by turn."""

    def __init__(self, script: Callable[[], Any]) -> None:
        self._ask = script
        self._script: list[Any] | None = None
        self._turn = 0

    async def __call__(self, observation: list[Item], info: dict[str, Any]) -> Action:
        if self._script is None:
            self._script = list(self._ask())
        turn, self._turn = self._turn, self._turn + 1
        return copy.deepcopy(self._script[turn]) if turn < len(self._script) else [assistant_message("")]
