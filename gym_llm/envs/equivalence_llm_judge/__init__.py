"""Short answers to questions, compared with the right one by a judge.

The class is in `environment.py`, its row in `task.py`; `extraction.py` finds the answer, `course.py` says which
verdicts are asked for and what they earn, `questions.py` makes tasks.
"""

from __future__ import annotations

from gym_llm.envs.equivalence_llm_judge.environment import EquivalenceLLMJudge
from gym_llm.envs.equivalence_llm_judge.task import EquivalenceTask

__all__ = ["EquivalenceLLMJudge", "EquivalenceTask"]
