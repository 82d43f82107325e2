"""From a Responses create call to the fields of a chat request: sampling, tools, formats, metadata.

Each source (the row, the policy) is read on its own into `Fields`, then they are laid over each other. The messages
are made in `conversion.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gym_llm.errors import ModelError, did_you_mean
from gym_llm.items import scrub

Body = dict[str, Any]

SAME = frozenset({
    "parallel_tool_calls", "prompt_cache_key", "prompt_cache_retention", "safety_identifier", "service_tier",
    "store", "temperature", "top_p", "user",
})  # fmt: skip
"""Named alike in both APIs."""

CHAT_ONLY = frozenset({
    "frequency_penalty", "logit_bias", "logprobs", "modalities", "prediction", "presence_penalty",
    "reasoning_effort", "response_format", "seed", "stop", "verbosity", "web_search_options",
})  # fmt: skip
"""Taken as they are, for callers who think in chat (OpenAI's reference, "Create chat completion")."""

DROPPED = frozenset({"include", "input", "max_tool_calls", "model", "truncation"})
"""They change nothing that chat could do, or are given elsewhere."""

REFUSED = {
    "background": "answers are waited for",
    "context_management": "chat servers do not compact conversations",
    "conversation": "chat servers keep no conversations",
    "previous_response_id": "chat servers keep no responses",
    "prompt": "chat servers keep no prompts",
    "stream": "answers are read whole",
}


@dataclass(slots=True)
class Fields:
    """What one source says.

    Attributes:
        body: Fields of the chat request.
        extra: Fields that only the server knows; they never replace one of `body`.
        template: Arguments of the chat template.
        instructions: The system text, if any.
    """

    body: Body = field(default_factory=dict)
    extra: Body = field(default_factory=dict)
    template: Body = field(default_factory=dict)
    instructions: str | None = None


def read_params(params: Mapping[str, Any], keep_strict: bool = False) -> Fields:
    """Return what create parameters say to a chat server; None stands for not saying it.

    Args:
        params: Names of the Responses API or of chat, `extra_body` and `chat_template_kwargs`.
        keep_strict: Whether tools keep `strict`.

    Raises:
        ModelError: Of kind `bad_request`: a name is unknown, or what it asks for has no counterpart in chat.

    >>> read_params({"max_output_tokens": 9, "reasoning": {"effort": "low"}}).body
    {'max_tokens': 9, 'reasoning_effort': 'low'}
    """
    fields = Fields()
    for name, value in params.items():
        if value is None or name in DROPPED:
            continue
        try:
            _read(fields, name, value, keep_strict)
        except (KeyError, TypeError, AttributeError) as error:
            raise bad(f"{name}={str(value)[:200]} is malformed: {error!r}") from None
    return fields


def merged(row: Fields, policy: Fields) -> tuple[Body, str | None]:
    """Return the fields of a request, and the system text.

    The policy's fields replace the row's; in `extra_body` and the template's arguments the row's replace the
    policy's, key by key, and `extra_body` never replaces a field.

    Raises:
        ModelError: Of kind `bad_request`: a tool is demanded where there is none.
    """
    body: Body = {**policy.extra, **row.extra, **row.body, **policy.body}
    if row.template or policy.template:
        body["chat_template_kwargs"] = {
            **_mapping(body.get("chat_template_kwargs")),
            **policy.template,
            **row.template,
        }
    if "max_completion_tokens" in body:
        body.pop("max_tokens", None)
    if not body.get("tools"):
        _without_tools(body)
    return body, row.instructions if policy.instructions is None else policy.instructions


def encoded(body: Body) -> bytes:
    """Return a request as JSON."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:  # a lone surrogate in hand-made items
        return msgspec.json.encode(scrub(body, max_depth=1000))


def bad(text: str) -> ModelError:
    """Return the refusal of a request that cannot be made."""
    return ModelError(text, kind="bad_request")


def _read(fields: Fields, name: str, value: Any, keep_strict: bool) -> None:
    """Take one parameter."""
    if name in _LIMITS:
        _read_limit(fields, name, value)
    elif name in SAME or name in CHAT_ONLY:
        fields.body[name] = value
    elif name == "tools":
        fields.body["tools"] = [_tool(tool, keep_strict) for tool in value]
    elif name == "instructions":
        fields.instructions = value
    elif name in _READERS:
        _READERS[name](fields, value)
    elif name not in REFUSED:
        near = did_you_mean(name, NAMES)
        raise bad(f"{name!r} is no parameter.{near} Keys that only your server knows go in extra_body={{...}}")
    elif value:
        raise bad(f"{name} cannot be used: {REFUSED[name]}")


def _without_tools(body: Body) -> None:
    choice = body.pop("tool_choice", "auto")
    if choice == "required" or isinstance(choice, dict):
        raise bad(f"tool_choice={choice!r} demands a call, but there are no tools: offer tools, or leave it out")
    body.pop("tools", None)
    body.pop("parallel_tool_calls", None)


def _tool(tool: dict[str, Any], keep_strict: bool) -> dict[str, Any]:
    if "function" in tool:
        return tool
    if tool.get("type") != "function":
        raise bad(f"tool {tool.get('type')!r} cannot be offered in chat, which has function tools only")
    left_out = ("type",) if keep_strict else ("type", "strict")
    function = {name: value for name, value in tool.items() if name not in left_out and value is not None}
    return {"type": "function", "function": function}


def _read_tool_choice(fields: Fields, choice: Any) -> None:
    if isinstance(choice, dict) and "function" not in choice and "allowed_tools" not in choice:
        if choice.get("type") == "function":
            choice = {"type": "function", "function": {"name": choice["name"]}}
        elif choice.get("type") == "allowed_tools":
            allowed = {"mode": choice.get("mode", "auto"), "tools": [_allowed(tool) for tool in choice["tools"]]}
            choice = {"type": "allowed_tools", "allowed_tools": allowed}
        else:
            raise bad(f"tool_choice={choice!r} has no counterpart in chat: name a function, or allowed_tools")
    fields.body["tool_choice"] = choice


def _allowed(tool: dict[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": {"name": tool["name"]}} if "name" in tool else tool


def _read_reasoning(fields: Fields, reasoning: Mapping[str, Any]) -> None:
    if reasoning.get("effort") is not None:
        fields.body["reasoning_effort"] = reasoning["effort"]


def _read_text(fields: Fields, text: Mapping[str, Any]) -> None:
    if text.get("verbosity") is not None:
        fields.body["verbosity"] = text["verbosity"]
    wanted = text.get("format") or {"type": "text"}
    if wanted["type"] == "json_schema":
        schema = {name: value for name, value in wanted.items() if name != "type" and value is not None}
        fields.body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif wanted["type"] != "text":
        fields.body["response_format"] = wanted


def _read_metadata(fields: Fields, metadata: Mapping[str, Any]) -> None:
    """Take out the two keys by which NeMo Gym's rows speak to the server, as JSON texts; the rest is sent."""
    rest = dict(metadata)
    fields.template |= _json_object("metadata.chat_template_kwargs", rest.pop("chat_template_kwargs", None))
    fields.extra |= _json_object("metadata.extra_body", rest.pop("extra_body", None))
    for name in ("audio_data", "audio_path", "audio_paths"):
        if name in rest:
            raise bad(f"metadata.{name} cannot be used: give the audio as an input_audio part of a message")
    if rest:
        fields.body["metadata"] = rest


def _json_object(name: str, text: Any) -> Body:
    if text is None:
        return {}
    try:
        value = msgspec.json.decode(text) if isinstance(text, str) else text
    except msgspec.DecodeError as error:
        raise bad(f"{name} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise bad(f"{name} must be a JSON object, as a text")
    return value


def _read_n(fields: Fields, choices: Any) -> None:
    if choices != 1:
        raise bad(f"n={choices!r}: an episode goes on with one answer; use num_repeats for several rollouts")


def _read_limit(fields: Fields, name: str, tokens: Any) -> None:
    """Take a limit of generated tokens; servers refuse a wrong one in words that sound like a full context."""
    if type(tokens) is not int or tokens < 1:
        raise bad(f"{name}={tokens!r}: give a whole number of at least 1")
    fields.body[_LIMITS[name]] = tokens


def _read_top_logprobs(fields: Fields, count: int) -> None:
    fields.body |= {"logprobs": True, "top_logprobs": count}


def _mapping(value: Any) -> Body:
    return value if isinstance(value, dict) else {}


_LIMITS = {
    "max_output_tokens": "max_tokens", "max_tokens": "max_tokens", "max_completion_tokens": "max_completion_tokens",
}  # fmt: skip
_READERS: dict[str, Callable[[Fields, Any], None]] = {
    "chat_template_kwargs": lambda fields, value: fields.template.update(_json_object("chat_template_kwargs", value)),
    "extra_body": lambda fields, value: fields.extra.update(_json_object("extra_body", value)),
    "metadata": _read_metadata,
    "n": _read_n,
    "reasoning": _read_reasoning,
    "text": _read_text,
    "tool_choice": _read_tool_choice,
    "top_logprobs": _read_top_logprobs,
}

NAMES = SAME | CHAT_ONLY | DROPPED | REFUSED.keys() | _READERS.keys() | _LIMITS.keys() | {"instructions", "tools"}
"""Every name that create parameters may have."""
