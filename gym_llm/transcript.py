"""Conversations as text for a person: one block per item, control characters escaped."""

from __future__ import annotations

from collections.abc import Iterable

from gym_llm.items import Item, item_type, message_text, printable


def transcript(items: Iterable[Item]) -> str:
    r"""Return a conversation as readable text.

    >>> print(transcript([{"role": "user", "content": "Hi"}]))
    user: Hi
    """
    return "\n".join(printable(_line(item)) for item in items)


def _line(item: Item) -> str:
    kind = item_type(item)
    if kind == "message":
        return f"{item.get('role', '?')}: {message_text(item)}"
    if kind == "function_call":
        return f"call {item['name']}({item['arguments']})"
    if kind == "function_call_output":
        return f"  -> {item['output']}"
    if kind == "reasoning":
        parts = [*(item.get("content") or ()), *(item.get("summary") or ())]
        return "reasoning: " + " ".join(str(part.get("text", "")) for part in parts)
    return f"({kind})"
