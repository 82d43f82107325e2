"""The whole pipeline: a collection against the mock model, and its parts measured one by one.

What a collection spends on the model's answers, the environment or writing cannot be read off a running one, so
each is measured by itself on the same episodes; what they do not explain is the rest: frames between processes,
records, scheduling.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gym_llm.bench.figures import Figures
from gym_llm.bench.model import Model, running
from gym_llm.bench.requests import bare, through_policy
from gym_llm.bench.settings import Settings
from gym_llm.bench.solutions import Request, Solutions
from gym_llm.bench.usage import PeakMemory, cpu
from gym_llm.errors import GymLLMError
from gym_llm.journal.journal import Journal
from gym_llm.rollouts import Collection, collect

PARTS = ("policy", "environment", "writing", "rest", "starting")


class Pipeline:
    """Collections of one environment; made by `pipeline`.

    Args:
        settings: Of the bench.
        model: The mock model.
        folder: Where rows go.
        solutions: Of the environment.
    """

    def __init__(self, settings: Settings, model: Model, folder: Path, solutions: Solutions) -> None:
        self._settings, self._model, self._folder = settings, model, folder
        self._tasks = min(settings.episodes, solutions.count)
        self._repeats = -(-settings.episodes // self._tasks)
        asked = [solutions.requests(task, settings.seed) for task in range(self._tasks)]
        self._requests: list[list[Request]] = [each for each in asked for _ in range(self._repeats)]

    def round(self) -> dict[str, float]:
        """Measure a collection, then each of its parts; CPU in milliseconds per episode."""
        asked, at_once, count = self._requests, self._settings.concurrency, len(self._requests)
        figures = self._collected()
        parts = {
            "policy_cpu_ms": through_policy(self._model, asked, at_once),
            "bare_cpu_ms": bare(self._model, asked, at_once),
            "writing_cpu_ms": self._written(),
        }
        starting, seconds = self._started()
        parts["starting_cpu_ms"] = starting
        each = {name: used / count * 1000 for name, used in parts.items()}
        return figures | each | {"starting_seconds": seconds}

    def _collected(self) -> dict[str, float]:
        skip: tuple[int, ...] = (self._model.pid,)
        with PeakMemory(skip) as peak:
            skip += (peak.pid,)
            model, before = self._model.cpu(), cpu(skip)
            wall = time.perf_counter()
            done = self._collect("rows", self._tasks, self._repeats, self._settings.concurrency)
            wall = time.perf_counter() - wall
            used = cpu(skip) - before
        if done.failures or done.missing:
            raise GymLLMError(f"the collection is not what it should be:\n{done}")
        return {
            "episodes_per_second": done.episodes / wall,
            "cpu_ms": used / done.episodes * 1000,
            "model_cpu_ms": (self._model.cpu() - model) / done.episodes * 1000,
            "peak_pss_mb": peak.megabytes,
            "in_flight": float(self._model.most_in_flight()),
        }

    def play_here(self) -> Collection:
        """Collect all episodes in this process."""
        return self._collect("rows", self._tasks, self._repeats, self._settings.concurrency, num_workers=0)

    def _started(self) -> tuple[float, float]:
        """Return the CPU and wall seconds of a collection of one episode per worker: what any collection costs."""
        skip, workers = (self._model.pid,), self._settings.num_workers
        wall, before = time.perf_counter(), cpu(skip)
        self._collect("few", 1, workers, workers)
        return cpu(skip) - before, time.perf_counter() - wall

    def _written(self) -> float:
        """Return the CPU seconds that encoding and appending the collected rows takes."""
        rows = list(self._last)
        before = time.process_time()
        path = self._folder / "again.jsonl"
        with Journal(path) as journal:
            for row in rows:
                journal.append(row)
        used = time.process_time() - before
        path.unlink()
        return used

    def _collect(
        self, name: str, tasks: int, repeats: int, concurrency: int, num_workers: int | None = None
    ) -> Collection:
        settings = self._settings
        workers = settings.num_workers if num_workers is None else num_workers
        self._last = done = collect(
            settings.env_id, self._model.policy(concurrency), output=self._folder / f"{name}.jsonl",
            env_kwargs=settings.env_kwargs, limit=tasks, num_repeats=repeats, concurrency=concurrency,
            overwrite=True, progress=False, num_workers=workers, seed=settings.seed,
        )  # fmt: skip
        return done


@contextmanager
def pipeline(settings: Settings, solutions: Solutions) -> Iterator[Pipeline]:
    """Run the mock model and make a folder for the rows, as long as the pipeline is measured."""
    with (
        tempfile.TemporaryDirectory(prefix="gym-llm-bench-") as folder,
        running(settings.env_id, settings.env_kwargs, settings.latency, settings.seed) as model,
    ):
        yield Pipeline(settings, model, Path(folder), solutions)


def parts(figures: Figures, alone: Figures) -> dict[str, float]:
    """Return where the CPU of an episode goes, in milliseconds; the parts add up to the whole.

    The rest is what the others do not explain; noise may carry it below zero.

    Args:
        figures: Of the pipeline.
        alone: Of the environment alone.
    """
    found: dict[str, Any] = {
        "policy": figures["policy_cpu_ms"].median,
        "environment": alone["episode_cpu_us"].median / 1000,
        "writing": figures["writing_cpu_ms"].median,
        "starting": figures["starting_cpu_ms"].median,
    }
    return found | {"rest": figures["cpu_ms"].median - sum(found.values())}
