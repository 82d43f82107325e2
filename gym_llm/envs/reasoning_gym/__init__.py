"""Every dataset of the reasoning-gym library, its tasks made on the fly and scored by its own scorers.

The class is in `environment.py`, what a user may call a dataset in `sources.py`, finding the answer in
`answers.py`. The library runs in killable processes only: `library.py`, with the fences around its scorers in
`fences.py`.
"""

from __future__ import annotations

from gym_llm.envs.reasoning_gym.environment import ReasoningGym, ReasoningTask

__all__ = ["ReasoningGym", "ReasoningTask"]
