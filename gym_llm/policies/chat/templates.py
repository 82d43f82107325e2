"""Conversations as one text, for base models behind `/completions`.

A template is any function of the chat messages and the tools that returns the prompt. This one is for models that
were never taught a format.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gym_llm.errors import ModelError
from gym_llm.policies.chat.conversion import Message
from gym_llm.policies.chat.request import Body, bad

Template = Callable[[list[Message], list[dict[str, Any]]], str]
"""From chat messages and tools to the prompt."""

PLAIN_STOPS = ("\n\nUser:", "\n\nSystem:")
"""Where a base model begins to write the other side of the conversation."""

_NOT_IN_COMPLETIONS = frozenset({
    "chat_template_kwargs", "logprobs", "max_completion_tokens", "messages", "metadata", "modalities",
    "parallel_tool_calls", "reasoning_effort", "response_format", "tool_choice", "tools", "top_logprobs",
    "verbosity",
})  # fmt: skip
_NAMES = {"system": "System", "developer": "System", "user": "User", "assistant": "Assistant"}


def plain(messages: list[Message], tools: list[dict[str, Any]]) -> str:
    r"""Return `Role: text` for each message, a blank line between, and `Assistant:` for what comes now.

    What a model wrote stays as it wrote it, so the next prompt begins with the last one and its answer.

    Raises:
        ModelError: There are tools, tool messages or content that is not text.

    >>> plain([{"role": "user", "content": "2 + 2 = ?"}], [])
    'User: 2 + 2 = ?\n\nAssistant:'
    """
    if tools:
        raise _unrenderable("tools")
    return "\n\n".join([*map(_line, messages), "Assistant:"])


def for_completions(body: Body, prompt: str, stops: list[str]) -> Body:
    """Return the body of a `/completions` request; fields that it does not have are left out.

    Args:
        body: The fields of a chat request, `model` included.
        prompt: The conversation as text.
        stops: Where generation ends if the fields say nothing.

    Raises:
        ModelError: Of kind `bad_request`: there is no limit of generated tokens.
    """
    made = {name: value for name, value in body.items() if name not in _NOT_IN_COMPLETIONS}
    if "max_completion_tokens" in body:
        made["max_tokens"] = body["max_completion_tokens"]
    if "max_tokens" not in made:
        raise bad("completions need max_output_tokens: left out, servers generate 16 tokens")
    if stops:
        made.setdefault("stop", stops)
    if body.get("logprobs") is not None:
        made["logprobs"] = body.get("top_logprobs", 0)
    return made | {"prompt": prompt}


def _line(message: Message) -> str:
    role, content = message["role"], message["content"] or ""
    if role not in _NAMES or message.get("tool_calls"):
        raise _unrenderable("tool messages")
    if isinstance(content, list):
        if any(part["type"] != "text" for part in content):
            raise _unrenderable("content that is not text")
        content = "".join(part["text"] for part in content)
    space = "" if role == "assistant" and content[:1].isspace() else " "
    return f"{_NAMES[role]}:{space}{content}"


def _unrenderable(what: str) -> ModelError:
    text = f"completions=True writes no {what}: give completions='module:function', a template that does"
    return bad(text)
