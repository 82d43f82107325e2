"""`gym-llm show`."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

from gym_llm.cli.environment import begin, make
from gym_llm.items import printable
from gym_llm.transcript import transcript

if TYPE_CHECKING:
    from gym_llm.configs.schemas import ShowConfig


def run(config: ShowConfig) -> int:
    """Show an environment: its documentation, spaces, tools and an example task."""
    env = make(config.env, config.env_kwargs)
    with env:
        observation, _ = begin(env, config.task, seed=0)
        inner = env.unwrapped
        spec = env.spec
        print(f"{spec.id if spec else type(inner).__name__}\n")
        print(inspect.getdoc(type(inner)) or "")
        print(f"\nObservation space: {env.observation_space}\nAction space: {env.action_space}")
        print(f"Rewards: {inner.reward_range[0]:g} to {inner.reward_range[1]:g}. Turns: at most {inner.max_turns}.")
        for tool in inner.tools.values():
            print(f"\nTool {tool.name}\n{_json(tool.declaration())}")
        print(f"\nExample task {config.task} of {len(inner.tasks)}\n{transcript(observation)}")
        print(f"\nIts row\n{_json(_shortened(inner.tasks.row(config.task)))}")
    return 0


def _json(value: Any) -> str:
    return "\n".join(printable(line) for line in json.dumps(value, indent=2).splitlines())


def _shortened(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row without the tools and the prompt, which are shown above it."""
    if not isinstance(given := row.get("responses_create_params"), dict):
        return row
    params = {k: v for k, v in given.items() if k not in ("tools", "input")}
    return {**row, "responses_create_params": {"input": "...", **params}}
