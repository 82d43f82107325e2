"""The record of the episode that an environment is in: what verifiers and tools read.

`Episode` is filled by the core and read by environments; `Verification` is what a verifier returns.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Literal

from gym_llm.items import Item, is_assistant_message, message_text

EndReason = Literal["verified", "max_turns", "max_tokens", "max_seconds", "incomplete", "error"]


class Verification:
    """What a verifier returns: a reward and fields of its own.

    Args:
        reward: The reward; may be left out when `rewards` is given.
        rewards: Several named rewards; the environment's `reward_weights` combine them when `reward` is left out.
        **fields: Plain data that goes into `info["verification"]` and the trajectory.

    >>> Verification(1.0, extracted_answer="B").fields
    {'extracted_answer': 'B'}
    """

    __slots__ = ("fields", "reward", "rewards")

    def __init__(self, reward: float | None = None, *, rewards: dict[str, float] | None = None, **fields: Any) -> None:
        if reward is None and not rewards:
            raise TypeError("Verification needs a reward, or named rewards")
        self.reward, self.rewards, self.fields = reward, rewards, fields

    def __repr__(self) -> str:
        return f"Verification(reward={self.reward}, rewards={self.rewards}, fields={self.fields})"


@dataclass(slots=True)
class ToolCall:
    """One tool call of the model's and how it was answered.

    Attributes:
        name: The tool's name, as the model wrote it.
        raw_arguments: The arguments as the model wrote them.
        arguments: The validated arguments by parameter name, or None when they were refused.
        call_id: The id that the answer carries.
        output: What the model was answered.
        error: Why the call failed, or None when it succeeded.
    """

    name: str
    raw_arguments: str
    call_id: str
    arguments: dict[str, Any] | None = None
    output: Any = ""
    error: str | None = None


@dataclass(slots=True)
class Episode:
    """One episode so far.

    Attributes:
        items: The whole conversation: the first observation, then actions and what the environment answered.
        prompt_length: How many of the items are the first observation.
        actions: The items of each action, one list per turn.
        calls: Every tool call, in order.
        tokens: Generated tokens so far (reported by the model, else counted, else estimated as bytes / 4).
        end_reason: Why the episode ended, None while it goes on.
        ending: Whether it ends with this turn; see `ResponsesEnv.end_episode`.
    """

    items: list[Item]
    prompt_length: int = 0
    actions: list[list[Item]] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    tokens: int = 0
    end_reason: EndReason | None = None
    ending: bool = False
    started: float = field(default_factory=time.monotonic)
    call_ids: set[str] = field(default_factory=set)

    @property
    def turns(self) -> int:
        """Number of actions taken."""
        return len(self.actions)

    @property
    def output(self) -> list[Item]:
        """All items after the first observation."""
        return self.items[self.prompt_length :]

    @property
    def messages(self) -> list[str]:
        """Texts of the model's messages in this episode, in order."""
        return [message_text(item) for action in self.actions for item in action if is_assistant_message(item)]

    @property
    def last_message(self) -> str:
        """Text of the model's last message in this episode; empty when there is none."""
        for action in reversed(self.actions):
            for item in reversed(action):
                if is_assistant_message(item):
                    return message_text(item)
        return ""

    @property
    def seconds(self) -> float:
        """Seconds since the episode's reset."""
        return time.monotonic() - self.started
