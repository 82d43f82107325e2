"""Mathematics with free-form answers: compared as mathematics, and by a judge where that finds no equality.

The class is in `environment.py`; `answers.py` finds the answer, `grading.py` compares it in a process that can be
killed, `problems.py` makes tasks.
"""

from __future__ import annotations

from gym_llm.envs.math_with_judge.environment import MathWithJudge
from gym_llm.envs.math_with_judge.task import MathTask

__all__ = ["MathTask", "MathWithJudge"]
