"""Responses of our own making: how a conversation that a server refuses to continue ends an episode.

A context that is full and a content filter say something about the conversation, so the episode is truncated and
verified with what there is. Every other refusal stays a `ModelError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gym_llm.errors import ModelError

ENDINGS = ("context_overflow", "content_filter")
"""Refusals that say something about the conversation: the episode ends, it does not fail."""


def ended(error: ModelError, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the incomplete response, without output, that a refused conversation ends with.

    Args:
        error: The refusal, its kind one of `ENDINGS`.
        params: The row's create call.
    """
    *failed, last = error.attempts or [{"seconds": 0.0}]
    return shell(params, error.kind) | {"_gym_llm": {"latency": last["seconds"], "attempts": failed}}


def shell(params: Mapping[str, Any], reason: str | None) -> dict[str, Any]:
    """Return a response without output.

    Args:
        params: The row's create call.
        reason: Why it is incomplete, or None.
    """
    parallel = params.get("parallel_tool_calls")
    return {
        "id": "resp_0", "object": "response", "created_at": 0, "model": "", "output": [], "usage": None,
        "status": "incomplete" if reason else "completed", "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "parallel_tool_calls": True if parallel is None else parallel,
        "tool_choice": params.get("tool_choice") or "auto", "tools": params.get("tools") or [],
    }  # fmt: skip
