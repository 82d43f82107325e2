"""CPU per step through AsyncVectorEnv, ours beside Gymnasium's, at several lengths of conversation.

    python benchmarks/stepping.py [--envs 512] [--rounds 3] [--steps 20] [--no-gymnasium]

The environment costs nothing: its observation is a conversation of so many KB, and a step adds the action and a
short answer. CPU is user and system time of the driver and all its workers, from /proc; rounds alternate.
"""

from __future__ import annotations

import argparse
import functools
import os
import platform
import statistics
import time
from typing import Any

import gymnasium
import numpy as np

from gym_llm.bench.usage import cpu, pss
from gym_llm.spaces import InputItems, OutputItems
from gym_llm.vector import AsyncVectorEnv

ACTION = [{"type": "function_call", "call_id": "c", "name": "look", "arguments": '{"where": "north"}'}]


class Conversation(gymnasium.Env[Any, Any]):
    """A conversation of `kilobytes`, that grows by one answer a step."""

    def __init__(self, kilobytes: int) -> None:
        self.observation_space, self.action_space = InputItems(), OutputItems()
        self._begin = [{"role": "user", "content": f"{number} " + "x" * 480} for number in range(2 * kilobytes)]

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self._items = list(self._begin)
        return list(self._items), {}

    def step(self, action: Any) -> Any:
        self._items += action
        self._items.append({"type": "function_call_output", "call_id": "c", "output": "You see a wall."})
        return list(self._items), 0.0, False, False, {"tool_calls": 1}


def measure(make: Any, envs: int, steps: int) -> tuple[float, float, float, float]:
    """Return CPU microseconds per step, wall microseconds per step, seconds to start, MB."""
    before, began = cpu(), time.perf_counter()
    vector = make()
    vector.reset(seed=0)
    started = time.perf_counter() - began
    actions = (ACTION,) * envs
    vector.step(actions)
    before, began = cpu(), time.perf_counter()
    for _ in range(steps):
        vector.step(actions)
    wall, used, size = time.perf_counter() - began, cpu() - before, pss()
    vector.close()
    return used / steps / envs * 1e6, wall / steps / envs * 1e6, started, size


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--envs", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--kilobytes", type=int, nargs="*", default=[1, 10, 100])
    parser.add_argument("--context", default="fork")
    parser.add_argument("--no-gymnasium", action="store_true")
    given = parser.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {given.envs} environments")
    print("KB   engine      CPU us/step  spread        wall us/step  start s  PSS MB")
    for kilobytes in given.kilobytes:
        fns = [functools.partial(Conversation, kilobytes)] * given.envs
        engines = {"ours": lambda fns=fns: AsyncVectorEnv(fns, context=given.context, num_workers=2)}
        if not given.no_gymnasium:
            engines["gymnasium"] = lambda fns=fns: gymnasium.vector.AsyncVectorEnv(fns, shared_memory=False)
        seen: dict[str, list[Any]] = {name: [] for name in engines}
        for _ in range(given.rounds):
            for name, make in engines.items():
                seen[name].append(measure(make, given.envs, given.steps))
        medians = {}
        for name, rows in seen.items():
            used = sorted(row[0] for row in rows)
            medians[name] = statistics.median(used)
            wall, started, size = (float(np.median([row[i] for row in rows])) for i in (1, 2, 3))
            print(
                f"{kilobytes:<4} {name:<11} {medians[name]:<12.1f} {used[0]:.1f}-{used[-1]:<8.1f} {wall:<13.1f} "
                f"{started:<8.2f} {size:.0f}"
            )
        if len(medians) == 2:
            print(f"     ratio       {medians['gymnasium'] / medians['ours']:.1f} x")


if __name__ == "__main__":
    main()
