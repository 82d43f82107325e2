"""The settings of a bench, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from gym_llm.errors import ConfigError
from gym_llm.mock_model.latency import parse_latency
from gym_llm.policies.settings import whole_number
from gym_llm.rollouts.luggage import cores


@dataclass(frozen=True, slots=True)
class Settings:
    """What is measured; see `bench` for the attributes.

    Raises:
        ConfigError: For one that cannot be used.
    """

    env_id: str
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)
    latency: str = "0.5"
    episodes: int = 2000
    num_envs: int = 512
    num_workers: int = field(default_factory=cores)
    concurrency: int = 1024
    steps: int = 40
    rounds: int = 3
    vs: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        parse_latency(self.latency)
        for name in ("episodes", "num_envs", "num_workers", "concurrency", "steps", "rounds"):
            whole_number(name, getattr(self, name), at_least=1)
        if self.vs not in (None, "gymnasium"):
            raise ConfigError(f"vs={self.vs!r}: there is only 'gymnasium' to compare with")

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain data."""
        return asdict(self)
