"""From a chat completion to a response: what a usable completion is, how it ended, what it cost.

Its items are made in `conversion.py`. A completion without a known ending is none: it is asked for again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from gym_llm.errors import ModelError
from gym_llm.items import Item
from gym_llm.policies import failures
from gym_llm.policies.chat.conversion import answer_items
from gym_llm.policies.chat.rules import Rules
from gym_llm.policies.endings import shell
from gym_llm.policies.failures import Failure
from gym_llm.policies.settings import Settings

FINISHED = frozenset({"stop", "tool_calls", "function_call", "eos", "eos_token", "end_turn", "stop_sequence"})
"""Finish reasons of complete answers (OpenAI's, and other servers' words for the same)."""

CUT = {"length": "max_output_tokens", "model_length": "max_output_tokens", "content_filter": "content_filter"}
"""Finish reasons of answers that were cut off, with the reason that a response gives for it."""

_TEXT_PARTS = frozenset({"text", "output_text", "refusal", "thinking"})


class _Function(Struct):
    name: str
    arguments: str | dict[str, Any] | None = None


class _Call(Struct):
    function: _Function
    id: str | None = None


class _Message(Struct):
    content: str | list[dict[str, Any]] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[_Call] | None = None
    function_call: _Function | None = None


class _Choice(Struct):
    finish_reason: str | None = None
    message: _Message | None = None
    text: str | None = None


class _Usage(Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None


class _Completion(Struct):
    choices: list[_Choice]
    id: str | None = None
    created: float | None = None
    usage: _Usage | None = None


def check(answer: dict[str, Any], settings: Settings) -> Failure | None:
    """Return why a decoded body is no finished completion with one choice, or None when it is one."""
    choices = answer.get("choices")
    if answer.get("error"):
        return failures.from_error_object(answer["error"], settings)
    if choices is None:
        other = "a response" if "output" in answer else f"a JSON object with {sorted(answer)[:5]}"
        return failures.unusable(
            f"the answer is {other}, not a completion: the server speaks another API than was asked for", settings
        )
    try:
        found = msgspec.convert(answer, _Completion).choices
    except msgspec.ValidationError as error:
        return failures.unusable(f"the completion is malformed: {error}", settings)
    if len(found) != 1:
        return failures.unusable(f"the completion has {len(found)} choices, not one", settings)
    inner = choices[0].get("error")
    return failures.from_error_object(inner, settings) if inner else _ending(found[0], settings)


def _ending(choice: _Choice, settings: Settings) -> Failure | None:
    """Return why a choice is no finished answer."""
    message, reason = choice.message, choice.finish_reason
    if not reason:
        return failures.unusable("the completion has no finish_reason: it is not finished", settings, "truncated")
    if reason not in FINISHED and reason not in CUT:
        return failures.unusable(f"the completion ended by {reason[:40]!r}, which is no answer", settings)
    if message is None:
        if choice.text is None:
            return failures.unusable("the completion has no message", settings)
        return None
    if reason in ("tool_calls", "function_call") and not (message.tool_calls or message.function_call):
        return failures.unusable(f"the completion ended by {reason!r} and has no tool call", settings)
    for part in message.content if isinstance(message.content, list) else ():
        if not _readable(part):
            kind = str(part.get("type"))[:40]
            return failures.unusable(f"the completion has a content part {kind!r} that is not text", settings)
    return None


def _readable(part: dict[str, Any]) -> bool:
    kind = part.get("type")
    if kind == "thinking":
        inner = part.get("thinking")
        pieces = inner if isinstance(inner, list) else []
        return isinstance(inner, str | list) and all(isinstance(piece.get("text"), str) for piece in pieces)
    return kind in _TEXT_PARTS and isinstance(part.get("refusal" if kind == "refusal" else "text"), str)


def response(
    answer: dict[str, Any], rules: Rules, params: Mapping[str, Any], log_probs: bool = False
) -> dict[str, Any]:
    """Return the response that a checked completion stands for.

    Args:
        answer: The completion.
        rules: How its message is read.
        params: The row's create call, whose tools a response repeats.
        log_probs: Whether its text carries the log probabilities that the server sent.

    Raises:
        ModelError: The server keeps reasoning apart although `parse_reasoning` is off.
    """
    choice = answer["choices"][0]
    message = choice.get("message") or {"content": choice["text"]}
    if not rules.parse_reasoning and (message.get("reasoning_content") or message.get("reasoning")):
        text = "the server keeps reasoning apart, and parse_reasoning=False says that it does not: leave it out"
        raise ModelError(text, kind="invalid_response", fatal=True)
    reason = CUT.get(choice["finish_reason"])
    source = answer.get("id") or "0"
    output = answer_items(message, rules, source, "incomplete" if reason else "completed", rules.think_opened)
    if log_probs:
        _add_log_probs(output, choice)
    return {
        **shell(params, reason), "id": source, "created_at": answer.get("created") or 0,
        "model": answer.get("model") or "", "output": output, "usage": usage(answer.get("usage")),
    }  # fmt: skip


def usage(said: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return usage under the names that responses have; what the server left out is null.

    >>> usage({"prompt_tokens": 9, "completion_tokens": 2})["output_tokens"]
    2
    """
    if not said:
        return None
    given, made = said.get("prompt_tokens") or 0, said.get("completion_tokens") or 0
    return {
        "input_tokens": given, "output_tokens": made, "total_tokens": said.get("total_tokens") or given + made,
        "input_tokens_details": _details(said.get("prompt_tokens_details"), "cached_tokens"),
        "output_tokens_details": _details(said.get("completion_tokens_details"), "reasoning_tokens"),
    }  # fmt: skip


def _details(said: Any, name: str) -> dict[str, int] | None:
    count = said.get(name) if isinstance(said, dict) else None
    return None if count is None else {name: count}


def _add_log_probs(output: list[Item], choice: Mapping[str, Any]) -> None:
    entries = (choice.get("logprobs") or {}).get("content")
    for item in output if entries else ():
        if item["type"] == "message" and item["content"][0]["type"] == "output_text":
            item["content"][0]["logprobs"] = entries
