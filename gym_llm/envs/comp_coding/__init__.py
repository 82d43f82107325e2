"""Competitive programming: a program, or a function, is run on tests in a sandbox.

The class is in `environment.py`; what runs beside the model's code is in `inside/`.
"""

from __future__ import annotations

from gym_llm.envs.comp_coding.environment import CompCoding
from gym_llm.envs.comp_coding.task import CodingTask

__all__ = ["CodingTask", "CompCoding"]
