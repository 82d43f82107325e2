"""The row: a problem with its tests. NeMo Gym's rows load unchanged, LiveCodeBench's by `livecodebench.py`."""

from __future__ import annotations

import json
from typing import Any, Literal

import pydantic

from gym_llm.envs.comp_coding import livecodebench
from gym_llm.tasks import Task


class UnitTests(pydantic.BaseModel):
    """The tests.

    Attributes:
        inputs: For a program what it reads; for a function its arguments, one JSON value a line.
        outputs: What is expected; for a function one JSON value.
        fn_name: The function to call; None for a program.
    """

    model_config = pydantic.ConfigDict(extra="allow", frozen=True)

    inputs: list[str] = pydantic.Field(min_length=1)
    outputs: list[str]
    fn_name: str | None = None

    @pydantic.model_validator(mode="after")
    def _fit(self) -> UnitTests:
        if len(self.inputs) != len(self.outputs):
            raise ValueError(f"{len(self.inputs)} inputs but {len(self.outputs)} outputs; give one output per input")
        if self.fn_name:
            for number, (given, expected) in enumerate(zip(self.inputs, self.outputs, strict=True)):
                _check_json(number, "inputs", [line for line in given.split("\n") if line.strip()])
                _check_json(number, "outputs", [expected])
        return self


class Checker(pydantic.BaseModel):
    """How an output is compared.

    Attributes:
        type: `lines` (the default: as line by line text or numbers; for a function as a value), `tokens`, `float` or
            `program`.
        tolerance: Of `float`, absolute or relative.
        program: Source of a Python program that gets the paths of input, output and expected output. It accepts
            by ending with status 0, refuses with status 1; to raise is to refuse only what makes it raise while
            it accepts the expected output.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    type: Literal["lines", "tokens", "float", "program"] = "lines"
    tolerance: float = pydantic.Field(default=1e-6, ge=0, allow_inf_nan=False)
    program: str = ""

    @pydantic.model_validator(mode="after")
    def _complete(self) -> Checker:
        if (self.type == "program") != bool(self.program.strip()):
            raise ValueError("a checker of type 'program', and no other, needs the source of its program")
        return self


class Metadata(pydantic.BaseModel):
    """What the grader knows: tests, difficulty, perhaps a checker."""

    model_config = pydantic.ConfigDict(extra="allow", frozen=True)

    unit_tests: UnitTests
    difficulty: str | None = None
    checker: Checker = Checker()


class CodingTask(Task):
    """A problem.

    Attributes:
        verifier_metadata: Tests and checker.
        reference_solution: A program that passes, for `solve`.
    """

    verifier_metadata: Metadata
    reference_solution: str | None = None

    @pydantic.model_validator(mode="before")
    @classmethod
    def _from_livecodebench(cls, row: Any) -> Any:
        if isinstance(row, dict) and "public_test_cases" in row and "verifier_metadata" not in row:
            return livecodebench.converted(row)
        return row


def _check_json(number: int, name: str, texts: list[str]) -> None:
    for text in texts:
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError(
                f"{name}[{number}] of a test with fn_name is not JSON, one value a line (got {text[:80]!r})"
            ) from None
