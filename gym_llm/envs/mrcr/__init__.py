"""Reproducing one of several like messages of a long conversation, word for word, behind a prefix.

The class is in `environment.py`; `matching.py` measures likeness, `conversations.py` makes tasks.
"""

from __future__ import annotations

from gym_llm.envs.mrcr.environment import MRCR, MRCRTask

__all__ = ["MRCR", "MRCRTask"]
