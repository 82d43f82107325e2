"""Makes the table of bugs: `python -m gym_llm.envs.mini_swe.make_bugs`. The same sources give the same table.

A mutation is kept when it makes some test fail at two assertions or more, one of which the issue shows and another it
does not, and leaves other tests passing; and when the process comes to its end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from gym_llm.envs.mini_swe import issues
from gym_llm.envs.mini_swe.examination import Outcome, examine
from gym_llm.envs.mini_swe.mutations import mutations
from gym_llm.envs.mini_swe.repositories import DATA, Bug, Repository, names, repository
from gym_llm.sandbox import Limits, Sandbox, default

_LIMITS = Limits(cpu=2.0, wall=10.0, processes=8)


async def table(box: Sandbox, repositories: tuple[str, ...]) -> AsyncIterator[dict[str, Any]]:
    """Yield the bugs of some repositories."""
    for name in repositories:
        healthy = repository(name)
        for path in healthy.sources:
            changes = mutations(path, healthy.files[path].decode())
            for row in await asyncio.gather(*(tried(box, healthy, bug) for bug in changes)):
                if row is not None:
                    yield row


async def tried(box: Sandbox, healthy: Repository, bug: Bug) -> dict[str, Any] | None:
    """Return a bug as a row of the table, None when it makes no good task."""
    outcome = await examine(box, bug.seeded(healthy.files), healthy.suite, _LIMITS)
    failed = [test for test, passed in outcome.passed.items() if not passed]
    shown = _example(healthy, outcome)
    if not outcome.complete or not failed or len(failed) == len(outcome.passed) or shown is None:
        return None
    return {"repository": healthy.name, **bug.model_dump(), "fail_to_pass": failed, "example": shown}


def _example(healthy: Repository, outcome: Outcome) -> dict[str, str] | None:
    """Return the example of the first failed hidden test, if there is more to get wrong than this one."""
    wrong = [(test, *found) for test, found in outcome.wrong.items()]
    raised = [test for test in outcome.crashes if test not in outcome.wrong]
    if len(wrong) + len(raised) < 2 or not wrong:
        return None
    test, number, answer = wrong[0]
    suite = healthy.suite
    return issues.example(suite.sources[test], suite.probes[test], number, answer)


async def _write(path: Path) -> int:
    rows = [row async for row in table(default(), names())]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return len(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=DATA / "bugs.jsonl")
    asyncio.run(_write(parser.parse_args().output))
