"""The Chat Completions API on the wire, as a view of items: messages in, completions and chunks out.

Beside OpenAI's fields it speaks vLLM's: `reasoning_content`, `prompt_token_ids`, `token_ids`, and tokens
written as `token_id:<n>`. It knows no sockets and decides no answers.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from gym_llm.items import Item, assistant_message, function_call, function_call_output, item_type, reasoning
from gym_llm.mock_model.conversation import essence
from gym_llm.mock_model.model_call import Request
from gym_llm.mock_model.responses_api import bad, check_calls, split_text
from gym_llm.mock_model.tokens import token_bytes


def read_request(body: Mapping[str, Any], number: int) -> Request:
    """Check a create call, and return it with its messages as items.

    Raises:
        ModelError: With status 400: no usable messages, an unanswered tool call, `n` above 1.
    """
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(entry, dict) for entry in messages):
        raise bad("`messages` must be a list of at least one message object.")
    if body.get("n") not in (None, 1):
        raise bad("The mock model gives one choice: leave `n` out.")
    items: list[Item] = []
    for entry in messages:
        items += message_items(entry)
    check_calls(items)
    tools = [_flat_tool(tool) for tool in body.get("tools") or () if isinstance(tool, dict)]
    return Request(items, tools, dict(body), "chat", number)


def _flat_tool(tool: dict[str, Any]) -> dict[str, Any]:
    function = tool.get("function")
    return {"type": "function", **function} if isinstance(function, dict) else tool


def message_items(entry: Mapping[str, Any]) -> list[Item]:
    """Return the items that one chat message stands for.

    >>> [item["type"] for item in message_items({"role": "assistant", "content": "Hi", "reasoning_content": "So."})]
    ['reasoning', 'message']
    """
    role, content = entry.get("role"), entry.get("content")
    if content is not None and not isinstance(content, str | list):
        raise bad("A message's `content` must be a text or a list of parts.")
    if role in ("system", "developer", "user"):
        return [{"type": "message", "role": role, "content": "" if content is None else content}]
    if role == "tool":
        return [function_call_output(str(entry.get("tool_call_id")), _text(content))]
    if role == "assistant":
        return list(_assistant_items(entry, _text(content)))
    raise bad(f"Unknown role {role!r}: use system, developer, user, assistant or tool.")


def _text(content: str | list[Any] | None) -> str:
    return essence({"role": "user", "content": content or ""})[1]


def _assistant_items(entry: Mapping[str, Any], text: str) -> Iterator[Item]:
    thought = entry.get("reasoning_content") or entry.get("reasoning")
    if isinstance(thought, str):
        yield reasoning(thought)
    calls = entry.get("tool_calls") or ()
    if text or not calls:
        yield assistant_message(text)
    for call in calls:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            raise bad("An entry of `tool_calls` needs `id` and `function`.")
        yield function_call(str(function.get("name")), str(function.get("arguments")), str(call.get("id")))


def chat_message(output: Sequence[Item]) -> dict[str, Any]:
    """Return the assistant message that output items make."""
    texts = [essence(item)[1] for item in output if item_type(item) == "message"]
    thoughts = [essence(item)[1] for item in output if item_type(item) == "reasoning"]
    calls = [_tool_call(item) for item in output if item_type(item) == "function_call"]
    made: dict[str, Any] = {"role": "assistant", "content": "".join(texts) if texts else None, "refusal": None}
    if thoughts:
        made["reasoning_content"] = "\n".join(thoughts)
    if calls:
        made["tool_calls"] = calls
    return made


def _tool_call(item: Item) -> dict[str, Any]:
    function = {"name": item["name"], "arguments": item["arguments"]}
    return {"id": item["call_id"], "type": "function", "function": function}


def completion_object(
    request: Request,
    message: dict[str, Any],
    usage: tuple[int, int],
    reason: str | None,
    model: str,
    tokens: tuple[list[int], list[int], list[float]] | None,
) -> dict[str, Any]:
    """Return the body of a finished completion.

    Args:
        request: What is answered.
        message: The assistant message.
        usage: Prompt and completion tokens.
        reason: Why it is incomplete, or None.
        model: The model's name.
        tokens: Prompt ids, generated ids and their log probabilities, for requests that ask for them.
    """
    ended = "tool_calls" if message.get("tool_calls") else "stop"
    if reason:
        ended = "length" if reason == "max_output_tokens" else "content_filter"
    choice: dict[str, Any] = {"index": 0, "message": message, "logprobs": None, "finish_reason": ended}
    body = {
        "id": f"chatcmpl-{request.number:016x}", "object": "chat.completion", "created": int(time.time()),
        "model": model, "choices": [choice], "usage": _usage(*usage), "system_fingerprint": None,
    }  # fmt: skip
    if tokens is not None:
        prompt, generated, probabilities = tokens
        if request.body.get("logprobs"):
            as_ids = bool(request.body.get("return_tokens_as_token_ids"))
            choice["logprobs"] = _log_probs(generated, probabilities, as_ids)
        if request.body.get("return_token_ids"):
            choice["token_ids"] = generated
            body["prompt_token_ids"] = prompt
    return body


def wants_tokens(body: Mapping[str, Any]) -> bool:
    """Whether a request asks for token data."""
    return bool(body.get("logprobs") or body.get("return_token_ids"))


def _log_probs(ids: list[int], probabilities: list[float], as_ids: bool) -> dict[str, Any]:
    entries = []
    for token, probability in zip(ids, probabilities, strict=True):
        raw = token_bytes(token)
        text = f"token_id:{token}" if as_ids else raw.decode("utf-8", "replace")
        entries.append({"token": text, "logprob": probability, "bytes": list(raw), "top_logprobs": []})
    return {"content": entries, "refusal": None}


def _usage(prompt: int, generated: int) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": generated, "total_tokens": prompt + generated}


def completion_events(body: dict[str, Any], with_usage: bool) -> list[bytes]:
    """Return the server-sent events of a completion, the final `[DONE]` included.

    Args:
        body: The completion.
        with_usage: Whether the request asked for a usage chunk.
    """
    frame = {name: body[name] for name in ("id", "created", "model", "system_fingerprint")}
    frame["object"] = "chat.completion.chunk"
    choice = body["choices"][0]
    chunks = [_chunk(frame, delta) for delta in _deltas(choice["message"])]
    if "prompt_token_ids" in body:
        chunks[0]["prompt_token_ids"] = body["prompt_token_ids"]
    last = {name: choice[name] for name in ("logprobs", "token_ids") if name in choice}
    chunks.append(_chunk(frame, {}, finish_reason=choice["finish_reason"], **last))
    if with_usage:
        chunks.append({**frame, "choices": [], "usage": body["usage"]})
    return [*(b"data: %b\n\n" % msgspec.json.encode(chunk) for chunk in chunks), b"data: [DONE]\n\n"]


def _chunk(frame: dict[str, Any], delta: dict[str, Any], **choice: Any) -> dict[str, Any]:
    return {**frame, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None} | choice]}


def _deltas(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": ""}
    for name in ("reasoning_content", "content"):
        for piece in split_text(message.get(name) or ""):
            yield {name: piece}
    for index, call in enumerate(message.get("tool_calls") or ()):
        opened = {**call, "function": {**call["function"], "arguments": ""}}
        yield {"tool_calls": [{"index": index, **opened}]}
        for piece in split_text(call["function"]["arguments"]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
