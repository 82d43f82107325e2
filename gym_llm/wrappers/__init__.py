"""Wrappers: the agent around an environment, recording, and other forms of observations and actions."""

from __future__ import annotations

from gym_llm.wrappers.agent import AgentWrapper
from gym_llm.wrappers.new_items import NewItems
from gym_llm.wrappers.record import RecordTrajectories
from gym_llm.wrappers.text import TextAction, TextObservation

__all__ = ["AgentWrapper", "NewItems", "RecordTrajectories", "TextAction", "TextObservation"]
