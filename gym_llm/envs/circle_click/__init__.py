"""Clicking on the circle of one colour in a picture.

The class and its task generator are in `environment.py`; the pictures are drawn by `gym_llm.envs.pictures`.
"""

from __future__ import annotations

from gym_llm.envs.circle_click.environment import CircleClick, ClickTask

__all__ = ["CircleClick", "ClickTask"]
