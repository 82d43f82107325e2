"""Single-turn function calling with each row's own tools.

The class is in `environment.py`; `matching.py` holds calls against expected ones, `requests.py` makes tasks.
"""

from __future__ import annotations

from gym_llm.envs.xlam_fc.environment import XlamFC, XlamFCTask

__all__ = ["XlamFC", "XlamFCTask"]
