"""A byte-level tokenizer over conversations, deterministic and prefix-contiguous.

Every item becomes a kind token, the bytes of its text and an end token, and a prompt is nothing but its items
one after the other. So the prompt of turn t+1 begins with turn t's prompt and generation whenever the
conversation only grows. Not a language model's tokenizer: ids below 256 are bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from gym_llm.items import Item
from gym_llm.mock_model.conversation import essence

END = 256
_KINDS = ("system", "developer", "user", "assistant", "reasoning", "function_call", "function_call_output")
_KIND_TOKENS = {kind: END + 1 + position for position, kind in enumerate(_KINDS)}
TOOLS = END + 1 + len(_KINDS)
OTHER = TOOLS + 1
VOCABULARY_SIZE = OTHER + 1
_LOG_PROBS = [-((step * 37) % 256) / 128.0 for step in range(256)]


def item_tokens(items: Iterable[Item]) -> list[int]:
    """Return the token ids of items, in order."""
    ids: list[int] = []
    for item in items:
        kind, text = essence(item)
        ids.append(_KIND_TOKENS.get(kind, OTHER))
        ids += text.encode()
        ids.append(END)
    return ids


def prompt_tokens(items: Iterable[Item], instructions: Any, tools: Sequence[Any]) -> list[int]:
    """Return the token ids of a request: instructions, tools, then the conversation."""
    ids: list[int] = []
    if isinstance(instructions, str) and instructions:
        ids = item_tokens([{"role": "system", "content": instructions}])
    if tools:
        ids += [TOOLS, *msgspec.json.encode(tools), END]
    return ids + item_tokens(items)


def log_probs(ids: Sequence[int], position: int) -> list[float]:
    """Return one made-up log probability (in (-2, 0]) per id; `position` is the first id's place in the whole."""
    return [_LOG_PROBS[(token + place) & 255] for place, token in enumerate(ids, position)]


def token_bytes(token: int) -> bytes:
    """Return the bytes that a token stands for; none for the kind and end tokens."""
    return bytes([token]) if token < END else b""
