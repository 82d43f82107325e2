"""What a bench has come to: the figures, as text, as JSON and as a plot."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gym_llm.bench.figures import Figures
from gym_llm.bench.pipeline import parts
from gym_llm.bench.settings import Settings
from gym_llm.bench.stepping import OURS


@dataclass(frozen=True, slots=True)
class BenchReport:
    """The figures of a bench, each with its rounds.

    Attributes:
        settings: What was measured.
        machine: Where.
        alone: The environment alone: rates per second, CPU in microseconds, the mean reward.
        stepping: For each engine: rates per second, CPU in microseconds per step, seconds to start, memory.
        pipeline: The collection: episodes per second, CPU in milliseconds per episode, peak memory in MB.
    """

    settings: Settings
    machine: dict[str, Any] = field(repr=False)
    alone: Figures = field(repr=False)
    stepping: Mapping[str, Figures] = field(repr=False)
    pipeline: Figures = field(repr=False)

    @property
    def parts(self) -> dict[str, float]:
        """Where the CPU of an episode goes, in milliseconds; they add up to the median of the whole."""
        return parts(self.pipeline, self.alone)

    @property
    def ratios(self) -> dict[str, float]:
        """How many times the CPU of a step through ours each other engine takes; medians."""
        ours = self.stepping[OURS]["cpu_us"].median
        return {name: each["cpu_us"].median / ours for name, each in self.stepping.items() if name != OURS}

    @property
    def over_bare(self) -> float:
        """How many times the CPU of a bare HTTP client on the same requests the pipeline takes; medians."""
        return self.pipeline["cpu_ms"].median / self.pipeline["bare_cpu_ms"].median

    @property
    def over_bare_once_started(self) -> float:
        """The same without what starting costs."""
        started = self.pipeline["cpu_ms"].median - self.pipeline["starting_cpu_ms"].median
        return started / self.pipeline["bare_cpu_ms"].median

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "settings": self.settings.as_dict(),
            "machine": self.machine,
            "alone": _plain(self.alone),
            "stepping": {name: _plain(each) for name, each in self.stepping.items()},
            "stepping_cpu_ratios": self.ratios,
            "pipeline": _plain(self.pipeline),
            "pipeline_parts_cpu_ms": self.parts,
            "pipeline_cpu_over_bare_client": self.over_bare,
            "pipeline_cpu_over_bare_client_once_started": self.over_bare_once_started,
        }

    def write_json(self, path: str | Path) -> None:
        """Write everything as JSON."""
        Path(path).write_text(json.dumps(self.as_dict(), indent=2) + "\n", "utf-8")

    def write_plot(self, path: str | Path) -> None:
        """Draw the figures; the ending says how: `.png`, `.svg` or `.pdf`.

        Raises:
            MissingExtra: matplotlib is not installed.
        """
        from gym_llm.bench.plot import draw

        draw(self, Path(path))

    def __str__(self) -> str:
        """The figures as tables."""
        from gym_llm.bench.table import table

        return table(self)


def _plain(figures: Figures) -> dict[str, Any]:
    return {name: figure.as_dict() for name, figure in figures.items()}
