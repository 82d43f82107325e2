"""What the mock model reads in a conversation: per item a kind and a text, the same for both APIs.

Ids, statuses and the split into parts are left out, because a client may drop, rename or merge them between
turns. The tokenizer and the matching of a conversation to a task rest on this view.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from gym_llm.items import Item, is_environment_item, item_type


def essence(item: Item) -> tuple[str, str]:
    """Return an item's kind (a role, or its type) and its text.

    >>> essence({"role": "user", "content": [{"type": "input_text", "text": "Hi"}]})
    ('user', 'Hi')
    """
    kind = item_type(item)
    if kind == "message":
        return str(item.get("role", "user")), _parts_text(item.get("content", ""))
    if kind == "function_call":
        return kind, f"{item.get('name', '')}\n{item.get('arguments', '')}"
    if kind == "function_call_output":
        return kind, _parts_text(item.get("output", ""))
    if kind == "reasoning":
        return kind, _parts_text(item.get("summary")) + _parts_text(item.get("content"))
    return kind, msgspec.json.encode(item, order="deterministic").decode()


def _parts_text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(map(_part_text, content)) if isinstance(content, list) else ""


def _part_text(part: Any) -> str:
    if isinstance(part, dict) and "image_url" in part:  # both APIs name it so, one wraps it
        image = part["image_url"]
        return str(image.get("url") if isinstance(image, dict) else image)
    text = (part.get("text") or part.get("refusal")) if isinstance(part, dict) else None
    return text if isinstance(text, str) else msgspec.json.encode(part, order="deterministic").decode()


def turn_number(actions: Sequence[Sequence[Item]], after_prompt: Sequence[Item]) -> int:
    """Return the turn to be answered, from 0: how many of `actions` the conversation already holds.

    Model items are counted against the lengths of `actions`, without reasoning where the client left it out.
    Where that does not come out even, the uninterrupted runs of model items are counted instead.

    Args:
        actions: The model's planned actions, one per turn.
        after_prompt: The conversation's items after the first observation.
    """
    with_reasoning = any(item_type(item) == "reasoning" for item in after_prompt)

    def size(items: Sequence[Item]) -> int:
        return sum(with_reasoning or item_type(item) != "reasoning" for item in items)

    left = size([item for item in after_prompt if not is_environment_item(item)])
    turn = 0
    while left > 0 and turn < len(actions):
        left -= size(actions[turn])
        turn += 1
    return turn if left == 0 else _runs(after_prompt)


def _runs(items: Sequence[Item]) -> int:
    ours = [not is_environment_item(item) for item in items]
    return sum(1 for before, now in zip([False, *ours], ours, strict=False) if now and not before)
