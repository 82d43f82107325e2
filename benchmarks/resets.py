"""What an environment's resets and verifications cost: how many of each a second of CPU pays for.

    python benchmarks/resets.py WorkplaceAssistant-v0 [--rounds 5] [--seconds 0.5] [--generated 1000] [--set world=1]

Resets go round all tasks. Verifications are of each task's reference solution, played once; only `verify` is timed.
CPU is user and system time of this process and its children; each figure is the median of the rounds.
"""

from __future__ import annotations

import argparse
import inspect
import itertools
import os
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import gymnasium

import gym_llm  # noqa: F401 - registers the ids
from gym_llm import bridge
from gym_llm.bench.usage import cpu
from gym_llm.core import ResponsesEnv

_MOST_PLAYED = 200


def resets(env: ResponsesEnv) -> Callable[[], None]:
    """Return a function that begins the next task's episode."""
    indices = itertools.cycle(range(len(env.tasks)))

    def begin() -> None:
        env.reset(options={"task_index": next(indices)})

    return begin


def verifications(make: Callable[[], ResponsesEnv]) -> Callable[[], None]:
    """Return a function that verifies the next of some finished episodes."""
    finished = []
    for index in range(min(len(make().tasks), _MOST_PLAYED)):
        env = make()
        env.reset(options={"task_index": index})
        for action in env.solve(env.task):
            env.step(action)
        finished.append(env)
    episodes = itertools.cycle(finished)

    def verify() -> None:
        env = next(episodes)
        result = env.verify(env.task, env.episode)
        if inspect.isawaitable(result):
            bridge.wait(result)

    return verify


def measure(once: Callable[[], None], seconds: float) -> tuple[float, float, int]:
    """Return CPU seconds and wall seconds of one unit, and how many were done in about so many seconds."""
    count, before, began = 0, cpu(), time.perf_counter()
    while time.perf_counter() - began < seconds:
        for _ in range(10):
            once()
        count += 10
    return (cpu() - before) / count, (time.perf_counter() - began) / count, count


def report(what: str, once: Callable[[], None], rounds: int, seconds: float) -> None:
    """Measure several rounds after one that warms up, and print a line."""
    once()
    found = [measure(once, seconds) for _ in range(rounds)]
    used = sorted(row[0] for row in found)
    wall = statistics.median(row[1] for row in found)
    median = statistics.median(used)
    print(
        f"{what:<14} {1 / median:>12,.0f} {median * 1e6:>12.1f} {used[0] * 1e6:>8.1f}-{used[-1] * 1e6:<8.1f} "
        f"{1 / wall:>12,.0f} {sum(row[2] for row in found):>10,}"
    )


def main() -> None:
    """Measure one environment and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("env_id")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="length of a round")
    parser.add_argument("--generated", type=int, default=0, help="generate so many tasks instead of the bundled ones")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="KEY=VALUE", help="keyword arguments, as text or numbers"
    )
    given = parser.parse_args()
    settings: dict[str, Any] = {
        key: int(value) if value.isdigit() else value for key, _, value in (pair.partition("=") for pair in given.set)
    }
    env_id = given.env_id if "/" in given.env_id else f"gym_llm/{given.env_id}"
    began = time.perf_counter()
    env: Any = gymnasium.make(env_id, **settings).unwrapped
    if given.generated:
        settings["dataset"] = [dict(env.generate(env.np_random)) for _ in range(given.generated)]

    def make() -> Any:
        return gymnasium.make(env_id, **settings).unwrapped

    env = make()
    env.reset(options={"task_index": 0})
    print(f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{env_id}, {len(env.tasks)} tasks, first reset after {time.perf_counter() - began:.2f} s")
    print(f"{'what':<14} {'per CPU s':>12} {'CPU us each':>12} {'spread':>13} {'per wall s':>16} {'measured':>10}")
    report("resets", resets(env), given.rounds, given.seconds)
    report("verifications", verifications(make), given.rounds, given.seconds)


if __name__ == "__main__":
    main()
