"""gym_llm: Gymnasium environments for reinforcement learning of language models.

Importing it registers `gym_llm/*`. It stays light: policies, wrappers, collection and the check are imported when
they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from gym_llm import items, spaces
from gym_llm.core import ResponsesEnv
from gym_llm.episode import Episode, ToolCall, Verification
from gym_llm.errors import GymLLMError, ToolError
from gym_llm.registration import env_ids, register_all
from gym_llm.tasks import Task
from gym_llm.tools import tool

if TYPE_CHECKING:
    from gym_llm import policies, vector, wrappers
    from gym_llm.conformance.check import check
    from gym_llm.pool.pool import Pool
    from gym_llm.rollouts.collect import acollect, collect
    from gym_llm.vector.make import make_vec

__version__ = "0.1.0"

__all__ = [
    "Episode", "GymLLMError", "Pool", "ResponsesEnv", "Task", "ToolCall", "ToolError", "Verification", "acollect",
    "check", "collect", "env_ids", "items", "make_vec", "policies", "spaces", "tool", "vector", "wrappers",
]  # fmt: skip

_LAZY = {
    "Pool": "gym_llm.pool", "acollect": "gym_llm.rollouts", "check": "gym_llm.conformance",
    "collect": "gym_llm.rollouts", "make_vec": "gym_llm.vector",
}  # fmt: skip
_LAZY_MODULES = ("policies", "vector", "wrappers")

register_all()


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    if name in _LAZY_MODULES:
        return importlib.import_module(f"gym_llm.{name}")
    raise AttributeError(f"module 'gym_llm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
