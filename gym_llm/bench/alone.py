"""The environment alone: episodes in this process, played by the reference solution. No worker, no model."""

from __future__ import annotations

import time
from collections import defaultdict

from gym_llm.bench.solutions import Solutions

Spent = defaultdict[str, float]
_MOST_SECONDS = 2.0
"""Wall time after which a round of a slow environment ends."""


def play(solutions: Solutions, episodes: int) -> dict[str, float]:
    """Play episodes, task after task, and return rates per second and CPU microseconds.

    Making the solution is not counted. A round of a slow environment ends early, after one episode at least.
    """
    spent: Spent = defaultdict(float)
    began = time.perf_counter()
    while spent["episodes"] < episodes and (not spent["episodes"] or time.perf_counter() - began < _MOST_SECONDS):
        _episode(solutions, int(spent["episodes"]) % solutions.count, spent)
    count, steps = spent["episodes"], spent["steps"]
    return {
        "resets_per_second": count / spent["reset wall"],
        "steps_per_second": steps / spent["step wall"],
        "episodes_per_second": count / (spent["reset wall"] + spent["step wall"]),
        "reset_cpu_us": spent["reset cpu"] / count * 1e6,
        "step_cpu_us": spent["step cpu"] / steps * 1e6,
        "episode_cpu_us": (spent["reset cpu"] + spent["step cpu"]) / count * 1e6,
        "steps_per_episode": steps / count,
        "reward": spent["reward"] / count,
    }


def _episode(solutions: Solutions, task: int, spent: Spent) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    solutions.env.reset(seed=0, options={"task_index": task})
    _add(spent, "reset", wall, cpu)
    actions, over = solutions.current(), False
    wall, cpu = time.perf_counter(), time.process_time()
    for action in actions:
        over = solutions.step(action)
        spent["steps"] += 1
        if over:
            break
    _add(spent, "step", wall, cpu)
    if not over:
        raise solutions.unfinished(task)
    spent["episodes"] += 1
    spent["reward"] += solutions.reward


def _add(spent: Spent, what: str, wall: float, cpu: float) -> None:
    """Add the time since `wall` and `cpu`."""
    spent[f"{what} cpu"] += time.process_time() - cpu
    spent[f"{what} wall"] += time.perf_counter() - wall
