"""Discrete Gymnasium environments played in words: Blackjack, FrozenLake, Taxi, CliffWalking and any other.

The class is in `environment.py`, one game in `session.py`, what is said about a game in `games.py` (by its spaces
alone in `wording.py`), the reference players in `solvers.py` and the task generator in `rows.py`.
"""

from __future__ import annotations

from gym_llm.envs.gymnasium_text.environment import GameTask, GymnasiumText

__all__ = ["GameTask", "GymnasiumText"]
