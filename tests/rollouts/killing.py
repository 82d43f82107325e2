"""A collection on two workers, of which one chosen at random is killed again and again; prints how often.

A program of its own: without the threads of a test runner its workers are forked off, which takes milliseconds.

    python killing.py INPUT OUTPUT KILLS
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

from adding import slow_adding
from processes import children

from gym_llm.rollouts import acollect


async def main(rows: str, output: str, kills: int) -> None:
    """Collect, and kill after every 20 rows."""
    rng, killed, out = random.Random(5), 0, Path(output)

    async def kill() -> None:
        nonlocal killed
        while killed < kills:
            await asyncio.sleep(0.005)
            written = out.read_bytes().count(b"\n") if out.exists() else 0
            workers = children(os.getpid()) if written >= 19 * killed + 10 else []
            if workers:
                os.kill(rng.choice(workers), signal.SIGKILL)
                killed += 1

    killing = asyncio.create_task(kill())
    await acollect(
        "adding/Adding-v0", slow_adding, output=output, input=rows, progress=False, num_workers=2, concurrency=64,
        max_attempts=20,
    )  # fmt: skip
    killing.cancel()
    print(killed)  # noqa: T201 - it is a program


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
