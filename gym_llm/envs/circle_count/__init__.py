"""Counting the circles of one colour in a picture.

The class and its task generator are in `environment.py`; the pictures are drawn by `gym_llm.envs.pictures`.
"""

from __future__ import annotations

from gym_llm.envs.circle_count.environment import CircleCount, CountTask

__all__ = ["CircleCount", "CountTask"]
