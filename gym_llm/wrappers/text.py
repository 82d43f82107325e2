"""Plain strings in and out, for text policies, text trainers and people.

`TextObservation` shows the conversation as text; `TextAction` reads a string as the model's output. Tool calls
stand in the text between `<tool_call>` and `</tool_call>`, as many open models write them.
"""

from __future__ import annotations

import re
import string
from typing import Any, Literal

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from gym_llm.errors import ConfigError
from gym_llm.items import Item, ModelJSONError, assistant_message, function_call, parse_model_json
from gym_llm.transcript import transcript
from gym_llm.wrappers.recorder import responses_env

_CALL = re.compile(r"<tool_call>(.*?)(?:</tool_call>|\Z)", re.DOTALL)
_PRINTABLE = "".join(sorted(set(string.printable) - set("\r\x0b\x0c")))


class AnyText(gymnasium.spaces.Text):
    """Any Unicode text up to a length; samples are printable ASCII."""

    def __init__(self, max_length: int) -> None:
        super().__init__(max_length, min_length=0, charset=_PRINTABLE)

    def contains(self, x: Any) -> bool:
        """Whether `x` is a string of at most `max_length` characters."""
        return isinstance(x, str) and len(x) <= self.max_length


class TextObservation(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Show observations as text.

    Args:
        env: A gym_llm environment.
        view: `"conversation"` for all of it, `"new"` for what the environment added since the last action.
        max_length: Longest text; longer ones keep their end, in characters.

    >>> import gymnasium, gym_llm
    >>> env = TextObservation(gymnasium.make("gym_llm/StatefulCounter-v0"))
    >>> observation, _ = env.reset(seed=0)
    >>> isinstance(observation, str)
    True
    """

    def __init__(
        self, env: gymnasium.Env[list[Item], Any], view: Literal["conversation", "new"] = "conversation",
        max_length: int = 1_000_000,
    ) -> None:  # fmt: skip
        if view not in ("conversation", "new"):
            raise ConfigError(f"view={view!r}: use 'conversation' or 'new'")
        RecordConstructorArgs.__init__(self, view=view, max_length=max_length)
        gymnasium.Wrapper.__init__(self, env)
        self._inner, self._view, self._max_length = responses_env(env), view, max_length
        self.observation_space = AnyText(max_length)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Reset, and return the prompt as text."""
        observation, info = self.env.reset(seed=seed, options=options)
        return self._text(observation), info

    def step(self, action: Any) -> tuple[str, Any, bool, bool, dict[str, Any]]:
        """Step, and return the conversation or its new part as text."""
        before = len(self._inner.episode.items)
        observation, reward, terminated, truncated, info = self.env.step(action)
        if self._view == "new":
            observation = observation[before + len(self._inner.episode.actions[-1]) :]
        return self._text(observation), reward, terminated, truncated, info

    def _text(self, observation: list[Item]) -> str:
        return transcript(observation)[-self._max_length :]


class TextAction(gymnasium.ActionWrapper[Any, str, Any], RecordConstructorArgs):
    """Read a string as the model's output: `<tool_call>{"name": ..., "arguments": {...}}</tool_call>` or a message.

    Args:
        env: A gym_llm environment.
        max_length: Longest text in the action space, in characters.

    >>> TextAction.parse('<tool_call>{"name": "get_weather", "arguments": {"city": "Oslo"}}</tool_call>')[0]["name"]
    'get_weather'
    """

    def __init__(self, env: gymnasium.Env[Any, Any], max_length: int = 1_000_000) -> None:
        RecordConstructorArgs.__init__(self, max_length=max_length)
        gymnasium.ActionWrapper.__init__(self, env)
        self.action_space = AnyText(max_length)

    def action(self, action: str) -> list[Item]:
        """Return the items of a text."""
        return self.parse(action)

    @staticmethod
    def parse(text: str) -> list[Item]:
        """Return the message (the text outside tool calls, if any) and the tool calls of a text, in order."""
        calls = [_call(match[1], number) for number, match in enumerate(_CALL.finditer(text))]
        rest = _CALL.sub("", text).strip() if calls else text
        return ([assistant_message(rest)] if rest or not calls else []) + calls


def _call(text: str, number: int) -> Item:
    """Return the call that a tag holds; what cannot be read becomes a call that the environment refuses."""
    try:
        written = parse_model_json(text.strip())
    except ModelJSONError:
        return function_call("unreadable", text, f"call_{number}")
    if not isinstance(written, dict):
        return function_call("unreadable", text, f"call_{number}")
    name, arguments = written.get("name"), written.get("arguments", {})
    usable = arguments if isinstance(arguments, dict | str) else str(arguments)
    return function_call(name if isinstance(name, str) else "unnamed", usable, f"call_{number}")
