"""Competition mathematics with a Python session as the tool.

The class is in `environment.py`; the session is a sandbox's, comparing answers is `comparison.py`.
"""

from __future__ import annotations

from gym_llm.envs.math_with_code.environment import MathWithCode
from gym_llm.envs.math_with_code.task import MathTask

__all__ = ["MathTask", "MathWithCode"]
