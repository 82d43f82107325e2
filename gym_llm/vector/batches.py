"""Between one environment and a batch of them: options for each, actions that can travel, rows of what is ready."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from gymnasium.vector.utils import batch_space, create_empty_array, iterate

from gym_llm.items import Action, Item

Step = tuple[Any, Any, bool, bool, dict[str, Any]]
Batch = tuple[Any, Any, Any, Any, dict[str, Any]]


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Take in a batch without a collection every 700 objects, each of which would look at all that came before it."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def own_options(options: dict[str, Any] | None, ids: Sequence[int], num_envs: int) -> list[dict[str, Any] | None]:
    """Return the options of each environment: its entry where `task` or `task_index` is a list.

    Args:
        options: The options of all.
        ids: The environments that are reset.
        num_envs: How many there are; a list has an entry for each, or for each that is reset.

    Raises:
        ValueError: When a list has another length.
    """
    own = [None if options is None else dict(options) for _ in ids]
    for key in ("task", "task_index"):
        listed = (options or {}).get(key)
        if not isinstance(listed, list | tuple | np.ndarray) or np.ndim(listed) == 0:
            continue
        if len(listed) not in (num_envs, len(ids)):
            raise ValueError(f"options[{key!r}] has {len(listed)} entries for {num_envs} environments: give one each")
        for place, (index, given) in enumerate(zip(ids, own, strict=True)):
            if given is not None:
                given[key] = listed[index if len(listed) == num_envs else place]
    return own


def travelling(action: Action) -> list[Item] | Any:
    """Return an action whose `openai` objects are plain data."""
    if type(action) is not list and hasattr(action, "model_dump"):
        return action.model_dump(exclude_unset=True, mode="json")
    if type(action) is list:
        for item in action:
            if type(item) is not dict:
                return [_plain(item) for item in action]
    return action


def _plain(item: Any) -> Any:
    return item.model_dump(exclude_unset=True, mode="json") if hasattr(item, "model_dump") else item


def empty(space: Any) -> Any:
    """Return an observation of zeros, for an environment that never gave one."""
    return next(iter(iterate(batch_space(space, 1), create_empty_array(space, n=1, fn=np.zeros))))


def infos_of(vector: VectorEnv[Any, Any, Any], ids: Sequence[int], infos: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return Gymnasium's layout of the infos of some environments.

    Rows with the same keys, whose values are all numbers of one type, are laid out at once.

    Args:
        vector: Whose rows these are.
        ids: The row of each info.
        infos: The infos.
    """
    if infos and len(infos) == vector.num_envs and (alike := _alike(infos)) is not None:
        return alike
    joined: dict[str, Any] = {}
    for row, info in zip(ids, infos, strict=True):
        if info:
            joined = vector._add_info(joined, info, row)
    return joined


_NUMBERS = {int: int, float: float, bool: np.bool_}


def _alike(infos: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    first = infos[0]
    if any(type(value) not in _NUMBERS for value in first.values()) or any(
        info.keys() != first.keys() for info in infos
    ):
        return None
    joined: dict[str, Any] = {}
    for key, value in first.items():
        column, kind = [info[key] for info in infos], type(value)
        if any(type(each) is not kind for each in column):
            return None
        joined[key] = np.array(column, dtype=_NUMBERS[kind])
        joined[f"_{key}"] = np.ones(len(infos), dtype=np.bool_)
    return joined


def rows_of(ids: list[int], steps: list[Step]) -> Batch:
    """Return the batch of some environments' steps, in this order, with `env_id` in its infos."""
    infos = infos_of(_Infos(len(ids)), range(len(ids)), [step[4] for step in steps])
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
