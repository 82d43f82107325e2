"""`gym-llm bench`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from gym_llm.cli.names import resolve
from gym_llm.errors import MissingExtra

if TYPE_CHECKING:
    from gym_llm.bench import BenchReport
    from gym_llm.configs.schemas import BenchConfig


def run(config: BenchConfig) -> int:
    """Measure an environment: alone, stepped by workers, and in a whole collection.

    Prints rates, CPU and memory as medians over rounds, and says where an episode's CPU goes. The model is the mock
    model, which answers by the reference solutions in a process of its own and is not counted. Writes a plot (with
    the extra bench, which brings matplotlib) and the figures as JSON; profile=FILE.html adds a flame graph. Linux
    only.
    """
    from gym_llm.bench import bench, profile

    env = resolve(config.env)
    output = config.output or default_output(env)
    output.parent.mkdir(parents=True, exist_ok=True)
    report = bench(
        env, env_kwargs=config.env_kwargs, latency=config.latency, episodes=config.episodes,
        num_envs=config.num_envs, num_workers=config.num_workers, concurrency=config.concurrency,
        steps=config.steps, rounds=config.rounds, vs=config.vs, seed=config.seed, say=_say,
    )  # fmt: skip
    print(report)
    _write(report, output)
    if config.profile is not None:
        config.profile.parent.mkdir(parents=True, exist_ok=True)
        _say("the profile")
        profile(
            env, config.profile, env_kwargs=config.env_kwargs, latency=config.latency, episodes=config.episodes,
            concurrency=config.concurrency, seed=config.seed,
        )  # fmt: skip
        print(f"profile: {config.profile}")
    return 0


def default_output(env: str) -> Path:
    """Return `outputs/bench-<env>-<local time>.png`."""
    name = env.rpartition("/")[2].rpartition(":")[2]
    return Path("outputs") / f"bench-{name}-{time.strftime('%Y%m%d-%H%M%S')}.png"


def _write(report: BenchReport, output: Path) -> None:
    """Write the figures, and the plot where it can be drawn."""
    figures = output.with_suffix(".json")
    report.write_json(figures)
    print(f"\nfigures: {figures}")
    try:
        report.write_plot(output)
    except MissingExtra as missing:
        print(f"plot: not drawn, {missing}")
    else:
        print(f"plot: {output}")


def _say(line: str) -> None:
    print(f"measuring {line}", file=sys.stderr)
