"""`bench`: the environment alone, stepping, and the whole pipeline, round after round."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gym_llm.bench.alone import play
from gym_llm.bench.figures import Figure, gathered
from gym_llm.bench.machine import machine
from gym_llm.bench.pipeline import pipeline
from gym_llm.bench.report import BenchReport
from gym_llm.bench.settings import Settings
from gym_llm.bench.solutions import Solutions
from gym_llm.bench.stepping import engines, step
from gym_llm.bench.usage import check_platform
from gym_llm.rollouts.luggage import cores

Say = Callable[[str], None]
_MOST_ALONE = 1000
"""Episodes of a round of the environment alone."""


def bench(
    env_id: str, *, env_kwargs: Mapping[str, Any] | None = None, latency: str | float = "0.5", episodes: int = 2000,
    num_envs: int = 512, num_workers: int | None = None, concurrency: int = 1024, steps: int = 40, rounds: int = 3,
    vs: str | None = None, seed: int = 0, say: Say | None = None,
) -> BenchReport:  # fmt: skip
    """Measure what an environment costs: alone, stepped through `AsyncVectorEnv`, and in a whole collection.

    The model is the mock model, in a process of its own and not counted, which answers by `solve`. Linux only.

    Args:
        env_id: The environment's id; it must have reference solutions.
        env_kwargs: Its keyword arguments.
        latency: Seconds until the model answers: a number, or a distribution such as `lognormal:0.5:0.3`.
        episodes: Episodes of one collection, at least.
        num_envs: Environments that are stepped at once.
        num_workers: Worker processes; one per core when left out.
        concurrency: Episodes of a collection at once.
        steps: How often all environments are stepped in a round.
        rounds: How often everything is measured; engines alternate.
        vs: `"gymnasium"` steps Gymnasium's `AsyncVectorEnv` and `SyncVectorEnv` beside ours.
        seed: Seed of the collections.
        say: Called with one line before each measurement.

    Raises:
        ConfigError: For a setting that cannot be used, or a solution that does not end its episode.
        DefinitionError: The environment has no reference solutions.

    >>> report = bench(
    ...     "gym_llm/MCQA-v0", episodes=5, num_envs=2, num_workers=1, latency=0, steps=1, rounds=1
    ... )
    >>> report.alone["reward"].median
    1.0
    """
    check_platform()
    workers = cores() if num_workers is None else num_workers
    settings = Settings(
        env_id, dict(env_kwargs or {}), str(latency), episodes, num_envs, workers, concurrency, steps, rounds, vs, seed
    )
    facts, say = machine(), say or _silent
    solutions = Solutions(env_id, dict(settings.env_kwargs))
    try:
        alone = _alone(settings, solutions, say)
        stepped = _stepped(settings, solutions, say)
        collected = _collected(settings, solutions, say)
    finally:
        solutions.close()
    return BenchReport(settings, facts, alone, stepped, collected)


def _silent(line: str) -> None:
    """Say nothing."""


def _alone(settings: Settings, solutions: Solutions, say: Say) -> dict[str, Figure]:
    say("the environment alone")
    play(solutions, 1)
    return gathered(play(solutions, min(settings.episodes, _MOST_ALONE)) for _ in range(settings.rounds))


def _stepped(settings: Settings, solutions: Solutions, say: Say) -> dict[str, dict[str, Figure]]:
    """Step each engine in turn, again and again."""
    found = engines(
        settings.env_id, settings.env_kwargs, settings.num_envs, settings.num_workers,
        gymnasium=settings.vs == "gymnasium",
    )  # fmt: skip
    seen: dict[str, list[dict[str, float]]] = {name: [] for name in found}
    for number in range(1, settings.rounds + 1):
        for name, make in found.items():
            say(f"{name}, round {number} of {settings.rounds}")
            seen[name].append(step(make, solutions, settings.steps))
    return {name: gathered(each) for name, each in seen.items()}


def _collected(settings: Settings, solutions: Solutions, say: Say) -> dict[str, Figure]:
    seen = []
    with pipeline(settings, solutions) as measured:
        for number in range(1, settings.rounds + 1):
            say(f"the whole pipeline, round {number} of {settings.rounds}")
            seen.append(measured.round())
    return gathered(seen)
