"""A row of short answers: a question in the prompt and the answer that is right."""

from __future__ import annotations

from typing import Any

import pydantic
from pydantic_core import PydanticCustomError

from gym_llm.items import Item
from gym_llm.tasks import Task


class TemplateMetadata(pydantic.BaseModel):
    """How the prompt was made; only `output_regex` is read."""

    model_config = pydantic.ConfigDict(extra="allow", frozen=True)

    output_regex: str | None = None


class EquivalenceTask(Task):
    """A question with one right answer."""

    metadata: dict[str, Any] | None = None
    template_metadata: TemplateMetadata | None = None
    expected_answer: str | None = pydantic.Field(default=None, validate_default=True)

    @property
    def gold(self) -> str:
        """The right answer: `expected_answer`, or that of `metadata`."""
        return self.expected_answer or _of_metadata(self.metadata)

    @property
    def regex(self) -> str | None:
        """The row's own regex for the answer in a message."""
        return (self.template_metadata.output_regex if self.template_metadata else None) or None

    @property
    def asked(self) -> str:
        """The text of the last user message; its blocks joined by line breaks, images left out."""
        users = [item for item in self.prompt if item.get("role") == "user"]
        return texts(users[-1]) if users else ""

    @pydantic.field_validator("expected_answer")
    @classmethod
    def _is_an_answer(cls, value: str | None, info: pydantic.ValidationInfo) -> str | None:
        if not (value or "").strip() and not _of_metadata(info.data.get("metadata")).strip():
            raise PydanticCustomError("expected_answer", "is empty, here and in metadata, so no answer is right")
        return value


def texts(item: Item) -> str:
    """Return the texts of a message's blocks, joined by line breaks; refusals and images are none."""
    content = item.get("content")
    if isinstance(content, str):
        return content.strip()
    blocks = [block.get("text") for block in content or () if isinstance(block, dict)]
    return "\n".join(text for text in blocks if isinstance(text, str)).strip()


def _of_metadata(metadata: dict[str, Any] | None) -> str:
    value = (metadata or {}).get("expected_answer")
    return "" if value is None else str(value)
