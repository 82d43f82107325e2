"""Which items and create calls are valid, as declared schemas checked in C.

One `msgspec.Struct` per item type; extra keys are allowed, as servers add their own. Dispatch is by the item's
`type`, so no union is tried: a check costs about half a microsecond. Source: the OpenAI Responses API reference.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from gym_llm.errors import did_you_mean
from gym_llm.items import Item, item_type

Status = Literal["in_progress", "completed", "incomplete"]


class _Part(Struct, tag_field="type", gc=False):
    """A content part; the tag is its `type`."""


class InputText(_Part, tag="input_text", gc=False):
    text: str


class InputImage(_Part, tag="input_image", gc=False):
    image_url: str | None = None
    file_id: str | None = None
    detail: Literal["low", "high", "auto", "original"] | None = None


class InputFile(_Part, tag="input_file", gc=False):
    file_id: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    filename: str | None = None


class InputAudio(_Part, tag="input_audio", gc=False):
    input_audio: dict[str, Any]


class InputVideo(_Part, tag="input_video", gc=False):
    video_url: str


class OutputText(_Part, tag="output_text", gc=False):
    text: str
    annotations: list[Any] = []
    logprobs: list[Any] | None = None


class Refusal(_Part, tag="refusal", gc=False):
    refusal: str


class SummaryText(_Part, tag="summary_text", gc=False):
    text: str


class ReasoningText(_Part, tag="reasoning_text", gc=False):
    text: str


InputPart = InputText | InputImage | InputFile | InputAudio | InputVideo


class _Item(Struct, gc=False):
    """What every item may carry: an id, a status and the token data of the model call that ended with it."""

    id: str | None = None
    status: Status | None = None
    prompt_token_ids: list[int] | None = None
    generation_token_ids: list[int] | None = None
    generation_log_probs: list[float] | None = None


class InputMessage(_Item, kw_only=True, gc=False):
    role: Literal["user", "system", "developer"]
    content: str | list[InputPart]


class AssistantMessage(_Item, kw_only=True, gc=False):
    role: Literal["assistant"]
    content: str | list[OutputText | Refusal]


class FunctionCall(_Item, kw_only=True, gc=False):
    call_id: str
    name: str
    arguments: str


class FunctionCallOutput(_Item, kw_only=True, gc=False):
    call_id: str
    output: str | list[InputPart]


class Reasoning(_Item, kw_only=True, gc=False):
    summary: list[SummaryText]
    content: list[ReasoningText] | None = None
    encrypted_content: str | None = None


class Hosted(Struct, gc=False):
    """An item of a tool that the model's server runs itself; kept as it is."""

    type: str


_Known = dict[str, type[Struct]]
_OWN: _Known = {"function_call": FunctionCall, "reasoning": Reasoning}
_BOTH: _Known = _OWN | dict.fromkeys(
    (
        "file_search_call", "web_search_call", "computer_call", "image_generation_call", "code_interpreter_call",
        "local_shell_call", "shell_call", "shell_call_output", "apply_patch_call", "apply_patch_call_output",
        "mcp_list_tools", "mcp_approval_request", "mcp_call", "custom_tool_call", "compaction",
    ),
    Hosted,
)  # fmt: skip
_INPUT: _Known = _BOTH | {"function_call_output": FunctionCallOutput} | dict.fromkeys(
    ("item_reference", "computer_call_output", "local_shell_call_output", "mcp_approval_response",
     "custom_tool_call_output"),
    Hosted,
)  # fmt: skip


def input_problem(item: object) -> str | None:
    """Return why the item cannot stand in a Responses `input`, or None when it can."""
    return _problem(item, _INPUT, input_side=True)


def output_problem(item: object) -> str | None:
    """Return why the item cannot stand in a Responses `output`, or None when it can."""
    return _problem(item, _BOTH, input_side=False)


def _problem(item: object, known: _Known, *, input_side: bool) -> str | None:
    if type(item) is not dict:
        return f"an item is a JSON object, not {type(item).__name__}"
    kind = item_type(item)
    if kind == "message":
        schema: type[Struct] | None = InputMessage if input_side else AssistantMessage
        if item.get("role") == "assistant":
            schema = AssistantMessage
    else:
        schema = known.get(kind)
    if schema is None:
        return f"unknown item type {kind[:80]!r}.{did_you_mean(kind[:80], known)}"
    try:
        msgspec.convert(item, schema)
    except msgspec.ValidationError as error:
        return f"{kind}: {error}"
    return _token_problem(item) if "generation_token_ids" in item else None


def _token_problem(item: Item) -> str | None:
    tokens, log_probs = item["generation_token_ids"] or [], item.get("generation_log_probs")
    if log_probs is not None and len(log_probs) != len(tokens):
        return f"generation_log_probs has {len(log_probs)} entries for {len(tokens)} generation_token_ids"
    return None


class CreateParams(Struct, forbid_unknown_fields=True, gc=False):
    """The arguments of a Responses create call that a row may give; null means not given."""

    input: str | list[Any] | UnsetType = UNSET
    background: bool | None = None
    context_management: list[Any] | None = None
    conversation: str | dict[str, Any] | None = None
    include: list[str] | None = None
    instructions: str | None = None
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    metadata: dict[str, str] | None = None
    model: str | None = None
    parallel_tool_calls: bool | None = None
    previous_response_id: str | None = None
    prompt: dict[str, Any] | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    reasoning: dict[str, Any] | None = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    store: bool | None = None
    stream: Literal[False] | None = None
    temperature: float | None = None
    text: dict[str, Any] | None = None
    tool_choice: str | dict[str, Any] | None = None
    tools: list[dict[str, Any]] | None = None
    top_logprobs: int | None = None
    top_p: float | None = None
    truncation: Literal["auto", "disabled"] | None = None
    user: str | None = None


CREATE_KEYS = CreateParams.__struct_fields__


def create_params_problem(params: object) -> tuple[str, str] | None:
    """Return (field, reason) for the first thing wrong with a create call, or None when it is valid."""
    if type(params) is not dict:
        return "", f"expected a JSON object, got {type(params).__name__}"
    for key in params:
        if key not in CREATE_KEYS:
            return key, f"unknown key of a Responses create call.{did_you_mean(key, CREATE_KEYS)}"
    if "input" not in params:
        return "input", "missing: the prompt, a string or a list of items"
    try:
        msgspec.convert(params, CreateParams)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        return path.strip(".`"), reason
    return _input_problem(params["input"]) or _tools_problem(params.get("tools") or [])


def _input_problem(given: str | list[Any]) -> tuple[str, str] | None:
    if isinstance(given, str):
        return None
    for index, item in enumerate(given):
        if problem := input_problem(item):
            return f"input[{index}]", problem
    return None


class FunctionTool(Struct, gc=False):
    """A function tool as a create call declares it."""

    type: str
    name: str
    parameters: dict[str, Any] | None = None
    description: str | None = None
    strict: bool | None = None


def _tools_problem(tools: list[dict[str, Any]]) -> tuple[str, str] | None:
    for index, tool in enumerate(tools):
        if not isinstance(tool.get("type"), str):
            return f"tools[{index}].type", "missing: for example 'function'"
        if tool["type"] == "function":
            try:
                msgspec.convert(tool, FunctionTool)
            except msgspec.ValidationError as error:
                return f"tools[{index}]", str(error)
    return None
