"""The Responses API on the wire: requests checked, response objects, and their event streams.

Field names and event order follow OpenAI's API reference. It knows no sockets and decides no answers.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from gym_llm.errors import ModelError
from gym_llm.items import Item, item_type, message
from gym_llm.mock_model.model_call import Answer, Request

DELTA_CHARS = 24
"""Characters per delta event of a stream."""

_ECHOED: dict[str, Any] = {
    "instructions": None, "max_output_tokens": None, "metadata": {}, "parallel_tool_calls": True,
    "previous_response_id": None, "reasoning": None, "temperature": 1.0, "text": {"format": {"type": "text"}},
    "tool_choice": "auto", "tools": [], "top_p": 1.0, "truncation": "disabled",
}  # fmt: skip
_PREFIXES = {"message": "msg", "function_call": "fc", "reasoning": "rs"}


def bad(text: str) -> ModelError:
    """Return the refusal of a request that is written wrongly."""
    return ModelError(text, kind="bad_request", status=400)


def read_request(body: Mapping[str, Any], number: int) -> Request:
    """Check a create call as OpenAI's API does, and return it.

    Raises:
        ModelError: With status 400: no usable input, an unanswered tool call, an output without its call.
    """
    given = body.get("input")
    if body.get("previous_response_id") or body.get("conversation"):
        raise bad("The mock model keeps no responses: send the whole conversation as `input`.")
    if isinstance(given, str):
        given = [message(given)]
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise bad("`input` must be a string or a list of items.")
    tools = body.get("tools") or []
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        raise bad("`tools` must be a list of tool objects.")
    check_calls(given)
    return Request(given, tools, dict(body), "responses", number)


def check_calls(items: Sequence[Item]) -> None:
    """Refuse a conversation with a tool output without its call, or a call without output."""
    open_calls: dict[Any, int] = {}
    for item in items:
        kind = item_type(item)
        if kind == "message":
            if not isinstance(item.get("role"), str) or not isinstance(item.get("content"), str | list):
                raise bad("A message item needs `role` (text) and `content` (text or a list of parts).")
        elif kind == "function_call":
            call_id = str(item.get("call_id"))
            open_calls[call_id] = open_calls.get(call_id, 0) + 1
        elif kind == "function_call_output":
            call_id = str(item.get("call_id"))
            if not open_calls.get(call_id):
                raise bad(f"No tool call found for function call output with call_id {call_id}.")
            open_calls[call_id] -= 1
    missing = [call_id for call_id, count in open_calls.items() if count]
    if missing:
        raise bad(f"No tool output found for function call {missing[0]}.")


def output_items(answer: Answer, number: int) -> list[Item]:
    """Return an answer's items as copies with ids of their own and a status."""
    status = "incomplete" if answer.reason else "completed"
    items = []
    for position, item in enumerate(answer.output):
        kind = item_type(item)
        copy = {**item, "type": kind, "id": f"{_PREFIXES.get(kind, 'item')}_{number:012x}{position:04x}"}
        if kind != "reasoning":
            copy["status"] = status
        if kind == "message" and isinstance(item.get("content"), str):
            copy["content"] = [{"type": "output_text", "text": item["content"], "annotations": []}]
        items.append(copy)
    return items


def response_object(
    request: Request, output: list[Item], usage: tuple[int, int], reason: str | None, model: str
) -> dict[str, Any]:
    """Return the body of a finished response.

    Args:
        request: What is answered; its settings are echoed.
        output: The items.
        usage: Input and output tokens.
        reason: Why it is incomplete, or None.
        model: The model's name.
    """
    asked = request.body
    echoed = {name: asked.get(name) or default for name, default in _ECHOED.items()}
    for name in ("parallel_tool_calls", "temperature", "top_p"):
        if asked.get(name) is not None:
            echoed[name] = asked[name]
    created = int(time.time())
    return {
        "id": f"resp_{request.number:016x}", "object": "response", "created_at": created,
        "status": "incomplete" if reason else "completed", "completed_at": None if reason else created,
        "error": None, "incomplete_details": {"reason": reason} if reason else None,
        "model": model, "output": output, "usage": _usage(*usage), **echoed,
    }  # fmt: skip


def _usage(prompt: int, generated: int) -> dict[str, Any]:
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": generated,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt + generated,
    }


def response_events(response: dict[str, Any]) -> list[bytes]:
    """Return the server-sent events of a response, each complete with its blank line."""
    return [
        b"event: %b\ndata: %b\n\n" % (event["type"].encode(), msgspec.json.encode(event | {"sequence_number": place}))
        for place, event in enumerate(_events(response))
    ]


def _events(response: dict[str, Any]) -> Iterator[dict[str, Any]]:
    begun = {**response, "status": "in_progress", "completed_at": None, "incomplete_details": None}
    begun |= {"output": [], "usage": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(response["output"]):
        yield from _item_events(item, index)
    yield {"type": f"response.{response['status']}", "response": response}


def _item_events(item: Item, index: int) -> Iterator[dict[str, Any]]:
    where = {"output_index": index}
    begun = {name: _BEGUN.get(name, value) for name, value in item.items() if not name.endswith(_TOKEN_DATA)}
    yield {"type": "response.output_item.added", **where, "item": begun}
    inside = {"item_id": item["id"], **where}
    if item["type"] == "function_call":
        yield from _text_events("response.function_call_arguments", item["arguments"], inside, "arguments")
    for place, part in enumerate(item.get("summary") or ()):
        spot = {**inside, "summary_index": place}
        yield from _part_events("response.reasoning_summary_part", "response.reasoning_summary_text", part, spot)
    for place, part in enumerate(item.get("content") or ()):
        spot = {**inside, "content_index": place}
        yield from _part_events("response.content_part", _TEXT_EVENTS.get(part["type"], ""), part, spot)
    yield {"type": "response.output_item.done", **where, "item": item}


_BEGUN: dict[str, Any] = {"status": "in_progress", "content": [], "arguments": "", "summary": []}
_TOKEN_DATA = ("_token_ids", "_log_probs")
_TEXT_EVENTS = {
    "output_text": "response.output_text",
    "reasoning_text": "response.reasoning_text",
    "refusal": "response.refusal",
}


def _part_events(
    part_event: str, text_event: str, part: dict[str, Any], where: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    field = "refusal" if part["type"] == "refusal" else "text"
    yield {"type": f"{part_event}.added", **where, "part": {**part, field: ""}}
    if text_event:
        more = {**where, "logprobs": []} if part["type"] == "output_text" else where
        yield from _text_events(text_event, part[field], more, field)
    yield {"type": f"{part_event}.done", **where, "part": part}


def _text_events(event: str, text: str, where: dict[str, Any], field: str) -> Iterator[dict[str, Any]]:
    for piece in split_text(text):
        yield {"type": f"{event}.delta", **where, "delta": piece}
    yield {"type": f"{event}.done", **where, field: text}


def split_text(text: str) -> Iterator[str]:
    """Return a text in the pieces that a stream sends."""
    for start in range(0, len(text), DELTA_CHARS):
        yield text[start : start + DELTA_CHARS]
