"""`gym-llm list`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import gymnasium
from gymnasium.envs.registration import load_env_creator

from gym_llm.registration import env_ids

if TYPE_CHECKING:
    from gym_llm.configs.schemas import ListConfig
    from gym_llm.core import ResponsesEnv

_COLUMNS = ("id", "domain", "structure", "tools", "tasks", "reward", "needs", "summary")


def run(config: ListConfig) -> int:
    """List the environments.

    One line each: id, domain, structure (single-step: one answer; multi-step: tools; multi-turn: the environment
    answers messages too), number of tools, number of bundled example tasks, range of the reward, what must be
    installed for it, summary.
    """
    rows = [describe(env_id) for env_id in env_ids()]
    print(json.dumps(rows, indent=2) if config.as_json else _table(rows))
    return 0


def describe(env_id: str) -> dict[str, Any]:
    """Return an environment's line in the table as plain data."""
    from gym_llm.tasks import bundled, load

    entry_point = gymnasium.spec(env_id).entry_point
    env: Any = load_env_creator(entry_point) if isinstance(entry_point, str) else entry_point
    return {
        "id": env_id,
        "domain": env.domain,
        "structure": structure(env),
        "tools": sorted(env.tools),
        "tasks": len(load(bundled(env, env.examples), env.Task)),
        "reward": list(env.reward_range),
        "needs": list(env.needs),
        "summary": (env.__doc__ or "").strip().partition("\n")[0].rstrip("."),
    }


def structure(env: type[ResponsesEnv]) -> str:
    """Return how an episode goes: `single-step`, `multi-step` or `multi-turn`."""
    from gym_llm.core import ResponsesEnv

    if env.respond is not ResponsesEnv.respond:
        return "multi-turn"
    return "multi-step" if env.tools else "single-step"


def _table(rows: list[dict[str, Any]]) -> str:
    cells = [_COLUMNS, *(tuple(_cell(column, row[column]) for column in _COLUMNS) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(line.rstrip() for line in lines)


def _cell(column: str, value: Any) -> str:
    if column == "reward":
        return "{:g} to {:g}".format(*value)
    if column == "needs":
        return ", ".join(value) or "-"
    return str(len(value)) if isinstance(value, list) else str(value)
