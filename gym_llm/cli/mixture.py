"""A mixture of environments: how many tasks of each are played, and into which file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gym_llm.errors import ConfigError


def shares(weights: Mapping[str, float], sizes: Mapping[str, int], limit: int | None) -> dict[str, int]:
    """Return how many tasks of each environment are played, in proportion to the weights.

    Args:
        weights: Positive, by name.
        sizes: Tasks that there are, by name.
        limit: Tasks in all; None takes as many as there are in these proportions, none twice.

    Raises:
        ConfigError: The limit is more than that, or too few to give each environment a task.

    >>> shares({"a": 2, "b": 1}, {"a": 10, "b": 10}, None)
    {'a': 10, 'b': 5}
    >>> shares({"a": 2, "b": 1}, {"a": 10, "b": 10}, 4)
    {'a': 3, 'b': 1}
    """
    whole = sum(weights.values())
    most = min(sizes[name] * whole / weight for name, weight in weights.items())
    total = int(most + 1e-9) if limit is None else limit
    exact = {name: total * weight / whole for name, weight in weights.items()}
    counts = {name: int(value + 1e-9) for name, value in exact.items()}
    by_rest = sorted(weights, key=lambda name: counts[name] - exact[name])
    for name in by_rest[: total - sum(counts.values())]:
        counts[name] += 1
    for name, count in counts.items():
        if count > sizes[name]:
            cure = f"lower limit or env.{name}.weight, or give more tasks"
            raise ConfigError(f"limit={limit}: {count} tasks of env.{name} are wanted, there are {sizes[name]}; {cure}")
        if not count:
            cure = f"raise limit or env.{name}.weight, or take it out"
            raise ConfigError(f"limit={limit}: no task of env.{name} would be played; {cure}")
    return counts


def output_of(output: Path, name: str) -> Path:
    """Return the file of one environment: `mix.jsonl` gives `mix_<name>.jsonl`."""
    return output.with_name(f"{output.stem}_{name}{output.suffix}")
