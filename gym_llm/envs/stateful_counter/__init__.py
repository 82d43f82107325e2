"""A counter that lives for one episode: tools that change and read per-episode state."""

from __future__ import annotations

from gym_llm.envs.stateful_counter.environment import CounterTask, StatefulCounter

__all__ = ["CounterTask", "StatefulCounter"]
