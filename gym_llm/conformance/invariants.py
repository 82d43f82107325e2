"""What must hold after any step, whatever the action was."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from gym_llm.core import ResponsesEnv
from gym_llm.items import Item


def step_problem(env: ResponsesEnv, before: int, observation: Any, reward: float, over: bool, info: Any) -> str | None:
    """Return what is wrong with the answer to any action, or None.

    Args:
        env: The environment, after the step.
        before: Length of the observation before the step.
        observation: What `step` returned.
        reward: What `step` returned.
        over: Whether the step ended the episode.
        info: What `step` returned.
    """
    added = list(observation[before:])
    if reason := env.observation_space.problem(added):  # type: ignore[attr-defined]
        return f"the observation left its space: {reason}"
    for what, value in (("observation", added), ("info", info)):
        if reason := json_problem(value):
            return f"{what} is no JSON: {reason}"
    if reason := _unanswered(added):
        return reason
    if "error" in info:
        return f"the episode failed: {info['error'].get('message')} ({info['error'].get('where')})"
    low, high = env.reward_range
    if not (low <= reward <= high) and over:
        return f"the reward {reward} is outside reward_range {env.reward_range}"
    return f"no end after {env.max_turns} turns" if not over and env.episode.turns >= env.max_turns else None


def json_problem(value: Any) -> str | None:
    """Return why a value cannot be written as strict JSON in UTF-8, or None."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        return f"{type(error).__name__}: {error}"[:200]
    return None


def _unanswered(added: Sequence[Item]) -> str | None:
    asked = Counter(item["call_id"] for item in added if item.get("type") == "function_call")
    answered = Counter(item["call_id"] for item in added if item.get("type") == "function_call_output")
    if asked == answered and all(count == 1 for count in asked.values()):
        return None
    return f"calls {dict(asked - answered)} have no answer of their own; answered are {dict(answered)}"[:300]
