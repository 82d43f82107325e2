"""Calculators that do not do what their names say: trust the tools, not what one knows.

The class is in `environment.py`, a row in `task.py`, the altered arithmetic in `universe.py`, expressions and
their generator in `expressions.py`, and what counts as derived in `derivation.py`.
"""

from __future__ import annotations

from gym_llm.envs.math_advanced_calculations.environment import MathAdvancedCalculations
from gym_llm.envs.math_advanced_calculations.task import CalculationTask

__all__ = ["CalculationTask", "MathAdvancedCalculations"]
