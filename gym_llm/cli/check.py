"""`gym-llm check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gym_llm.cli.names import resolve

if TYPE_CHECKING:
    from gym_llm.configs.schemas import CheckConfig


def run(config: CheckConfig) -> int:
    """Check that an environment keeps the contract.

    Runs every check of gym_llm.check and prints its report; the exit status is 1 when one of them fails.
    """
    from gym_llm.conformance import check

    report = check(
        resolve(config.env), env_kwargs=config.env_kwargs, tasks=config.tasks, seed=config.seed,
        hostile_actions=config.hostile_actions, step_timeout=config.step_timeout,
    )  # fmt: skip
    print(report.text())
    return 0 if report.ok else 1
