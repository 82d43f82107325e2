"""What a sandboxed execution costs, beside a bare subprocess in the same run.

    python benchmarks/sandbox.py [--runs 300] [--rounds 3] [--provider bubblewrap]

CPU is user and system time of this process, the zygotes and all they ran, once they have been reaped; what starting
the zygotes costs is shared among the runs. Rounds alternate between the variants; the median round is shown.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from gym_llm.sandbox import Sandbox, open_sandbox

PROBLEM = "n = int(input())\nprint(sum(int(word) for word in input().split()[:n]))"
TESTS = [(f"{n}\n{' '.join(map(str, range(n)))}\n", f"{n * (n - 1) // 2}\n".encode()) for n in range(1, 11)]
Row = tuple[float, float, float, float]


def used() -> float:
    """Return seconds of CPU of this process and of all children that were reaped."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


def timed(once: Callable[[], object], runs: int) -> list[float]:
    """Return the seconds of each of some runs."""
    took = []
    for _ in range(runs):
        began = time.perf_counter()
        once()
        took.append(time.perf_counter() - began)
    return took


def measure(make: Callable[[], Sandbox | None], once: Callable[[Sandbox | None], object], runs: int) -> Row:
    """Return CPU ms per run, median and p90 latency in ms, runs per second."""
    before = used()
    sandbox = make()
    once(sandbox)
    began = time.perf_counter()
    took = sorted(timed(lambda: once(sandbox), runs))
    wall = time.perf_counter() - began
    if sandbox is not None:
        sandbox.close()
    cpu = (used() - before) / (runs + 1)
    return cpu * 1e3, took[runs // 2] * 1e3, took[runs * 9 // 10] * 1e3, runs / wall


def together(provider: str, runs: int) -> Row:
    """Return the same of runs that are awaited all at once; the rate is what the machine can do."""
    before = used()
    with open_sandbox(provider) as sandbox:

        async def all_of_them() -> list[float]:
            results = await asyncio.gather(*[sandbox.arun(program="print(input())", stdin="1") for _ in range(runs)])
            return sorted(result.wall for result in results)

        asyncio.run(all_of_them())
        began = time.perf_counter()
        took = asyncio.run(all_of_them())
        wall = time.perf_counter() - began
    return (used() - before) / (2 * runs) * 1e3, took[runs // 2] * 1e3, took[runs * 9 // 10] * 1e3, runs / wall


def grade(sandbox: Sandbox | None) -> None:
    """Run a correct program on ten tests, each in a sandbox of its own; compare here."""
    assert sandbox is not None
    for given, expected in TESTS:
        assert sandbox.run(program=PROBLEM, stdin=given).stdout == expected


def grade_bare(_: Sandbox | None) -> None:
    """Do the same without a sandbox."""
    for given, expected in TESTS:
        done = subprocess.run([sys.executable, "-c", PROBLEM], input=given.encode(), capture_output=True, check=True)
        assert done.stdout == expected


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--provider", default="bubblewrap")
    given = parser.parse_args()
    bare = max(given.runs // 5, 1)

    def opened() -> Sandbox:
        return open_sandbox(given.provider)

    def warm() -> Sandbox:
        return open_sandbox(given.provider, preload=["numpy"])

    def run(program: str) -> Callable[[Sandbox | None], object]:
        return lambda sandbox: sandbox.run(program=program, stdin="1") if sandbox else None

    def plain(program: str) -> Callable[[Sandbox | None], object]:
        return lambda _: subprocess.run([sys.executable, "-c", program], check=True)

    variants: dict[str, Callable[[], Row]] = {
        "subprocess, pass": lambda: measure(lambda: None, plain("pass"), bare),
        "sandbox, pass": lambda: measure(opened, run("pass"), given.runs),
        "sandbox, print(input())": lambda: measure(opened, run("print(input())"), given.runs),
        "sandbox, all awaited at once": lambda: together(given.provider, given.runs),
        "subprocess, import numpy": lambda: measure(lambda: None, plain("import numpy"), max(bare // 5, 1)),
        "sandbox, numpy preloaded": lambda: measure(warm, run("import numpy"), given.runs),
        "subprocess, 10 tests": lambda: measure(lambda: None, grade_bare, max(bare // 5, 1)),
        "sandbox, 10 tests": lambda: measure(opened, grade, max(given.runs // 10, 1)),
    }
    machine = f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores"
    print(f"{machine}, load {os.getloadavg()[0]:.1f}")
    print(f"{'':30} CPU ms   spread        median ms  p90 ms   per s")
    rows: dict[str, list[Row]] = {name: [] for name in variants}
    for _ in range(given.rounds):
        for name, variant in variants.items():
            rows[name].append(variant())
    for name, seen in rows.items():
        cpu = sorted(row[0] for row in seen)
        _, median, p90, rate = (statistics.median(row[i] for row in seen) for i in range(4))
        spread = f"{cpu[0]:.1f}-{cpu[-1]:.1f}"
        print(f"{name:30} {statistics.median(cpu):<8.1f} {spread:<13} {median:<10.1f} {p90:<8.1f} {rate:.0f}")
    print(f"load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
