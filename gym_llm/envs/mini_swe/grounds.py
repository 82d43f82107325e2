"""Where an episode takes place: the sandbox, the original tree, and the judging of a patch on a clean copy of it.

`Ground` is what the environment sees; this module has the one for bundled repositories, `containers.py` the one for
SWE-bench's images.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from gym_llm import Verification
from gym_llm.envs.mini_swe import patches
from gym_llm.envs.mini_swe.examination import examine
from gym_llm.envs.mini_swe.patches import Patch
from gym_llm.envs.mini_swe.repositories import repository
from gym_llm.envs.mini_swe.task import OWN, SWETask
from gym_llm.sandbox import Limits, Sandbox, Workspace, default

_MOST_NAMED, _MOST_SHOWN = 50, 50_000
COMMAND_LIMITS = Limits(cpu=30.0, wall=60.0, processes=64, disk=128 << 20, inodes=8192, output=1 << 20, open_files=256)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the tests said about a patch.

    Attributes:
        passed: Whether each test passed, by id.
        complete: Whether the tests came to their end.
    """

    passed: Mapping[str, bool]
    complete: bool


def verification(verdict: Verdict, task: SWETask, patch: Patch, diff: str, **fields: Any) -> Verification:
    """Return what the environment says about a judged patch: resolved when every named test passed."""
    rates = [
        sum(verdict.passed.get(test, False) for test in tests) / len(tests) if tests else 1.0
        for tests in (task.FAIL_TO_PASS, task.PASS_TO_PASS)
    ]
    resolved = rates == [1.0, 1.0]
    return Verification(
        float(resolved), resolved=resolved, fail_to_pass=rates[0], pass_to_pass=rates[1],
        patch_lines=patches.changed_lines(diff), files_changed=len(patch.files),
        protected_files_touched=len(patch.protected), protected_files=patch.protected[:_MOST_NAMED],
        ignored_files=patch.ignored[:_MOST_NAMED], problem=patch.problem, tests_complete=verdict.complete,
        model_patch=diff[:_MOST_SHOWN], **fields,
    )  # fmt: skip


class Ground(Protocol):
    """Where an episode takes place."""

    @property
    def box(self) -> Sandbox:
        """Where commands run."""

    @property
    def limits(self) -> Limits:
        """What a command may use."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables of a command."""

    @property
    def original(self) -> Mapping[str, bytes]:
        """The tree as the agent gets it."""

    async def open(self) -> Workspace:
        """Return a copy of the original for the agent."""

    def protected(self, path: str) -> bool:
        """Return whether a patch may not change a file."""

    async def judge(self, patch: Patch) -> Verdict:
        """Apply a patch to a clean copy and run the tests there."""

    def close(self) -> None:
        """Let go of what it holds."""


class Bundled:
    """A bundled repository with its bug, in the sandbox that all environments share."""

    environment: Mapping[str, str] = {}

    def __init__(self, task: SWETask, provider: str) -> None:
        assert task.bug is not None
        healthy = repository(task.repo.removeprefix(OWN))
        self.original = task.bug.seeded(healthy.files)
        self.box, self.limits, self._suite = default(provider), COMMAND_LIMITS, healthy.suite

    async def open(self) -> Workspace:
        """Return a copy of the original for the agent."""
        return self.box.workspace(self.original)

    def protected(self, path: str) -> bool:
        """Return whether a patch may not change a file."""
        return patches.protected(path)

    async def judge(self, patch: Patch) -> Verdict:
        """Ask the tests' questions of a clean copy with the patch."""
        outcome = await examine(self.box, patches.applied(self.original, patch), self._suite)
        return Verdict(outcome.passed, outcome.complete)

    def close(self) -> None:
        """Do nothing: the sandbox is shared."""
