"""Items to chat messages and back: the rules of docs/conversion.md, whose tables are this module's tests.

Conversations only: tools and sampling are in `request.py`, finish reasons and usage in `completion.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from gym_llm.errors import ModelError
from gym_llm.items import Item, item_type
from gym_llm.policies.chat.parts import NoCounterpartError, chat_content, item_content, tool_content
from gym_llm.policies.chat.rules import DEFAULT, Rules
from gym_llm.policies.chat.thinking import OPEN, split_thinking, with_thinking
from gym_llm.schemas import input_problem

Message = dict[str, Any]
TOKEN_KEYS = ("prompt_token_ids", "generation_token_ids", "generation_log_probs")
_FIELDS: dict[str, tuple[str, ...]] = {
    "reasoning_content": ("reasoning_content",), "interleaved": ("reasoning_content", "reasoning"), "drop": (),
}  # fmt: skip


def chat_messages(items: Iterable[Item], rules: Rules = DEFAULT, instructions: str | None = None) -> list[Message]:
    """Return the chat messages of a conversation.

    Args:
        items: The conversation.
        rules: How it is written.
        instructions: System text that comes first, joined with the system messages that the items begin with.

    Raises:
        ModelError: Of kind `bad_request`, naming the item that chat messages cannot hold.

    >>> chat_messages([{"role": "user", "content": "Hi"}, {"type": "reasoning", "summary": []}])
    [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': ''}]
    """
    messages: list[Message] = []
    spoken: _Assistant | None = None
    for index, item in enumerate(items):
        kind = item_type(item)
        try:
            if kind == "message" and item["role"] != "assistant":
                made = {"role": _role(item, rules), "content": chat_content(item["content"])}
            elif kind == "function_call_output":
                made = {
                    "role": "tool",
                    "tool_call_id": item["call_id"],
                    "content": tool_content(item["output"]),
                }
            else:
                spoken = spoken or _Assistant()
                spoken.add(kind, item)
                continue
        except (KeyError, TypeError, AttributeError, NoCounterpartError) as error:
            raise _refused(index, item, error) from None
        if spoken is not None:
            messages.append(spoken.message(rules))
            spoken = None
        messages.append(made)
    if spoken is not None:
        messages.append(spoken.message(rules))
    return _with_instructions(instructions, messages) if instructions else messages


def _refused(index: int, item: Item, error: Exception) -> ModelError:
    reason = error if isinstance(error, NoCounterpartError) else input_problem(item) or f"{error!r}"
    text = f"item {index} ({item_type(item)[:80]}) cannot be sent as a chat message: {reason}"
    return ModelError(text, kind="bad_request")


class _Assistant:
    """One assistant message, put together from the items between two of the environment's."""

    __slots__ = ("calls", "refusals", "texts", "thoughts", "tokens")

    def __init__(self) -> None:
        self.thoughts: list[str] = []
        self.texts: list[str] = []
        self.refusals: list[str] = []
        self.calls: list[dict[str, Any]] = []
        self.tokens: dict[str, Any] = {}

    def add(self, kind: str, item: Item) -> None:
        """Take one more item in."""
        if kind == "function_call":
            function = {"name": item["name"], "arguments": item["arguments"]}
            self.calls.append({"id": item["call_id"], "type": "function", "function": function})
        elif kind == "message":
            self._say(item["content"])
        elif kind == "reasoning":
            parts = item.get("content") or item["summary"]
            self.thoughts += [part["text"] for part in parts]
        else:
            raise NoCounterpartError("chat messages have only messages, reasoning, function calls and their outputs")
        if "generation_token_ids" in item:
            self.tokens = {key: item[key] for key in TOKEN_KEYS if item.get(key) is not None}

    def _say(self, content: str | list[dict[str, Any]]) -> None:
        if isinstance(content, str):
            self.texts.append(content)
            return
        for part in content:
            if part["type"] == "refusal":
                self.refusals.append(part["refusal"])
            else:
                self.texts.append(part["text"])

    def message(self, rules: Rules) -> Message:
        """Return the message."""
        thoughts, text = self.thoughts, "".join(self.texts)
        fields = _FIELDS.get(rules.reasoning_history)
        if fields is None:
            text = with_thinking(thoughts, text) if thoughts else text
        elif OPEN in text:
            written, text = split_thinking(text)
            thoughts = thoughts + written
        made: Message = {"role": "assistant", "content": text or (None if self.calls else "")}
        if fields and (joined := "\n".join(thoughts)):
            made |= dict.fromkeys(fields, joined)
        if refusal := "".join(self.refusals):
            made["refusal"] = refusal
        if self.calls:
            made["tool_calls"] = self.calls
        if rules.token_messages:
            made |= self.tokens
        return made


def _role(item: Item, rules: Rules) -> str:
    role: str = item["role"]
    return "system" if role == "developer" and rules.replace_developer_role_with_system else role


def _with_instructions(instructions: str, messages: list[Message]) -> list[Message]:
    texts = [instructions]
    for message in messages:
        if message["role"] not in ("system", "developer"):
            break
        content = message["content"]
        texts.append(content if isinstance(content, str) else "".join(part["text"] for part in content))
    return [{"role": "system", "content": "\n\n".join(texts)}, *messages[len(texts) - 1 :]]


def chat_items(messages: Sequence[Message], rules: Rules = DEFAULT) -> list[Item]:
    """Return the items of chat messages: `chat_messages` the other way.

    Args:
        messages: The conversation, past answers included.
        rules: How it is written; `think_opened` is of answers only, and does not count here.

    Raises:
        ModelError: Of kind `bad_request`, naming the message that items cannot hold.
    """
    items: list[Item] = []
    for index, entry in enumerate(messages):
        try:
            if entry["role"] == "assistant":
                items += answer_items(entry, rules, f"{index}")
            elif entry["role"] == "tool":
                output = item_content(entry["content"])
                items.append({"type": "function_call_output", "call_id": entry["tool_call_id"], "output": output})
            else:
                items.append({"type": "message", "role": entry["role"], "content": item_content(entry["content"])})
        except (KeyError, TypeError, AttributeError, NoCounterpartError) as error:
            raise ModelError(f"chat message {index} cannot be read: {error!r}", kind="bad_request") from None
    return items


def answer_items(
    message: Message, rules: Rules, source: str, status: str = "completed", opened: bool = False
) -> list[Item]:
    """Return the output items of one assistant message: reasoning, then the message, then the calls.

    Args:
        message: The assistant message.
        rules: How it is written.
        source: What the ids of the items are made of, and of calls that have none.
        status: Of the message and the calls.
        opened: Whether its text begins inside a `<think>` block.
    """
    thoughts, text, refusal = said(message)
    opened = opened and not thoughts
    if rules.parse_reasoning and (OPEN in text or opened) and text:
        written, text = split_thinking(text, opened)
        thoughts += written
    items: list[Item] = []
    if thoughts:
        summary = [{"type": "summary_text", "text": thought} for thought in thoughts]
        items.append({"type": "reasoning", "id": f"rs_{source}", "summary": summary})
    calls = message.get("tool_calls") or _old_call(message)
    if text or refusal or not (items or calls):
        parts = [{"type": "output_text", "text": text, "annotations": []}] if text or not refusal else []
        if refusal:
            parts.append({"type": "refusal", "refusal": refusal})
        items.append(
            {"type": "message", "id": f"msg_{source}", "role": "assistant", "status": status, "content": parts}
        )
    items += [_call_item(call, f"call_{source}_{place}", status) for place, call in enumerate(calls)]
    return items


def said(message: Message) -> tuple[list[str], str, str]:
    """Return the reasoning that an assistant message keeps apart, its text and its refusal."""
    apart = message.get("reasoning_content") or message.get("reasoning")
    thoughts = [apart] if apart else []
    content, refusal = message.get("content") or "", message.get("refusal") or ""
    if isinstance(content, str):
        return thoughts, content, refusal
    texts = []
    for part in content:
        if part["type"] == "thinking":
            inner = part["thinking"]
            thoughts.append(inner if isinstance(inner, str) else "".join(piece["text"] for piece in inner))
        elif part["type"] == "refusal":
            refusal += part["refusal"]
        else:
            texts.append(part["text"])
    return thoughts, "".join(texts), refusal


def _old_call(message: Message) -> list[dict[str, Any]]:
    """Return the one call of servers that still speak `function_call`."""
    function = message.get("function_call")
    return [{"function": function}] if function else []


def _call_item(call: dict[str, Any], missing_id: str, status: str) -> Item:
    function = call["function"]
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        arguments = msgspec.json.encode({} if arguments is None else arguments).decode()
    call_id = call.get("id") or missing_id
    return {
        "type": "function_call", "id": call_id, "call_id": call_id, "name": function["name"],
        "arguments": arguments, "status": status,
    }  # fmt: skip
