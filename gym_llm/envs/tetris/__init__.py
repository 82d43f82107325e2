"""Tetris as a text grid: clear lines, several moves per turn; a piece falls only when it is moved down.

The class is in `environment.py`, the rules in `game.py`, the shapes and their order in `pieces.py`, the solver in
`search.py`.
"""

from __future__ import annotations

from gym_llm.envs.tetris.environment import Tetris, TetrisTask

__all__ = ["Tetris", "TetrisTask"]
