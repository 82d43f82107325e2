"""Runs the battery: every attack in each of its ways, some at a time, against one sandbox."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed

from gym_llm.sandbox.battery.attack import Attack, Way
from gym_llm.sandbox.battery.attacks import ATTACKS
from gym_llm.sandbox.battery.marks import VARIABLE, Bystander, token
from gym_llm.sandbox.battery.trial import Outcome, Trial
from gym_llm.sandbox.sandbox import Sandbox

_AT_ONCE = 4
_WARM = "import time; time.sleep(0.2)"


def trials(kinds: Collection[str] = (), names: Collection[str] = ()) -> list[tuple[str, Attack, Way]]:
    """Return class, attack and way of each trial; all of them, or those of some classes or names."""
    return [
        (kind, attack, way) for kind, attacks in ATTACKS.items() if not kinds or kind in kinds
        for attack in attacks if not names or attack.name in names for way in attack.ways
    ]  # fmt: skip


def warm(sandbox: Sandbox) -> None:
    """Have a sandbox start all that it starts when it is busy, so that it is not taken for an attack's trace."""
    with ThreadPoolExecutor(sandbox.concurrency) as threads, sandbox.workspace() as space:
        for each in (None, space):
            runs = [threads.submit(sandbox.run, program=_WARM, workspace=each) for _ in range(sandbox.concurrency)]
            for run_ in runs:
                run_.result()


def run(
    sandbox: Sandbox, chosen: Collection[tuple[str, Attack, Way]] | None = None, *, at_once: int = _AT_ONCE,
    told: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:  # fmt: skip
    """Try attacks on a sandbox.

    Args:
        sandbox: What is attacked.
        chosen: Trials; all of them by default.
        at_once: How many at a time.
        told: Called with each outcome as it comes.

    Returns:
        One outcome per trial, in the order of the trials.
    """
    work = list(trials() if chosen is None else chosen)
    bystander, canary = Bystander(), token("variable")
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = canary
    try:
        return list(_all(sandbox, work, bystander, canary, at_once, told))
    finally:
        bystander.close()
        os.environ.pop(VARIABLE)
        if before is not None:
            os.environ[VARIABLE] = before


def _all(
    sandbox: Sandbox, work: list[tuple[str, Attack, Way]], bystander: Bystander, canary: str, at_once: int,
    told: Callable[[Outcome], None],
) -> Iterator[Outcome]:  # fmt: skip
    with ThreadPoolExecutor(at_once) as threads:
        futures = [
            threads.submit(Trial(sandbox, kind, attack, way, bystander, [canary]).outcome) for kind, attack, way in work
        ]
        for future in as_completed(futures):
            told(future.result())
        yield from (future.result() for future in futures)
