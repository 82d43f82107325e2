"""A row of multiple-choice questions, checked when it is loaded: the expected letter must be an option."""

from __future__ import annotations

from typing import Literal

import pydantic
from pydantic_core import PydanticCustomError

from gym_llm.tasks import Task


class TemplateMetadata(pydantic.BaseModel):
    """How the prompt was made; only `output_regex` is read."""

    model_config = pydantic.ConfigDict(extra="allow", frozen=True)

    output_regex: str | list[str] | None = None


class MCQATask(Task):
    """A question with lettered options."""

    options: list[dict[str, str | None]] | None = None
    template_metadata: TemplateMetadata | None = None
    expected_answer: str | None = pydantic.Field(default=None, validate_default=True)
    grading_mode: Literal["strict_single_letter_boxed", "lenient_boxed", "lenient_answer_colon"] = (
        "strict_single_letter_boxed"
    )

    @property
    def choices(self) -> dict[str, str]:
        """The options that are there: texts by upper-case letter."""
        return _choices(self.options)

    @property
    def regexes(self) -> list[str]:
        """The row's own regexes, in the order in which they are tried."""
        given = self.template_metadata.output_regex if self.template_metadata else None
        return [given] if isinstance(given, str) else list(given or ())

    @property
    def gold(self) -> str:
        """The expected letter."""
        return _letter(self.expected_answer)

    @pydantic.field_validator("expected_answer")
    @classmethod
    def _is_an_option(cls, value: str | None, info: pydantic.ValidationInfo) -> str | None:
        letter = _letter(value)
        if len(letter) != 1 or not letter.isalpha():
            raise PydanticCustomError("expected_answer", "must be the letter of an option")
        if not {"options", "template_metadata"} <= info.data.keys():
            return value
        if _is_one(letter, info.data["options"]):
            return value
        choices, template = _choices(info.data["options"]), info.data["template_metadata"]
        if not choices and not (template and template.output_regex):
            raise PydanticCustomError("expected_answer", "no option has a letter and a text, so no answer is right")
        if choices and letter not in choices:
            told = {"letter": letter, "known": ", ".join(choices)}
            raise PydanticCustomError("expected_answer", "{letter} is none of the options {known}", told)
        return value


def _letter(value: str | None) -> str:
    return (value or "").strip().upper()


def _is_one(letter: str, options: list[dict[str, str | None]] | None) -> bool:
    return any(option.get(letter) is not None for option in options or ())


def _choices(options: list[dict[str, str | None]] | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for option in options or ():
        for key, text in option.items():
            if text is not None and len(key) == 1 and key.isalpha():
                letter = key.upper()
                if letter not in found:
                    found[letter] = text
    return found
