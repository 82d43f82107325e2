"""A customer with a hidden goal, who has to be asked the right questions.

The class is in `environment.py`, the scripted user in `user.py`, a user played by a model in `played.py`.
"""

from __future__ import annotations

from gym_llm.envs.user_simulator.environment import DeskTask, UserSimulator

__all__ = ["DeskTask", "UserSimulator"]
