"""Rows of SWE-bench and SWE-Gym: their images, under docker, podman or apptainer; their tests, under pytest.

The repository is copied out of the image once; the agent's commands and the tests then see a copy of that copy at
`/testbed`, where the image has installed it. Sources: the image names and folders that SWE-bench's and SWE-Gym's
documentation give.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from gym_llm.envs.mini_swe import diffs, patches
from gym_llm.envs.mini_swe.grounds import Verdict
from gym_llm.envs.mini_swe.patches import Patch, Snapshot
from gym_llm.envs.mini_swe.task import SWETask
from gym_llm.errors import ConfigError, SandboxError
from gym_llm.sandbox import Limits, Workspace
from gym_llm.sandbox.apptainer import Apptainer
from gym_llm.sandbox.docker import Docker
from gym_llm.sandbox.engine import Engine
from gym_llm.sandbox.podman import Podman

TESTBED = "/testbed"
_CONDA = "/opt/miniconda3"
_PYTHON = f"{_CONDA}/bin/python"
_PATH = f"{_CONDA}/envs/testbed/bin:{_CONDA}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ROOM = {
    "memory": 8 << 30, "processes": 512, "file_size": 1 << 30, "disk": 4 << 30, "inodes": 1 << 20,
    "open_files": 4096, "address_space": 64 << 30,
}  # fmt: skip
COMMAND_LIMITS = Limits(cpu=30.0, wall=60.0, output=1 << 20, **_ROOM)
TEST_LIMITS = Limits(cpu=1800.0, wall=1800.0, output=32 << 20, **_ROOM)
COPY_LIMITS = Limits(cpu=600.0, wall=1200.0, **_ROOM)
_PYTEST = (  # `python -m pytest` would look for pytest, and for all that it imports, in the repository first
    "import sys; sys.path[:] = [*filter(None, sys.path), '']; sys.argv[0] = 'pytest'; "
    "import pytest; sys.exit(pytest.main())"
)
_NOT_UNDER_PYTEST = {"django/django", "sympy/sympy"}
_GOOD, _BAD = {"PASSED", "XFAIL"}, {"FAILED", "ERROR", "SKIPPED", "XPASS"}
_REPORT = re.compile(r"^(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS) (\S.*)$", re.MULTILINE)


def image_of(task: SWETask) -> str:
    """Return the image of a row: its own `image_name`, or the one that its data set's authors published.

    >>> row = {"instance_id": "a__b-1", "repo": "a/b", "problem_statement": "x", "FAIL_TO_PASS": ["t"]}
    >>> image_of(SWETask.model_validate(row | {"responses_create_params": {"input": []}, "subset": "verified"}))
    'swebench/sweb.eval.x86_64.a_1776_b-1:latest'
    """
    if task.image_name:
        return task.image_name
    owner, between = ("xingyaoww", "_s_") if task.subset == "gym" else ("swebench", "_1776_")
    return f"{owner}/sweb.eval.x86_64.{task.instance_id.replace('__', between)}:latest".lower()


_ENGINES: Mapping[str, type[Engine]] = {"docker": Docker, "podman": Podman, "apptainer": Apptainer}


class Container:
    """The repository of a row's image.

    Raises:
        ConfigError: The row's tests do not run under pytest.
        SandboxUnavailable: The engine is missing, or does not work.
    """

    environment: Mapping[str, str] = {"PATH": _PATH}
    limits = COMMAND_LIMITS

    def __init__(self, task: SWETask, engine: str) -> None:
        if task.repo in _NOT_UNDER_PYTEST:
            raise ConfigError(f"{task.instance_id}: the tests of {task.repo} do not run under pytest; leave it out")
        self._task = task
        self._source = _ENGINES[engine](image=image_of(task), python=_PYTHON)
        self.box = _ENGINES[engine](image=image_of(task), python=_PYTHON, work=TESTBED)
        self._clean: Workspace | None = None
        self._snapshot: Snapshot | None = None
        self._settled = set(diffs.touched(task.patch))
        self._test_files = diffs.touched(task.test_patch)

    @property
    def original(self) -> Mapping[str, bytes]:
        """The tree as the image has it."""
        assert self._snapshot is not None
        return self._snapshot

    async def open(self) -> Workspace:
        """Copy the repository out of the image, and return a copy for the agent.

        Raises:
            SandboxError: The image cannot be had, or holds no repository.
        """
        with self._source.workspace() as copied:
            words = ["cp", "-a", "--no-preserve=ownership", f"{TESTBED}/.", "."]
            result = await self._source.arun(words, workspace=copied, limits=COPY_LIMITS)
            if not result.ok:
                told = (result.stderr_text or result.stdout_text)[-500:].strip()
                raise SandboxError(f"image {self._source.image}: the repository cannot be copied out: {told}")
            self._clean = self.box.workspace(from_folder=copied.path)
        self._snapshot = Snapshot(self._clean)
        return self._clean.snapshot()

    def protected(self, path: str) -> bool:
        """Return whether a patch may not change a file: what the reference changes, it may."""
        return path in self._test_files or (path not in self._settled and patches.protected(path))

    async def judge(self, patch: Patch) -> Verdict:
        """Run the row's tests in a clean copy with its test patch and the agent's patch.

        Raises:
            SandboxError: The tests were never started.
        """
        assert self._clean is not None
        mark, canary = secrets.token_hex(8), f"test_gym_llm_{secrets.token_hex(8)}.py"
        with self._clean.snapshot() as space:
            tests = diffs.patched(self.original, self._task.test_patch)
            tests[canary] = b"def test_that_must_fail():\n    assert 1 == 2\n"
            for path, data in (*tests.items(), *patch.files.items()):
                with contextlib.nullcontext() if path in tests else contextlib.suppress(OSError):  # in a test's way
                    if data is not None:
                        space.write(path, data)
            gone = [path for path, data in (*tests.items(), *patch.files.items()) if data is None]
            command = _test_command(mark, gone, [*self._run_files(tests), canary])
            result = await self.box.arun(
                ["bash", "-c", command], workspace=space, limits=TEST_LIMITS, environment=self.environment
            )
        log = result.stdout_text
        if not log.startswith(f"{mark}\n") or result.reason == "lost":
            raise SandboxError(f"the tests could not be started ({result.reason}): {result.stderr_text[-500:].strip()}")
        verdict = read_log(log, f"{canary}::test_that_must_fail")
        return Verdict(named(verdict.passed, self._task.FAIL_TO_PASS + self._task.PASS_TO_PASS), verdict.complete)

    def close(self) -> None:
        """End the sandboxes of this row."""
        if self._clean is not None:
            self._clean.close()
        self._source.close()
        self.box.close()

    def _run_files(self, tests: Mapping[str, bytes | None]) -> list[str]:
        """Return the test files that the test patch leaves; without one, those that hold the tests."""
        files = [path for path in self._test_files if path.endswith(".py") and tests.get(path) is not None]
        files = [path for path in files if PurePosixPath(path).name != "conftest.py"]
        return files or sorted({test.split("::")[0] for test in self._task.FAIL_TO_PASS + self._task.PASS_TO_PASS})


def read_log(log: str, canary: str) -> Verdict:
    r"""Return what the report of `pytest -rA` says; a test about which it says two things failed.

    The test that must fail has to have failed: where it did not, or is missing, nothing that the log says counts.

    >>> read_log("PASSED a.py::t\nFAILED a.py::u - no\nFAILED c.py::f - x", "c.py::f").passed
    {'a.py::t': True, 'a.py::u': False}
    """
    seen: dict[str, set[str]] = {}
    for status, rest in _REPORT.findall(log):
        test = rest if status == "PASSED" else rest.split(" - ")[0]  # the others say why behind it
        seen.setdefault(test.strip(), set()).add(status)
    complete = seen.pop(canary, set()) == {"FAILED"}
    return Verdict({test: complete and statuses <= _GOOD for test, statuses in seen.items()}, complete)


def named(passed: Mapping[str, bool], tests: Sequence[str]) -> dict[str, bool]:
    """Return whether each test passed, with those that a row calls by a name that its data set has made of pytest's.

    The tables of SWE-bench end a name at its first blank, hundreds of parametrised tests of SWE-bench Verified among
    them; all tests of such a name have to pass. Paths as parameters and matplotlib's buttons are shortened, too.

    >>> named({"a.py::t[x y]": True, "a.py::t[x z]": True, "a.py::u": True}, ["a.py::t[x", "a.py::u"])["a.py::t[x"]
    True
    """
    meant: dict[str, bool] = {}
    for full, good in passed.items():
        for name in _names_in_tables(full):
            meant[name] = good and meant.get(name, True)
    return {**{test: meant[test] for test in tests if test in meant}, **passed}


def _names_in_tables(name: str) -> set[str]:
    word = name.replace("MouseButton.LEFT", "1").replace("MouseButton.RIGHT", "3").split()[0]
    return {word, re.sub(r"\[/[^/*][^*]*?([^/*]*)\]$", r"[/\1]", word)}


def _test_command(mark: str, gone: list[str], files: list[str]) -> str:
    removal = f"rm -f -- {shlex.join(gone)}; " if gone else ""
    tests = shlex.join(files)
    pytest = f"python -B -c {shlex.quote(_PYTEST)} -rA --color=no -p no:cacheprovider"
    return f"printf '%s\\n' {mark}; {removal}exec {pytest} {tests} 2>&1"
