"""Grid puzzles in the format of the Abstraction and Reasoning Corpus: find the rule, draw the test's output.

The class is in `environment.py`, a row in `task.py`, grids and what is said about them in `grids.py`, reading a
grid from an answer in `extraction.py`, the puzzles' rules in `rules.py` and the puzzles themselves in `puzzles.py`.
"""

from __future__ import annotations

from gym_llm.envs.arc_agi.environment import ArcAGI
from gym_llm.envs.arc_agi.task import ArcTask

__all__ = ["ArcAGI", "ArcTask"]
