"""Environments that wait: one straggler among many, and steps that all await, ours beside Gymnasium's class.

    python benchmarks/waiting.py [--envs 512] [--seconds 3] [--no-gymnasium]

Straggler: 64 environments, one of which takes 500 ms and the others 5 ms; lock-step (`step`) beside `recv`. Awaiting:
every step of every environment awaits 50 ms; the ideal is `envs / 0.05` steps a second. CPU is that of the driver and
its workers, from /proc.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import os
import platform
import time
from typing import Any

import gymnasium
import numpy as np

from gym_llm import ResponsesEnv, tool
from gym_llm.bench.usage import cpu
from gym_llm.items import function_call
from gym_llm.vector import AsyncVectorEnv

ROW = {"responses_create_params": {"input": "Wait."}}
CALL = [function_call("nap", {}, "c")]
AWAITED = 0.05


class Napping(ResponsesEnv):
    """Awaits in every step."""

    max_turns = 1_000_000

    def __init__(self, seconds: float) -> None:
        super().__init__(dataset=[ROW])
        self.seconds = seconds

    @tool
    async def nap(self) -> str:
        """Wait."""
        await asyncio.sleep(self.seconds)
        return "ok"

    def verify(self, task: Any, episode: Any) -> float:
        return 0.0


class Sleeping(gymnasium.Env[Any, Any]):
    """The same for Gymnasium's class, with the least of an observation."""

    observation_space = gymnasium.spaces.Discrete(2)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        return 0, {}

    def step(self, action: Any) -> Any:
        time.sleep(self.seconds)
        return 0, 0.0, False, False, {}


def lockstep(envs: Any, actions: Any, seconds: float) -> tuple[float, float]:
    """Return steps per second and CPU microseconds per step, of `step`."""
    envs.reset(seed=0)
    envs.step(actions)
    before, began, rounds = cpu(), time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        envs.step(actions)
        rounds += 1
    steps = rounds * envs.num_envs
    return steps / (time.perf_counter() - began), (cpu() - before) / steps * 1e6


def received(envs: AsyncVectorEnv, seconds: float) -> tuple[float, float, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the same of `recv`, with the seconds that each step took and whose it was."""
    envs.reset(seed=0)
    sent = dict.fromkeys(range(envs.num_envs), time.perf_counter())
    envs.send([CALL] * envs.num_envs, range(envs.num_envs))
    took, whose = list[float](), list[int]()
    before, began = cpu(), time.perf_counter()
    while (now := time.perf_counter()) - began < seconds:
        ids = envs.recv(min_envs=1)[4]["env_id"].tolist()
        now = time.perf_counter()
        took += [now - sent[index] for index in ids]
        whose += ids
        sent |= dict.fromkeys(ids, now)
        envs.send([CALL] * len(ids), ids)
    used, wall = cpu() - before, time.perf_counter() - began
    return len(took) / wall, used / len(took) * 1e6, np.array(took), np.array(whose)


def straggler(seconds: float) -> None:
    """One of 64 takes 500 ms, the others 5 ms."""
    fns = [functools.partial(Napping, 0.5 if index == 0 else 0.005) for index in range(64)]
    envs = AsyncVectorEnv(fns, num_workers=2)
    slow, _ = lockstep(envs, (CALL,) * 64, seconds)
    envs.close(terminate=True)
    envs = AsyncVectorEnv(fns, num_workers=2)
    fast, _, took, whose = received(envs, seconds)
    envs.close(terminate=True)
    p50, p99 = np.quantile(took[whose != 0], [0.5, 0.99]) * 1e3
    print(f"straggler: lock-step {slow:,.0f} steps/s, recv {fast:,.0f} ({fast / slow:.0f} x); "
          f"healthy steps of 5 ms: median {p50:.1f} ms, p99 {p99:.1f} ms")  # fmt: skip


def awaiting(count: int, seconds: float, *, gymnasium_too: bool) -> None:
    """All steps await."""
    ideal = count / AWAITED
    envs = AsyncVectorEnv([functools.partial(Napping, AWAITED)] * count, num_workers=2)
    rate, used = lockstep(envs, (CALL,) * count, seconds)
    print(f"awaiting {AWAITED * 1e3:.0f} ms, {count} environments: lock-step {rate:,.0f} steps/s, "
          f"{rate / ideal:.0%} of the ideal, {used:.0f} us CPU")  # fmt: skip
    rate, used, _, _ = received(envs, seconds)
    print(f"  recv {rate:,.0f} steps/s, {rate / ideal:.0%} of the ideal, {used:.0f} us CPU")
    envs.close(terminate=True)
    if gymnasium_too:
        theirs = gymnasium.vector.AsyncVectorEnv([functools.partial(Sleeping, AWAITED)] * count)
        rate, used = lockstep(theirs, np.zeros(count, dtype=np.int64), seconds)
        theirs.close()
        print(
            f"  gymnasium's, Discrete spaces: {rate:,.0f} steps/s, {rate / ideal:.0%} of the ideal, {used:.0f} us CPU"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--envs", type=int, default=512)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--no-gymnasium", action="store_true")
    given = parser.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    straggler(given.seconds)
    awaiting(given.envs, given.seconds, gymnasium_too=not given.no_gymnasium)


if __name__ == "__main__":
    main()
