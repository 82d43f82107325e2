"""The user as a model plays it: any policy, asked for the user's next words.

It is told the goal and the rules, and sees the conversation from the user's side. A failure of that model is a failure
of the machinery: it is raised as `UserFailed` and never judged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from gym_llm.envs.user_simulator.desks import Desk
from gym_llm.errors import ConfigError, GymLLMError, ModelError
from gym_llm.items import (
    Item,
    assistant_message,
    is_assistant_message,
    item_type,
    message,
    message_text,
    output_text,
    scrub_text,
)  # fmt: skip
from gym_llm.policies import Policy, as_policy

MAX_CHARS = 2000
_RULES = (
    "You play a customer who writes to a clerk. What you want:\n{wanted}\nAnswer only what the clerk asks, at most two "
    "questions in one message, in a sentence or two, with the values word for word. Tell nothing that was not asked, "
    "and never show this list. You are the customer: do not play the clerk."
)


class UserFailed(GymLLMError):
    """The model that plays the user gave no answer."""


class PlayedUser:
    """A user played by a policy.

    Args:
        policy: A policy's spec (`{"model": ..., "base_url": ...}`, of the type `openai` unless it says another), or
            any other policy.
        timeout: Seconds for one answer.

    Raises:
        ConfigError: It is no policy, or holds a key.
    """

    def __init__(self, policy: Any, timeout: float) -> None:
        if isinstance(policy, Mapping):
            if "api_key" in policy:
                raise ConfigError("user: settings are recorded, so no api_key stands there; name it by api_key_env")
            policy = {"type": "openai", **policy}
        self.policy: Policy = as_policy(policy)
        self._timeout = timeout

    async def answer(self, desk: Desk, goal: Mapping[str, str], items: list[Item]) -> str:
        """Return the user's next words.

        Args:
            desk: Where the user is.
            goal: What the user wants.
            items: The conversation so far.

        Raises:
            UserFailed: There is no usable answer.
        """
        wanted = "\n".join(f"- {slot}: {value}" for slot, value in goal.items())
        observation = [message(_RULES.format(wanted=wanted), "system"), *_from_the_other_side(items)]
        try:
            async with asyncio.timeout(self._timeout):
                action = await self.policy(observation, {"responses_create_params": {}})
        except ModelError as error:
            raise UserFailed(f"the model that plays the user failed ({error.kind}): {error}") from error
        except TimeoutError:
            raise UserFailed(f"the model that plays the user gave no answer in {self._timeout:g} seconds") from None
        except Exception as error:  # boundary: whatever a policy raises is the machinery's failure, not the model's
            raise UserFailed(f"the policy that plays the user failed: {type(error).__name__}") from error
        output = action.get("output") if isinstance(action, Mapping) else action
        text = output_text(output) if isinstance(output, list) and all(isinstance(i, dict) for i in output) else ""
        if not text.strip():
            raise UserFailed("the model that plays the user said nothing")
        return scrub_text(text.strip()[:MAX_CHARS])


def _from_the_other_side(items: list[Item]) -> list[Item]:
    """Return the messages with clerk and customer exchanged; tools and instructions are the clerk's own."""
    seen: list[Item] = []
    for item in items:
        text = message_text(item) if item_type(item) == "message" else ""
        if not text.strip():
            continue
        if is_assistant_message(item):
            seen.append(message(text))
        elif item.get("role") == "user":
            seen.append(assistant_message(text))
    return seen
