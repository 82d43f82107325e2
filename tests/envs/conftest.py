"""Playing one episode of an environment with given actions."""

from __future__ import annotations

from typing import Any

import gymnasium
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm.items import Item, assistant_message


@pytest.fixture
def play():
    """Return a function that plays actions on one row and returns `info["verification"]` of the last step."""

    def run(env_id: str, row: dict[str, Any], *actions: list[Item] | str, **kwargs: Any) -> dict[str, Any]:
        env = gymnasium.make(f"gym_llm/{env_id}-v0", dataset=[row], **kwargs)
        env.reset(seed=0)
        info: dict[str, Any] = {}
        for action in actions:
            items = [assistant_message(action)] if isinstance(action, str) else action
            _, reward, terminated, truncated, info = env.step(items)
        assert terminated or truncated, "the actions did not end the episode"
        assert "error" not in info, info["error"]
        assert info["verification"]["reward"] == reward
        return info["verification"]

    return run
