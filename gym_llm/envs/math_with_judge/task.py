"""A row of mathematics: a problem and its answer, checked when it is loaded."""

from __future__ import annotations

from typing import Any

import pydantic
from pydantic_core import PydanticCustomError

from gym_llm.envs.math_with_judge import answers
from gym_llm.items import message_text
from gym_llm.tasks import Task


class MathTask(Task):
    """A problem with one right answer in LaTeX."""

    question: str | None = None
    expected_answer: str

    @property
    def gold(self) -> str:
        r"""The expected answer without the `\\( \\)` or `$ $` around it."""
        return answers.bare(self.expected_answer)

    @property
    def asked(self) -> str:
        """The problem for a judge: `question`, or the last user message where the row has none."""
        users = [item for item in self.prompt if item.get("role") == "user"]
        return self.question or (message_text(users[-1]) if users else "")

    @pydantic.field_validator("expected_answer", mode="before")
    @classmethod
    def _is_an_answer(cls, value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str) and not answers.bare(value):
            raise PydanticCustomError("expected_answer", "is empty, so no answer is right")
        return value
