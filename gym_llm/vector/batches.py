"""Between one environment and a batch of them: options for each, actions that can travel, rows of what is ready."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from gymnasium.vector.utils import batch_space, create_empty_array, iterate

from gym_llm.items import Action, Item

Step = tuple[Any, Any, bool, bool, dict[str, Any]]
Batch = tuple[Any, Any, Any, Any, dict[str, Any]]


def own_options(options: dict[str, Any] | None, index: int) -> dict[str, Any] | None:
    """Return an environment's own options: its entry where `task` or `task_index` is a list."""
    if not options:
        return options
    listed = {key: options[key][index] for key in ("task", "task_index") if isinstance(options.get(key), list)}
    return {**options, **listed}


def travelling(action: Action) -> list[Item] | Any:
    """Return an action whose `openai` objects are plain data."""
    if hasattr(action, "model_dump"):
        return action.model_dump(exclude_unset=True, mode="json")
    if isinstance(action, list) and any(hasattr(item, "model_dump") for item in action):
        return [item.model_dump(exclude_unset=True, mode="json") if hasattr(item, "model_dump") else item
                for item in action]  # fmt: skip
    return action


def empty(space: Any) -> Any:
    """Return an observation of zeros, for an environment that never gave one."""
    return next(iter(iterate(batch_space(space, 1), create_empty_array(space, n=1, fn=np.zeros))))


def rows_of(ids: list[int], steps: list[Step]) -> Batch:
    """Return the batch of some environments' steps, in this order, with `env_id` in its infos."""
    infos: dict[str, Any] = {}
    view = _Infos(len(ids))
    for row, step in enumerate(steps):
        infos = view._add_info(infos, step[4], row)
    infos["env_id"] = np.array(ids, dtype=np.int64)
    return (
        [step[0] for step in steps],
        np.array([step[1] for step in steps], dtype=np.float64),
        np.array([step[2] for step in steps], dtype=np.bool_),
        np.array([step[3] for step in steps], dtype=np.bool_),
        infos,
    )


class _Infos(VectorEnv[Any, Any, Any]):
    """Gymnasium's layout of infos for another number of rows."""

    def __init__(self, rows: int) -> None:
        self.num_envs = rows
