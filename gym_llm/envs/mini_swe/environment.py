"""The environment: its tools, its reward and the reference solution."""

from __future__ import annotations

from typing import Any

import numpy as np

from gym_llm import Episode, ResponsesEnv, ToolError, Verification, tool
from gym_llm.envs.mini_swe import bash, editing, patches, solutions
from gym_llm.envs.mini_swe.containers import Container
from gym_llm.envs.mini_swe.generation import row
from gym_llm.envs.mini_swe.grounds import Bundled, Ground, verification
from gym_llm.envs.mini_swe.patches import Patch
from gym_llm.envs.mini_swe.task import SWETask
from gym_llm.errors import ConfigError, SandboxError, VerifierError
from gym_llm.items import Item
from gym_llm.sandbox import Workspace

_SUBMIT_MARKS = ("COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT", "MINI_SWE_AGENT_FINAL_OUTPUT")
_ENGINES = ("docker", "podman", "apptainer")


class MiniSWE(ResponsesEnv):
    """Repair a repository: read an issue, change the code in a sandbox, pass tests that were never shown.

    Tasks:
        SWE-bench's columns: `instance_id`, `repo`, `problem_statement`, `patch`, `test_patch`, `FAIL_TO_PASS`,
        `PASS_TO_PASS` (lists, or lists as JSON text), `subset`; our own rows have a `bug` instead of a `test_patch`.
        Rows of SWE-bench, SWE-Gym and NeMo Gym's mini_swe_agent load unchanged and run in their published images
        (`image_name` names another one); their tests must run under pytest. Bundled: 9 small repositories of our
        own, 614 mutations of them that two tests or more find, and 9 rows made by the generator, Apache-2.0. Knobs:
        `repositories`, `operators`.
    Tools:
        `bash(command)`: a fresh shell in the repository, without network, told with its exit status; more than
        12,000 characters lose their middle; a command whose output begins with the line
        COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT submits. `view(path, start, end)`, `edit(path, old, new)`,
        `create(path, content)`, `submit()`.
    Reward:
        1.0 when every test of FAIL_TO_PASS and PASS_TO_PASS passes, otherwise 0.0. What the workspace holds at the
        submission (at the end without one) is compared with the original by this process, file by file, and put on
        a clean copy; tests, conftest.py, settings of pytest, sitecustomize, compiled files and git's folder are
        discarded. The tests of bundled repositories are judged outside: the tested process gets questions without
        expected values. Also said: the rates `fail_to_pass` and `pass_to_pass`, `patch_lines`, `files_changed`,
        `commands_run`, `protected_files_touched`, the patch. A sandbox or container that fails gives an error and
        no reward; tests that run into their limits are failed.
    Episode end:
        The first message without a call, or 50 turns. Nothing can be changed after a submission.
    Known shortcuts:
        Nothing has to be said after the submission. In a bundled repository code can still guess an answer of one
        bit (True, an error of a known kind); so two tests at least see each bug, and the issue shows one. The tests
        of a container's row run in one process with the tested code, as in SWE-bench: a forged report of pytest is
        found by a test that must fail and by contradictions in the log, not made impossible. Issues of public data
        sets may have been learnt by heart, with their solutions.
    Version history:
        v0: first version.

    Args:
        sandbox: Provider for bundled repositories, see `gym_llm.sandbox.open_sandbox`.
        engine: What runs the images of SWE-bench's rows: `docker`, `podman` or `apptainer`.
        **settings: As for every environment: `dataset`, `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.
    """

    Task = SWETask
    needs = ("bubblewrap",)
    domain, max_turns = "coding", 50
    replayable = False
    tool_timeout = 90.0
    known_shortcuts = {"paid-calls-only": "the submission is a call; the message after it is not read"}  # noqa: RUF012

    def __init__(self, *, sandbox: str = "auto", engine: str = "docker", **settings: Any) -> None:
        super().__init__(**settings)
        if engine not in _ENGINES:
            raise ConfigError(f"engine={engine!r}: give one of {', '.join(_ENGINES)}")
        self.sandbox, self.engine = sandbox, engine
        self._ground: Ground | None = None
        self._space: Workspace | None = None

    async def begin(self, task: SWETask) -> None:
        """Make the agent's copy of the repository."""
        self.close()
        self._patch: Patch | None = None
        self._failure: SandboxError | None = None
        self._commands = 0
        ground: Ground = Bundled(task, self.sandbox) if task.bug else Container(task, self.engine)
        self._ground = ground
        self._space = await ground.open()

    @tool
    async def bash(self, command: str) -> str:
        """Run a command in a fresh shell in the repository's folder. No network; 30 seconds of CPU.

        Args:
            command: What bash gets, such as "grep -rn limit . | head". Files last, variables and folders do not.
        """
        ground, space = self._here()
        self._commands += 1
        try:
            output, result = await bash.run(ground.box, space, command, ground.limits, ground.environment)
        except SandboxError as error:
            self._failure = self._failure or error
            raise ToolError("the sandbox failed; this episode will not be judged") from None
        if result.ok and output.partition("\n")[0].strip() in _SUBMIT_MARKS:
            return self.submit()
        return bash.told(output, result, ground.limits)

    @tool
    def view(self, path: str, start: int = 1, end: int = 200) -> str:
        """Show the numbered lines of a file, or the paths below a folder.

        Args:
            path: Path in the repository, such as "src/a.py"; "." lists everything.
            start: First line, from 1.
            end: Last line.
        """
        return editing.view(self._here()[1], path, start, end)

    @tool
    def edit(self, path: str, old: str, new: str) -> str:
        """Replace a text in a file.

        Args:
            path: Path of the file.
            old: Text that is in the file exactly once, with its indentation.
            new: Text in its place.
        """
        return editing.edit(self._here()[1], path, old, new)

    @tool
    def create(self, path: str, content: str) -> str:
        """Write a file, in place of what was there.

        Args:
            path: Path of the file.
            content: The whole text.
        """
        return editing.create(self._here()[1], path, content)

    @tool
    def submit(self) -> str:
        """Submit the repository as it is now. Nothing can be changed afterwards."""
        ground, space = self._here()
        self._patch = patches.take(space, ground.original, ground.protected)
        return f"submitted: {len(self._patch.files)} files changed. Say in a sentence what was wrong."

    async def verify(self, task: SWETask, episode: Episode) -> Verification:
        """Judge the patch on a clean copy."""
        if self._failure is not None:
            raise VerifierError(f"the sandbox failed: {self._failure}") from self._failure
        submitted = self._patch is not None
        if not submitted:
            self.submit()
        assert self._ground is not None
        assert self._patch is not None
        verdict = await self._ground.judge(self._patch)
        diff = patches.unified(self._ground.original, self._patch)
        told = {"commands_run": self._commands, "submitted": submitted}
        return verification(verdict, task, self._patch, diff, **told)

    def solve(self, task: SWETask) -> list[list[Item]]:
        """Undo the bug with the editor, or apply the row's patch, and submit."""
        return solutions.solution(task)

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: Any) -> dict[str, Any]:
        """Make a row; see `generation.row` for the knobs."""
        return row(rng, **knobs)

    def close(self) -> None:
        """Remove the agent's copy."""
        if self._space is not None:
            self._space.close()
        if self._ground is not None:
            self._ground.close()
        self._space = self._ground = None

    def _here(self) -> tuple[Ground, Workspace]:
        """Return where the agent works, while it may."""
        if self._patch is not None:
            raise ToolError("you have submitted; nothing can be changed any more. Say in a sentence what was wrong.")
        assert self._ground is not None
        assert self._space is not None
        return self._ground, self._space
