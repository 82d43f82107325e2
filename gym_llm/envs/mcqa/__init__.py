"""Multiple-choice questions, graded by the letter in the final message.

The class is in `environment.py`; finding the letter is `extraction.py` and what it stands on.
"""

from __future__ import annotations

from gym_llm.envs.mcqa.environment import MCQA
from gym_llm.envs.mcqa.task import MCQATask

__all__ = ["MCQA", "MCQATask"]
