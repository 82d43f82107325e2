"""Running tests in a sandbox: one process per test, what is expected stays here.

A checker program runs in a sandbox too, in a process of its own that sees the output as a file.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from gym_llm.envs.comp_coding import comparison
from gym_llm.envs.comp_coding.task import Checker, UnitTests
from gym_llm.errors import SandboxError, VerifierError
from gym_llm.sandbox import Limits, Sandbox, SandboxResult, open_sandbox

Verdict = Literal["passed", "wrong_answer", "time_limit", "memory_limit", "output_limit", "runtime_error"]
_INSIDE = Path(__file__).with_name("inside")
_PRELOAD = ("typing", "statistics", "heapq", "bisect", "json", "string", "datetime", "copy", "fractions", "decimal")
_OVER: dict[str, Verdict] = {
    "cpu": "time_limit", "wall": "time_limit", "memory": "memory_limit", "output": "output_limit",
}  # fmt: skip
_LEAST_OUTPUT = 1 << 20
_CHECKER_LIMITS = Limits(cpu=10, wall=60)
_ACCEPTED, _REFUSED = 0, 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a test found: verdict, what was printed or returned, why, seconds of CPU."""

    verdict: Verdict
    output: str
    reason: str
    cpu: float

    @property
    def passed(self) -> bool:
        """Whether the test passed."""
        return self.verdict == "passed"


@functools.cache
def shared_sandbox(provider: str) -> Sandbox:
    """Return the sandbox that all episodes of this process share; it bounds how many runs there are at once."""
    if provider in ("auto", "bubblewrap"):
        return open_sandbox(provider, preload=_PRELOAD)
    return open_sandbox(provider)


@dataclass(frozen=True, slots=True)
class Judge:
    """Runs programs on tests.

    Attributes:
        box: The sandbox.
        cpu: Seconds of CPU for one test.
        memory: Bytes for one test.
    """

    box: Sandbox
    cpu: float
    memory: int

    async def outcomes(self, code: str, tests: UnitTests, checker: Checker, every: bool) -> list[Outcome]:
        """Return the outcomes of all tests in order, or of those up to the first failure.

        Raises:
            SandboxError: The sandbox failed; nothing is known about the code.
            VerifierError: The checker program failed.
        """
        numbers = range(len(tests.inputs))
        if every:
            try:
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(self.outcome(code, tests, checker, number)) for number in numbers]
            except ExceptionGroup as errors:  # one says what went wrong, a group says how many
                raise errors.exceptions[0] from None
            return [task.result() for task in tasks]
        found: list[Outcome] = []
        for number in numbers:
            found.append(await self.outcome(code, tests, checker, number))
            if not found[-1].passed:
                break
        return found

    async def outcome(self, code: str, tests: UnitTests, checker: Checker, number: int) -> Outcome:
        """Run one test."""
        expected = tests.outputs[number]
        driver, arguments = ("call", [tests.fn_name]) if tests.fn_name else ("program", [])
        most = max(_LEAST_OUTPUT, 2 * len(expected.encode("utf-8", "replace")))
        result = await self.box.arun(
            program=_source(driver), arguments=[word for word in arguments if word],
            stdin=_bytes(tests.inputs[number]), files=_files(code), profile="compute",
            limits=Limits(cpu=1.25 * self.cpu + 1, wall=6 * self.cpu + 5, memory=self.memory, output=most),
        )  # fmt: skip
        output = result.stdout_text
        # The kernel counts a limit by ticks, which a busy machine falsifies; what was used is measured exactly.
        if problem := "time_limit" if result.cpu > self.cpu else _problem(result):
            return Outcome(problem, output, result.stderr_text[-1000:], result.cpu)
        if checker.type == "program":
            right, reason = await self._checked(checker, tests.inputs[number], output, expected)
        else:
            right, reason = _compared(checker, bool(tests.fn_name), output, expected)
        return Outcome("passed" if right else "wrong_answer", output, reason, result.cpu)

    async def _checked(self, checker: Checker, given: str, output: str, expected: str) -> tuple[bool, str]:
        """Ask the checker program. One that fails is at fault if it fails on the expected output, too."""
        result = await self._run_checker(checker, given, output, expected)
        if result.reason == "exit" and result.exit_status in (_ACCEPTED, _REFUSED):
            return result.exit_status == _ACCEPTED, (result.stdout_text + result.stderr_text)[:1000]
        proof = await self._run_checker(checker, given, expected, expected)
        if not proof.ok:
            raise VerifierError(
                f"the checker program does not accept the expected output: it ended with {proof.reason} "
                f"{proof.exit_status}: {proof.stderr_text[-500:]}"
            )
        return False, "the checker cannot read the output"

    async def _run_checker(self, checker: Checker, given: str, output: str, expected: str) -> SandboxResult:
        texts = {"input.txt": given, "output.txt": output, "expected.txt": expected, "checker.py": checker.program}
        files = {name: _bytes(text) for name, text in texts.items()}
        size = sum(map(len, files.values()))
        limits = replace(_CHECKER_LIMITS, disk=_CHECKER_LIMITS.disk + 2 * size)
        result = await self.box.arun(program=_source("checker"), files=files, limits=limits, profile="compute")
        _check_known(result)
        return result


def _problem(result: SandboxResult) -> Verdict | None:
    """Return what went wrong before there was an output to compare."""
    _check_known(result)
    if result.reason in _OVER:
        return _OVER[result.reason]
    if not result.ok:
        return "runtime_error"
    return "output_limit" if result.stdout_truncated else None


def _check_known(result: SandboxResult) -> None:
    if result.reason in ("lost", "cancelled"):
        raise SandboxError(f"the run was {result.reason}; nothing is known about the code")


def _compared(checker: Checker, is_value: bool, output: str, expected: str) -> tuple[bool, str]:
    if not is_value:
        if checker.type == "float":
            return comparison.close_tokens(output, expected, checker.tolerance), ""
        same = comparison.same_tokens if checker.type == "tokens" else comparison.same_lines
        return same(output, expected), ""
    try:
        given, wanted = comparison.value(output), comparison.value(expected)
    except ValueError as error:
        return False, f"no value came back: {error}"
    if checker.type == "float":
        return comparison.close_value(given, wanted, checker.tolerance), ""
    return comparison.same_value(given, wanted), ""


@functools.cache
def _source(name: str) -> bytes:
    return (_INSIDE / f"{name}.py").read_bytes()


def _files(code: str) -> dict[str, bytes]:
    return {"solution.py": _bytes(code), "prelude.py": _source("prelude")}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def failures(outcomes: Sequence[Outcome]) -> list[int]:
    """Return the numbers of the tests that did not pass, from 0."""
    return [number for number, outcome in enumerate(outcomes) if not outcome.passed]
