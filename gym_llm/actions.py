"""Reading an action: whatever a policy handed to `step`, as clean items of the conversation.

Repairs what can be repaired (missing or repeated `call_id`, lone surrogates), leaves out what cannot stand in a
conversation and says why. Nothing that a model can send raises.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from gym_llm.episode import Episode, ToolCall
from gym_llm.items import MAX_DEPTH, Action, Item, is_assistant_message, scrub
from gym_llm.schemas import output_problem

_CUT = {"incomplete", "failed", "cancelled"}


@dataclass(slots=True)
class Turn:
    """One action, read.

    Attributes:
        items: The items that join the conversation.
        calls: The tool calls among them, in order.
        problems: One line per item that was left out.
        has_message: Whether the model said something.
        incomplete: Why the response was cut off, or None.
        tokens: Tokens generated: reported, else counted, else estimated as UTF-8 bytes / 4.
    """

    items: list[Item] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    has_message: bool = False
    incomplete: str | None = None
    tokens: int = 0


def read(action: Action, episode: Episode) -> Turn:
    """Return the action as items of its own (nothing is shared with the caller).

    Args:
        action: A list of items (dicts or `openai` objects) or a whole Response (object or dict).
        episode: The episode that the action belongs to; its used call ids are extended.
    """
    turn = Turn()
    output, usage = _unwrapped(action, turn)
    for index, given in enumerate(output):
        item = plain(given)
        if problem := _mended(item, turn, index, episode) or output_problem(item):
            turn.problems.append(f"item {index}: {problem}"[:300])
            continue
        turn.items.append(item)
        if item.get("type") == "function_call":
            turn.calls.append(ToolCall(item["name"], item["arguments"], item["call_id"]))
        turn.has_message = turn.has_message or is_assistant_message(item)
    turn.tokens = _tokens(turn.items, usage)
    return turn


def _unwrapped(action: Action, turn: Turn) -> tuple[list[Any], Any]:
    """Return the items and the usage of a whole Response, or the list that was given."""
    if isinstance(action, list | tuple):
        return list(action), None
    if hasattr(action, "model_dump"):
        action = action.model_dump(exclude_unset=True)
    if isinstance(action, dict) and "output" in action:
        turn.incomplete = _cut_off(action.get("status"), action.get("incomplete_details"))
        output = action["output"]
        return (output if isinstance(output, list) else []), action.get("usage")
    if isinstance(action, dict):
        return [action], None
    if isinstance(action, str):
        turn.problems.append("an action is a list of items, not a string; see gym_llm.wrappers.TextAction")
    else:
        turn.problems.append(f"an action is a list of items, not {type(action).__name__}")
    return [], None


def _cut_off(status: Any, details: Any) -> str | None:
    """Return why a Response was cut off, or None when it was not."""
    cut = status if isinstance(status, str) and status in _CUT else None
    if cut is None and not details:
        return None
    reason = details.get("reason") if isinstance(details, dict) else None
    return (reason if isinstance(reason, str) and reason else cut or "incomplete")[:80]


def plain(given: Any) -> Any:
    """Return a deep copy that is plain JSON data."""
    if hasattr(given, "model_dump"):
        given = given.model_dump(exclude_unset=True)
    try:
        encoded = msgspec.json.encode(given)
        nested = encoded.count(b"{") + encoded.count(b"[")
        return msgspec.json.decode(encoded) if nested <= MAX_DEPTH else scrub(given)
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        return scrub(given)


def _mended(item: Any, turn: Turn, index: int, episode: Episode) -> str | None:
    """Give a call an id that is its own in the episode; return why it has no place when it has none."""
    if type(item) is not dict:
        return None
    if item.get("type") == "function_call":
        wanted = item.get("call_id") or f"call_{episode.turns}_{index}"
        if not isinstance(wanted, str):
            return "call_id must be a string"
        item["call_id"] = _unique(wanted[:64], episode.call_ids)
    elif is_assistant_message(item) and item.get("content") is None:
        item["content"] = []
    return None


def _unique(wanted: str, used: set[str]) -> str:
    """Return an id that is not used yet; steps that double keep thousands of equal ids cheap."""
    name, number, stride = wanted, len(used) + 1, 1
    while name in used:
        name, number, stride = f"{wanted[:50]}_{number}", number + stride, 2 * stride
    used.add(name)
    return name


def _tokens(items: list[Item], usage: Any) -> int:
    reported = usage.get("output_tokens") if isinstance(usage, dict) else None
    if isinstance(reported, int) and reported >= 0:
        return reported
    counted = sum(len(item.get("generation_token_ids") or ()) for item in items)
    return counted or len(msgspec.json.encode(items)) // 4
