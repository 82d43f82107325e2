"""Vector environments: `AsyncVectorEnv`, on workers that host many environments each.

A worker imports its own side of this package only, so the driver's side is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gym_llm.vector.async_vector_env import AsyncVectorEnv
    from gym_llm.vector.make import make_vec

__all__ = ["AsyncVectorEnv", "make_vec"]


def __getattr__(name: str) -> Any:
    if name == "AsyncVectorEnv":
        from gym_llm.vector.async_vector_env import AsyncVectorEnv

        return AsyncVectorEnv
    if name == "make_vec":
        from gym_llm.vector.make import make_vec

        return make_vec
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
