"""What a collection costs beside a bare HTTP client on the same requests.

    python benchmarks/collect.py                 # 2,000 MCQA rows at 0 and 1,000 ms, concurrency 1,000 and 16,000
    python benchmarks/collect.py --rounds 1 --cases 0:1000

The mock model runs in a process of its own. Each side of each case runs in a fresh process, alternating A B A B;
medians and the spread are printed. "CPU" is user and system time of the process and its workers, their start
included, from the call to its return; "start" is what the process used before (imports) and after it; "driver" is
the process alone. Memory is the proportional set size of all of them, sampled.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import importlib
import json
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TASKS = 2000
ENV = "gym_llm/MCQA-v0"
ANSWER = "The options B and C can be ruled out, so the answer is \\boxed{A}."
SERVER = "import sys; from gym_llm.mock_model import MockModelConfig, serve; serve(MockModelConfig({}))"

IMPORTS = {
    "workers": ["gym_llm.rollouts", "gym_llm.policies.openai", "gym_llm.envs.mcqa"],
    "collect": ["gym_llm.rollouts", "gym_llm.policies.openai", "gym_llm.envs.mcqa"],
    "bare": ["aiohttp", "msgspec"],
}


def write_tasks(path: Path) -> None:
    with path.open("w") as file:
        for index in range(TASKS):
            options = [{letter: f"statement {letter} of question {index}"} for letter in "ABCDEFGHIJ"]
            text = f"Question {index}: which statement is right? Put the letter in \\boxed{{}}.\n" + "\n".join(
                f"{letter}: {text}" for option in options for letter, text in option.items()
            )
            params = {"input": [{"role": "user", "content": text}]}
            row = {
                "responses_create_params": params,
                "options": options,
                "expected_answer": "A",
                "uuid": f"q-{index}",
            }
            file.write(json.dumps(row) + "\n")


# The two sides, each in a process of its own.


def run_workers(base_url: str, folder: Path, concurrency: int, repeats: int) -> int:
    return run_collect(base_url, folder, concurrency, repeats, num_workers=None)


def run_collect(base_url: str, folder: Path, concurrency: int, repeats: int, num_workers: int | None = 0) -> int:
    from gym_llm.rollouts import collect

    policy = {
        "type": "openai", "model": "mock", "base_url": base_url, "api_key_env": None, "max_in_flight": concurrency,
    }  # fmt: skip
    done = collect(
        ENV, policy, output=folder / "out.jsonl", input=str(folder / "in.jsonl"), num_repeats=repeats,
        concurrency=concurrency, overwrite=True, progress=False, num_workers=num_workers,
    )  # fmt: skip
    if done.metrics["reward"]["mean"] != 1.0 or done.failures:
        raise SystemExit(f"the collection is not what it should be:\n{done}")
    return done.episodes


def run_bare(base_url: str, folder: Path, concurrency: int, repeats: int) -> int:
    return asyncio.run(_bare(base_url, folder, concurrency, repeats))


async def _bare(base_url: str, folder: Path, concurrency: int, repeats: int) -> int:
    import aiohttp
    import msgspec

    jobs, done = _requests(folder, repeats), 0
    connector = aiohttp.TCPConnector(limit=0)
    headers = {"Content-Type": "application/json"}
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=None)
    async with aiohttp.ClientSession(connector=connector, headers=headers, timeout=timeout) as session:

        async def worker() -> None:
            nonlocal done
            for params in jobs:
                body = msgspec.json.encode({"model": "mock", **params})
                async with session.post(f"{base_url}/responses", data=body) as response:
                    done += bool(msgspec.json.decode(await response.read())["output"])

        await asyncio.gather(*(worker() for _ in range(concurrency)))
    return done


def _requests(folder: Path, repeats: int) -> Iterator[dict[str, Any]]:
    with (folder / "in.jsonl").open() as file:
        for line in file:
            yield from [json.loads(line)["responses_create_params"]] * repeats


def child(side: str, base_url: str, folder: Path, concurrency: int, repeats: int) -> None:
    """Run one side and print what it took."""
    run = {"workers": run_workers, "collect": run_collect, "bare": run_bare}[side]
    _raise_limit()
    for module in IMPORTS[side]:
        importlib.import_module(module)
    cpu, wall = time.process_time(), time.perf_counter()
    with profiled():
        episodes = run(base_url, folder, concurrency, repeats)
    driver, wall = time.process_time() - cpu, time.perf_counter() - wall
    others = os.times()  # workers have ended and were waited for
    total = driver + others.children_user + others.children_system
    figures = {"cpu": total, "driver": driver, "wall": wall, "episodes": episodes}
    print(json.dumps(figures), flush=True)


@contextmanager
def profiled() -> Iterator[None]:
    """Profile the driver into the file that PROFILE names, if it names one."""
    if not (path := os.environ.get("PROFILE")):
        yield
        return
    profile = cProfile.Profile()
    with profile:
        yield
    profile.dump_stats(path)


def _raise_limit() -> None:
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


# The driver.


@contextmanager
def mock_model(latency: float) -> Iterator[tuple[str, list[str]]]:
    """Run the mock model; yields its address and a list that will hold what it saw."""
    config = f"text={ANSWER!r}, latency={str(latency)!r}"
    with subprocess.Popen([sys.executable, "-c", SERVER.format(config)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told: list[str] = []
        yield process.stdout.readline().split()[-1], told
        process.send_signal(signal.SIGTERM)
        told.append(process.stdout.read().strip())


def measure(side: str, latency: float, folder: Path, concurrency: int, repeats: int) -> dict[str, float]:
    """Run one side once, in a fresh process against a fresh server."""
    with mock_model(latency) as (base_url, told):
        arguments = ["--child", side, base_url, str(folder), str(concurrency), str(repeats)]
        process = subprocess.Popen([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True)
        peak = PeakMemory(process.pid)
        assert process.stdout is not None
        text = process.stdout.read()
        peak.stop()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{side} failed with {process.returncode}")
    figures: dict[str, float] = json.loads(text.splitlines()[-1])
    at_once = re.search(r"at most (\d+) in flight", told[0])
    return figures | {
        "driver_us": figures["driver"] / figures["episodes"] * 1e6,
        "rate": figures["episodes"] / figures["wall"],
        "cpu_ms": figures["cpu"] / figures["episodes"] * 1000,
        "start": usage.ru_utime + usage.ru_stime - figures["cpu"],
        "pss": peak.megabytes,
        "at_once": float(at_once[1]) if at_once else 0.0,
    }


class PeakMemory(threading.Thread):
    """Samples the proportional set size of a process and its children."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._stopped, self.megabytes = pid, threading.Event(), 0.0
        self.start()

    def run(self) -> None:
        while not self._stopped.wait(0.1):
            try:
                text = Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text()
            except OSError:
                return
            self.megabytes = max(self.megabytes, sum(map(_pss, [self._pid, *map(int, text.split())])))

    def stop(self) -> None:
        self._stopped.set()
        self.join()


def _pss(pid: int) -> float:
    """Proportional set size in MB; 0 of a process that has ended."""
    try:
        found = re.search(r"Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


def report(latency: float, concurrency: int, results: dict[str, list[dict[str, float]]]) -> None:
    print(f"\nlatency {latency * 1000:.0f} ms, concurrency {concurrency:,}")
    print(
        f"  {'':8} {'episodes/s':>11} {'CPU ms/episode':>24} {'peak PSS MB':>12} {'at once':>8} {'start CPU s':>12}"
        f" {'driver us':>10}"
    )
    for side, rounds in results.items():
        middle = {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}
        spread = f"({min(r['cpu_ms'] for r in rounds):.3f} to {max(r['cpu_ms'] for r in rounds):.3f})"
        print(
            f"  {side:8} {middle['rate']:>11,.0f} {middle['cpu_ms']:>7.3f} {spread:>16} {middle['pss']:>12.0f}"
            f" {middle['at_once']:>8,.0f} {middle['start']:>12.2f}"
            f" {middle['driver_us']:>10.0f}"
        )
    workers, here, bare = (statistics.median(each["cpu_ms"] for each in results[side]) for side in IMPORTS)
    print(f"  CPU ratio to bare: workers {workers / bare:.2f}, one process {here / bare:.2f}")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument(
        "--cases",
        nargs="+",
        default=["0:1000", "1:1000", "0:16000", "1:16000"],
        help="latency in seconds:concurrency",
    )
    options.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.child:
        side, base_url, folder, concurrency, repeats = given.child
        child(side, base_url, Path(folder), int(concurrency), int(repeats))
        return 0
    load, python = os.getloadavg()[0], platform.python_version()
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f}, Python {python}")
    with tempfile.TemporaryDirectory() as name:
        write_tasks(Path(name) / "in.jsonl")
        for case in given.cases:
            latency, concurrency = float(case.split(":")[0]), int(case.split(":")[1])
            results: dict[str, list[dict[str, float]]] = {side: [] for side in IMPORTS}
            for _ in range(given.rounds):
                for side, rounds in results.items():
                    repeats = -(-concurrency // TASKS)
                    rounds.append(measure(side, latency, Path(name), concurrency, repeats))
            report(latency, concurrency, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
