"""Looking up several entries of a long table, in order, around a trap.

The class is in `environment.py`, its task generator in `tables.py`.
"""

from __future__ import annotations

from gym_llm.envs.multi_needle.environment import MultiNeedle, NeedleTask

__all__ = ["MultiNeedle", "NeedleTask"]
