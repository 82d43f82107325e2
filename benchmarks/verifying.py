"""Verifications per second of every environment, on one core: the reference solution is played once, then judged.

Times `verify` alone on that finished episode, awaited where it awaits; what a pool process burns shows in the wall
time only. Environments that cannot be made or solved here are listed with the reason.
Usage: python benchmarks/verifying.py [--seconds 0.3] [--rounds 5] [--ids gym_llm/MCQA-v0 ...]
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import os
import statistics
import time
from typing import Any

import gymnasium

import gym_llm


async def batch(env: Any, count: int) -> None:
    for _ in range(count):
        result = env.verify(env.task, env.episode)
        if inspect.isawaitable(result):
            await result


def played(env_id: str) -> Any:
    env = gymnasium.make(env_id).unwrapped
    env.reset(options={"task_index": 0})
    for action in env.solve(env.task):
        *_, info = env.step(action)
    if "error" in info or "verification" not in info:
        raise RuntimeError(f"the reference solution was not judged: {info.get('error', info)}")
    return env


def measured(env: Any, seconds: float, rounds: int) -> tuple[float, float, float]:
    """Return medians over rounds: verifications a second, CPU microseconds of this process each, and the spread."""
    begun = time.perf_counter()
    asyncio.run(batch(env, 3))
    count = max(1, int(3 * seconds / (time.perf_counter() - begun)))
    rates, cpu = [], []
    for _ in range(rounds):
        wall, used = time.perf_counter(), time.process_time()
        asyncio.run(batch(env, count))
        rates.append(count / (time.perf_counter() - wall))
        cpu.append((time.process_time() - used) / count * 1e6)
    middle = statistics.median(rates)
    return middle, statistics.median(cpu), (max(rates) - min(rates)) / middle


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ids", nargs="*", default=None)
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print("| Environment | Verifications/s | CPU each (µs) | Spread |\n|---|---:|---:|---:|")
    for env_id in given.ids or gym_llm.env_ids():
        try:
            rate, cpu, spread = measured(played(env_id), given.seconds, given.rounds)
        except Exception as error:  # boundary: one environment that cannot be measured does not end the table
            print(f"| {env_id} | {type(error).__name__}: {str(error)[:80]} | | |")
        else:
            print(f"| {env_id} | {rate:,.0f} | {cpu:,.1f} | {spread:.0%} |")


if __name__ == "__main__":
    main()
