"""Instruction following: 112 instructions that a program can check, each a small function.

The class is in `environment.py`, the instructions in `instructions/`; `composing.py` makes rows, `solving.py` texts.
"""

from __future__ import annotations

from gym_llm.envs.instruction_following.environment import InstructionFollowing
from gym_llm.envs.instruction_following.task import InstructionFollowingTask

__all__ = ["InstructionFollowing", "InstructionFollowingTask"]
