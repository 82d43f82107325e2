"""Which worker hosts which environment: environments that need the same interpreter live together."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from gym_llm.errors import ConfigError
from gym_llm.interpreters import Interpreter, interpreter


def housed(
    num_envs: int, num_workers: Any, python: Any, requirements: Any, most: int | None = None
) -> tuple[list[int], list[Interpreter | None]]:
    """Return the worker of each environment, and the interpreter of each worker.

    Args:
        num_envs: How many environments there are.
        num_workers: How many workers share them; one per core when None. Every interpreter gets one at least.
        python: An interpreter (a path, a version, an `Interpreter`) for all, or a list with one (or None) each.
        most: Most workers that share them, however many cores there are.
        requirements: Requirements for all, or a list with one list of requirements (or None) per environment.

    Raises:
        ConfigError: When a list has another length, or an interpreter cannot be had.
    """
    if num_workers is not None and (not isinstance(num_workers, int) or num_workers < 1):
        raise ConfigError(f"num_workers={num_workers!r}: give at least 1, or leave it out")
    pythons = _each("python", python, num_envs, listed=isinstance(python, list | tuple))
    nested = isinstance(requirements, list | tuple) and any(not isinstance(one, str) for one in requirements)
    wanted = _each("requirements", requirements, num_envs, listed=nested)
    kinds: dict[Any, list[int]] = {}
    for index, (one, needed) in enumerate(zip(pythons, wanted, strict=True)):
        key = (None if one is None else str(one), tuple(needed) if isinstance(needed, list | tuple) else needed)
        kinds.setdefault(key, []).append(index)
    count = min(num_workers or len(os.sched_getaffinity(0)), num_envs, most or num_envs)
    homes, interpreters = [0] * num_envs, list[Interpreter | None]()
    for (one, needed), members in kinds.items():
        share = max(1, min(round(count * len(members) / num_envs), len(members)))
        first = len(interpreters)
        own = None if one is None and not needed else _interpreter(python, one, needed)
        interpreters += [own] * share
        for place, index in enumerate(members):
            homes[index] = first + place % share
    return homes, interpreters


def _interpreter(given: Any, python: str | None, requirements: Any) -> Interpreter:
    return given if isinstance(given, Interpreter) else interpreter(python, _plain(requirements))


def _each(name: str, given: Any, num_envs: int, *, listed: bool) -> Sequence[Any]:
    if not listed:
        return [given] * num_envs
    if len(given) != num_envs:
        raise ConfigError(f"{name} has {len(given)} entries for {num_envs} environments: give one each, or one for all")
    return list(given)


def _plain(needed: Any) -> Any:
    return list(needed) if isinstance(needed, tuple) else needed
