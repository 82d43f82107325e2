"""Sokoban as a text grid: push every box onto a target, several moves per turn.

The class is in `environment.py`, the rules in `board.py`, the solver in `search.py`, the level maker in `levels.py`.
"""

from __future__ import annotations

from gym_llm.envs.sokoban.environment import Sokoban, SokobanTask

__all__ = ["Sokoban", "SokobanTask"]
