"""Rows from the table of bugs. Makes rows for `MiniSWE.generate`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gym_llm.envs.mini_swe import issues, patches
from gym_llm.envs.mini_swe.mutations import OPERATORS
from gym_llm.envs.mini_swe.repositories import Bug, bugs, digest, names, repository
from gym_llm.envs.mini_swe.task import OWN, instructions
from gym_llm.errors import ConfigError
from gym_llm.items import message


def row(
    rng: np.random.Generator, *, repositories: Sequence[str] | None = None, operators: Sequence[str] | None = None
) -> dict[str, Any]:
    """Return a row.

    Args:
        rng: Source of randomness.
        repositories: Names of bundled repositories to choose from; all by default.
        operators: Names of mutation operators to choose from; all by default.

    Raises:
        ConfigError: For a name that is unknown, or a choice that leaves no bug.
    """
    for given, known in ((repositories, names()), (operators, tuple(OPERATORS))):
        if unknown := set(given or ()) - set(known):
            raise ConfigError(f"{sorted(unknown)}: give some of {', '.join(known)}")
    found = [
        number for number, entry in enumerate(bugs())
        if entry["repository"] in (repositories or names()) and entry["operator"] in (operators or OPERATORS)
    ]  # fmt: skip
    if not found:
        raise ConfigError(f"repositories={repositories}, operators={operators}: there is no such bug")
    by_repository: dict[str, list[int]] = {}
    for number in found:
        by_repository.setdefault(bugs()[number]["repository"], []).append(number)
    chosen = by_repository[sorted(by_repository)[int(rng.integers(len(by_repository)))]]
    return made(rng, chosen[int(rng.integers(len(chosen)))])


def made(rng: np.random.Generator, number: int) -> dict[str, Any]:
    """Return a row for one bug of the table; the generator words the issue."""
    entry = bugs()[number]
    healthy = repository(entry["repository"])
    bug = Bug.model_validate(entry)
    broken = bug.seeded(healthy.files)
    package = bug.path.split("/")[0]
    issue = issues.text(rng, entry["example"], package)
    return {
        "responses_create_params": {"input": [message(instructions(issue))]},
        "instance_id": f"gym_llm__{healthy.name}-{number}",
        "repo": f"{OWN}{healthy.name}",
        "base_commit": digest(broken),
        "problem_statement": issue,
        "hints_text": "",
        "patch": patches.unified(broken, patches.Patch({bug.path: healthy.files[bug.path]})),
        "test_patch": "",
        "version": "0",
        "FAIL_TO_PASS": entry["fail_to_pass"],
        "PASS_TO_PASS": [test for test in healthy.suite.probes if test not in entry["fail_to_pass"]],
        "subset": "mini",
        "split": "train",
        "bug": bug.model_dump(),
    }
