"""How conversations are written for one server: what `conversion.py` leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ReasoningHistory = Literal["think_tags", "reasoning_content", "interleaved", "drop"]


@dataclass(frozen=True, slots=True)
class Rules:
    """How conversations are written for one server.

    Attributes:
        reasoning_history: How past reasoning is sent: in `<think>` tags before the text, as the field
            `reasoning_content`, as `reasoning_content` and `reasoning` (interleaved), or not at all.
        parse_reasoning: Whether `<think>` blocks of an answer become reasoning; if not, they stay text.
        think_opened: Whether answers begin inside a block, which the chat template opened.
        replace_developer_role_with_system: For templates that know no `developer`.
        token_messages: Whether past messages carry the token data of their items.
    """

    reasoning_history: ReasoningHistory = "think_tags"
    parse_reasoning: bool = True
    think_opened: bool = False
    replace_developer_role_with_system: bool = False
    token_messages: bool = False


DEFAULT = Rules()
