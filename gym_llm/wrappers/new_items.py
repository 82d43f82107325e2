"""Observations that hold only what the environment added since the last action."""

from __future__ import annotations

from typing import Any

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from gym_llm.items import Action, Item
from gym_llm.wrappers.recorder import responses_env


class NewItems(gymnasium.Wrapper[list[Item], Action, list[Item], Action], RecordConstructorArgs):
    """Show only the items that the environment added: the prompt at reset, then answers and user messages.

    For policies that keep the conversation themselves. Wrap it directly around the environment.

    Args:
        env: A gym_llm environment.

    >>> import gymnasium, gym_llm
    >>> env = NewItems(gymnasium.make("gym_llm/StatefulCounter-v0"))
    >>> _ = env.reset(seed=0)
    >>> observation, *_ = env.step([{"type": "function_call", "call_id": "c", "name": "get_counter_value",
    ...     "arguments": "{}"}])
    >>> [item["type"] for item in observation]
    ['function_call_output']
    """

    def __init__(self, env: gymnasium.Env[list[Item], Action]) -> None:
        RecordConstructorArgs.__init__(self)
        gymnasium.Wrapper.__init__(self, env)
        self._inner = responses_env(env)

    def step(self, action: Action) -> tuple[list[Item], Any, bool, bool, dict[str, Any]]:
        """Step, and return what the environment added to the conversation."""
        before = len(self._inner.episode.items)
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation[before + len(self._inner.episode.actions[-1]) :], reward, terminated, truncated, info
