"""SIGKILL a collection at random moments, resume it, and count what was lost, doubled or left unparsable.

    python benchmarks/kill_protocol.py --kills 60

Kills fall anywhere: while the program starts, while an earlier file is mended, while rows of 300 bytes to 1 MB are
written. Then the collection is resumed to its end. Exits with 1 unless nothing is lost, doubled or unparsable.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from gym_llm import ResponsesEnv
from gym_llm.items import assistant_message
from gym_llm.journal.rows import scan
from gym_llm.rollouts import collect

SIZES = ((0.9, 300), (0.97, 30_000), (1.0, 1_000_000))
SLOW, FAST = "0.1", "0.001"


class Echo(ResponsesEnv):
    """Pays for any answer."""

    def verify(self, task: Any, episode: Any) -> float:
        return float(bool(episode.last_message))


async def policy(observation: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Answer after some milliseconds with a text whose length the task decides; a few tasks fail at first."""
    rng = random.Random(observation[0]["content"])
    await asyncio.sleep(random.random() * 2 * float(os.environ["SECONDS_PER_ANSWER"]))
    if rng.random() < 0.02 and random.random() < 0.5:
        raise ValueError("this attempt fails")
    draw = rng.random()
    return [assistant_message("é" * (next(size for share, size in SIZES if draw <= share) // 2))]


def run_once(folder: Path) -> None:
    """One collection, as the killed programs run it."""
    collect(
        lambda: Echo(dataset=str(folder / "in.jsonl")), policy, output=folder / "out.jsonl", resume=True,
        num_repeats=2, concurrency=16, max_attempts=1000, progress=False,
    )  # fmt: skip


def start(folder: Path, seconds: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"SECONDS_PER_ANSWER": seconds}
    return subprocess.Popen([sys.executable, __file__, "--child", str(folder)], env=environment)


def kill_repeatedly(folder: Path, kills: int, rng: random.Random) -> Counter[str]:
    """Kill that many runs: half at any moment from their start, half while rows are coming."""
    seen, out = Counter[str](), folder / "out.jsonl"
    while seen["kills"] < kills:
        before, started = size_of(out), time.monotonic()
        with start(folder, SLOW) as process:
            if rng.random() < 0.5:
                time.sleep(rng.uniform(0, 2.5))
            else:
                while size_of(out) <= before and process.poll() is None and time.monotonic() - started < 60:
                    time.sleep(0.002)
                time.sleep(rng.uniform(0, 0.3))
            process.send_signal(signal.SIGKILL)
        if process.returncode != -signal.SIGKILL:
            seen["ended before the kill"] += 1
            break
        seen["kills"] += 1
        seen["torn tails"] += out.exists() and not out.read_bytes().endswith(b"\n") and size_of(out) > 0
        seen["while rows were coming"] += size_of(out) > before
    return seen


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def verdict(folder: Path, wanted: set[tuple[int, int]]) -> Counter[str]:
    """Read the file as any other program would, with the standard library."""
    found, seen = Counter[tuple[int, int]](), Counter[str]()
    with (folder / "out.jsonl").open("rb") as file:
        for line in file:
            try:
                row = json.loads(line)
            except ValueError:
                seen["unparsable"] += 1
                continue
            found[row["_ng_task_index"], row["_ng_rollout_index"]] += 1
    seen["rows"] = found.total()
    seen["damaged"] = sum(not sound for _, _, sound in scan(folder / "out.jsonl"))
    seen["lost"] = len(wanted - found.keys())
    seen["doubled"] = sum(count - 1 for count in found.values())
    seen["foreign"] = len(found.keys() - wanted)
    return seen


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--kills", type=int, default=60)
    options.add_argument("--tasks", type=int, default=3000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.child is not None:
        run_once(given.child)
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "in.jsonl").open("w") as file:
            for task in range(given.tasks):
                file.write(json.dumps({"responses_create_params": {"input": f"task {task}"}}) + "\n")
        killed = kill_repeatedly(folder, given.kills, random.Random(given.seed))
        rows_before = sum(sound for _, _, sound in scan(folder / "out.jsonl"))
        with start(folder, FAST) as process:
            process.wait(timeout=600)
        seen = verdict(folder, {(task, rollout) for task in range(given.tasks) for rollout in range(2)})
        seen["resume failed"] = process.returncode
        attempts = sum(1 for _ in (folder / "out_failures.jsonl").open("rb"))
    print(", ".join(f"{count} {name}" for name, count in killed.items()))
    print(f"{rows_before} rows before the last resume, {seen['rows']} after it, {attempts} failed attempts on the way")
    wrong = ("lost", "doubled", "unparsable", "damaged", "foreign", "resume failed")
    print(" / ".join(f"{seen[name]} {name}" for name in wrong))
    return int(killed["kills"] < given.kills or any(seen[name] for name in wrong))


if __name__ == "__main__":
    sys.exit(main())
