"""Asking a policy from a test without an event loop, and completions to answer with."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from raw_server import http

from gym_llm.policies import ChatCompletionsPolicy

ITEMS = [{"role": "user", "content": "Hello"}]


def ask(policy: ChatCompletionsPolicy, items: Any = ITEMS, params: Any = None) -> Any:
    """Return the answer, or the error."""

    async def main() -> Any:
        try:
            return await policy(items, {"responses_create_params": params or {}})
        except Exception as error:
            return error
        finally:
            await policy.close()

    return asyncio.run(main())


def one(base_url: str, items: Any = ITEMS, params: Any = None, **settings: Any) -> Any:
    """Ask a policy with these settings."""
    return ask(ChatCompletionsPolicy("m", base_url, **{"max_attempts": 2, "timeout": 10, **settings}), items, params)


def completion(message: Any = None, finish_reason: Any = "stop", **fields: Any) -> dict[str, Any]:
    """Return a completion."""
    message = {"role": "assistant", "content": "Hi."} if message is None else message
    choice = {"index": 0, "message": message, "finish_reason": finish_reason, **fields.pop("choice", {})}
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 7,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    } | fields


def said(body: Any, *headers: str) -> bytes:
    """Return a body as an HTTP answer."""
    return http(json.dumps(body).encode(), "200 OK", *headers)


def sent(server: Any, number: int = 0) -> dict[str, Any]:
    """Return the body of a request that a raw server got."""
    body: dict[str, Any] = json.loads(server.requests[number].partition(b"\r\n\r\n")[2])
    return body
