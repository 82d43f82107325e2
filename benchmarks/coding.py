"""What grading programs costs: CompCoding's tests per second, and MathWithCode's calls per second.

    python benchmarks/coding.py                    # 1,000 episodes of 10 tests each; 1,000 episodes of sessions
    python benchmarks/coding.py --episodes 200 --concurrency 64 --workers 2

Both go through `collect` with the scripted policy, which plays each environment's reference solution. "CPU" is user
and system time of this process and its children, their start included; the sandboxes' runs are among them where
the provider's processes are waited for. A failure is an episode without a reward; a wrong one has a reward below 1.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

from gym_llm.rollouts import collect

TESTS = 10


def measure(env: str, folder: Path, given: argparse.Namespace, **knobs: Any) -> dict[str, float]:
    """Collect once and return seconds, failures, wrong episodes and how often `field` counted."""
    output = folder / f"{env}.jsonl"
    began, before = time.perf_counter(), os.times()
    done = collect(
        f"gym_llm/{env}-v0", "scripted", output=output, progress=False, num_workers=given.workers,
        concurrency=given.concurrency, env_kwargs={
            "dataset": {"num_tasks": given.episodes, "seed": 1, **knobs}, "sandbox": given.sandbox,
        },
    )  # fmt: skip
    seconds, after = time.perf_counter() - began, os.times()
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    return {
        "seconds": seconds, "cpu": sum(after[:4]) - sum(before[:4]), "episodes": len(rows),
        "failures": given.episodes - len(rows), "wrong": sum(row["reward"] < 1 for row in rows),
        "tests": sum(row.get("tests_run", 0) for row in rows),
        "calls": sum(row.get("python_calls", 0) for row in rows), "failed_attempts": done.failures,
    }  # fmt: skip


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument(
        "--workers", type=int, default=None, help="worker processes; 0 for this one, all cores if left out"
    )
    parser.add_argument("--sandbox", default="auto")
    given = parser.parse_args()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python "
        f"{platform.python_version()}, concurrency {given.concurrency}, sandbox {given.sandbox}"
    )
    print("environment    episodes  seconds  CPU s  unit   per second  failures  wrong")
    with tempfile.TemporaryDirectory() as name:
        for env, unit, knobs in (("CompCoding", "tests", {"num_tests": TESTS}), ("MathWithCode", "calls", {})):
            found = measure(env, Path(name), given, **knobs)
            print(
                f"{env:<14} {found['episodes']:>8.0f} {found['seconds']:>8.1f} {found['cpu']:>6.1f}  {unit:<6}"
                f" {found[unit] / found['seconds']:>10.1f} {found['failures'] + found['failed_attempts']:>9.0f}"
                f" {found['wrong']:>6.0f}"
            )


if __name__ == "__main__":
    main()
