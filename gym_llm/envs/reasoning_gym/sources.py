"""What a user may call a dataset: a library name, a mixture, or rows; and how one row is made of it.

The library is asked through the pool; nothing of it is imported here.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gym_llm import pool
from gym_llm.errors import ConfigError, MissingExtra, PoolError, did_you_mean
from gym_llm.items import message

LIBRARY = "gym_llm.envs.reasoning_gym.library"
_PARTS = ("weight", "level", "config")
_GENERATION_SECONDS = 60.0


def require() -> None:
    """Check that the library is there, without importing it.

    Raises:
        MissingExtra: It is not.
    """
    if importlib.util.find_spec("reasoning_gym") is None:
        raise MissingExtra("reasoning-gym", "reasoning-gym")


@cache
def known() -> dict[str, bool]:
    """Return the library's datasets by name, and whether each has a curriculum."""
    require()
    return dict(pool.default().call(f"{LIBRARY}:names", timeout=_GENERATION_SECONDS))


def settings(dataset: Any, **knobs: Any) -> Any:
    """Return what `gym_llm.tasks.load` takes: a generator's settings for names and mixtures, else the dataset itself.

    Args:
        dataset: As the environment's argument of that name.
        **knobs: `num_tasks`, `seed`, `level` and `config`, as far as they are given.

    Raises:
        ConfigError: For a name that the library does not have, or knobs beside rows.
    """
    named = isinstance(dataset, str) and not _is_path(dataset)
    mixed = isinstance(dataset, Mapping) and not {"path", "num_tasks", "datasets"} & dataset.keys()
    given = {key: value for key, value in knobs.items() if value is not None}
    if named or mixed:
        mixture(dataset, given.get("level"), given.get("config"))
        return {"datasets": dataset, **given}
    if given:
        raise ConfigError(f"{', '.join(given)}: only for a library dataset's name or a mixture, not for rows or a file")
    return dataset


def mixture(datasets: Any, level: Any = None, config: Any = None) -> dict[str, dict[str, Any]]:
    """Return weight, level and config by dataset name.

    Raises:
        ConfigError: For an unknown name, a weight or a level that cannot be used.
    """
    parts = {datasets: 1} if isinstance(datasets, str) else dict(datasets)
    if config is not None and len(parts) != 1:
        raise ConfigError("config= goes with one dataset; in a mixture give {name: {'weight': 1, 'config': {...}}}")
    found = {}
    for name, part in parts.items():
        if name not in known():
            raise ConfigError(f"dataset {name!r} is none of reasoning-gym's.{did_you_mean(name, known())}")
        part = dict(part) if isinstance(part, Mapping) else {"weight": part}
        if wrong := part.keys() - set(_PARTS):
            raise ConfigError(f"dataset {name!r}: {sorted(wrong)} is unknown; give {', '.join(_PARTS)}")
        part = {"weight": 1, "level": level, "config": config or {}} | part
        _check(name, part)
        found[name] = part
    if not sum(part["weight"] for part in found.values()):
        raise ConfigError("a mixture needs a weight above 0")
    return found


def row(rng: np.random.Generator, *, datasets: Any = "leg_counting", level: Any = None, config: Any = None) -> Any:
    """Return a row.

    Args:
        rng: Source of randomness: draws the dataset, then 32 bits of seed for it.
        datasets: A dataset's name, or `{name: weight}`, or `{name: {"weight": 1, "level": 0, "config": {}}}`.
        level: Level of the curriculum: a number for all attributes, or `{attribute: level}`.
        config: Settings of the dataset's configuration.

    Raises:
        ConfigError: For a setting that the library refuses.
    """
    parts = mixture(datasets, level, config)
    weights = np.array([float(part["weight"]) for part in parts.values()])
    name = list(parts)[int(rng.choice(len(parts), p=weights / weights.sum()))]
    chosen = {"level": parts[name]["level"], "config": parts[name]["config"]}
    seed = int(rng.integers(1 << 32))
    try:
        made = pool.default().call(
            f"{LIBRARY}:entry", name, chosen["level"], chosen["config"], seed, timeout=_GENERATION_SECONDS
        )
    except PoolError as error:
        raise ConfigError(f"dataset {name!r} with {chosen}: {error}") from error
    return {
        "responses_create_params": {"input": [message(made["question"])]},
        **made, "generator": chosen | {"seed": seed},
    }  # fmt: skip


def _check(name: str, part: dict[str, Any]) -> None:
    weight, level = part["weight"], part["level"]
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < float("inf"):
        raise ConfigError(f"dataset {name!r}: weight {weight!r} is no number from 0")
    if not isinstance(part["config"], Mapping):
        raise ConfigError(f"dataset {name!r}: config {part['config']!r} is no mapping")
    if level is None:
        return
    levels = list(level.values()) if isinstance(level, Mapping) else [level]
    if any(isinstance(value, bool) or not isinstance(value, int) or value < 0 for value in levels):
        raise ConfigError(f"dataset {name!r}: level {level!r} is no whole number from 0, nor one for each attribute")
    if not known()[name]:
        raise ConfigError(f"dataset {name!r} has no curriculum; leave level out")


def _is_path(text: str) -> bool:
    return "/" in text or text.endswith((".jsonl", ".json")) or Path(text).is_file()
