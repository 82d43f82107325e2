"""Policies: what maps an observation to an action, by calling a model or without one.

`OpenAIPolicy`, `AzureOpenAIPolicy` and `ChatCompletionsPolicy` call a server, `FallbackPolicy` several,
`ScriptedPolicy` plays reference solutions, `RandomPolicy` samples, and any callable is a policy. Rebuilding one
elsewhere takes nothing but its spec, which is plain JSON. The loop around an environment is the agent's.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from gym_llm.policies.callables import CallablePolicy
from gym_llm.policies.fallback import FallbackPolicy
from gym_llm.policies.health import Health
from gym_llm.policies.policy import Policy, as_policy, from_spec
from gym_llm.policies.random import RandomPolicy
from gym_llm.policies.scripted import ScriptedPolicy

if TYPE_CHECKING:
    from gym_llm.policies.azure import AzureOpenAIPolicy
    from gym_llm.policies.chat.policy import ChatCompletionsPolicy
    from gym_llm.policies.openai import OpenAIPolicy

__all__ = [
    "AzureOpenAIPolicy",
    "CallablePolicy",
    "ChatCompletionsPolicy",
    "FallbackPolicy",
    "Health",
    "OpenAIPolicy",
    "Policy",
    "RandomPolicy",
    "ScriptedPolicy",
    "as_policy",
    "from_spec",
]


_LAZY = {  # they bring aiohttp, which the other policies do without
    "AzureOpenAIPolicy": "gym_llm.policies.azure",
    "ChatCompletionsPolicy": "gym_llm.policies.chat.policy",
    "OpenAIPolicy": "gym_llm.policies.openai",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
