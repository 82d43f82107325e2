"""A model call as answerers see it, and what they give back; the same for both APIs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gym_llm.items import Item

IncompleteReason = Literal["max_output_tokens", "content_filter"]


@dataclass(frozen=True, slots=True)
class Request:
    """A model call.

    Attributes:
        input: The conversation as items; a string input is one user message.
        tools: The tools offered, in the Responses form.
        body: The request's body as it came.
        api: The API it came by.
        number: Which model call of this server it is, from 1.
    """

    input: list[Item]
    tools: list[dict[str, Any]]
    body: dict[str, Any]
    api: Literal["responses", "chat"]
    number: int

    @property
    def instructions(self) -> str | None:
        """The system text beside the conversation, if there is one."""
        text = self.body.get("instructions")
        return text if isinstance(text, str) else None


@dataclass(frozen=True, slots=True)
class Answer:
    """Output items, and how the generation ended.

    Attributes:
        output: The items.
        reason: Why the generation is incomplete; None when it is complete.
        usage: Replaces the counted usage: `input_tokens`, `output_tokens`.
    """

    output: Sequence[Item]
    reason: IncompleteReason | None = None
    usage: dict[str, Any] | None = None


Answerer = Callable[[Request], Sequence[Item] | Answer]
"""Answers a request; raises `ModelError` with a status to refuse it."""
