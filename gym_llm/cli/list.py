"""`gym-llm list`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import gymnasium
from gymnasium.envs.registration import load_env_creator

from gym_llm.registration import env_ids

if TYPE_CHECKING:
    from gym_llm.configs.schemas import ListConfig

_COLUMNS = ("id", "domain", "tools", "tasks", "summary")


def run(config: ListConfig) -> int:
    """List the environments.

    One line each: id, domain, number of tools, number of bundled example tasks, summary.
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
        "tools": sorted(env.tools),
        "tasks": len(load(bundled(env, env.examples), env.Task)),
        "summary": (env.__doc__ or "").strip().partition("\n")[0].rstrip("."),
    }


def _table(rows: list[dict[str, Any]]) -> str:
    cells = [_COLUMNS, *(tuple(_cell(row[column]) for column in _COLUMNS) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(line.rstrip() for line in lines)


def _cell(value: Any) -> str:
    return str(len(value)) if isinstance(value, list) else str(value)
