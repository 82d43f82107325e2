"""What a row holds: ARC's own JSON, or a prompt with the expected output."""

from __future__ import annotations

from typing import Annotated, Any

import pydantic

from gym_llm import Task
from gym_llm.envs.arc_agi.grids import Grid, checked, question
from gym_llm.items import message

CheckedGrid = Annotated[Grid, pydantic.AfterValidator(checked)]


class Pair(pydantic.BaseModel):
    """An input grid and its output; the output of a test may be left out."""

    model_config = pydantic.ConfigDict(frozen=True)

    input: CheckedGrid
    output: CheckedGrid | None = None


class ArcTask(Task):
    """A puzzle: `train` and `test` pairs as in ARC's files, or a prompt and `expected_output`."""

    train: list[Pair] = pydantic.Field(default_factory=list)
    test: list[Pair] = pydantic.Field(default_factory=list)
    test_input: CheckedGrid | None = None
    expected_output: CheckedGrid | None = None

    @pydantic.model_validator(mode="before")
    @classmethod
    def _prompted(cls, row: Any) -> Any:
        """Ask a puzzle of ARC's own format, which has no prompt."""
        if not isinstance(row, dict) or "responses_create_params" in row or not row.get("test"):
            return row
        train, test = ([Pair.model_validate(pair) for pair in row.get(key, [])] for key in ("train", "test"))
        shown = [(pair.input, pair.output) for pair in train if pair.output is not None]
        asked = question(shown, [pair.input for pair in test])
        return row | {"responses_create_params": {"input": [message(asked)]}}

    @pydantic.model_validator(mode="after")
    def _answered(self) -> ArcTask:
        if not self.gold:
            raise ValueError("expected_output, or an output for every test pair, is missing")
        return self

    @property
    def gold(self) -> list[Grid]:
        """The expected grids, one per test; empty when one is missing."""
        if self.expected_output is not None:
            return [self.expected_output]
        outputs = [pair.output for pair in self.test if pair.output is not None]
        return outputs if len(outputs) == len(self.test) else []
