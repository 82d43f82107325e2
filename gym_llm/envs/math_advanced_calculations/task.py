"""A row of altered calculations: the values that are asked for, and in our own rows how they come about."""

from __future__ import annotations

import json
import math
from typing import Any

import pydantic
from pydantic_core import PydanticCustomError

from gym_llm.envs.math_advanced_calculations.expressions import Expression, problem
from gym_llm.envs.math_advanced_calculations.universe import Universe
from gym_llm.tasks import Task


class CalculationTask(Task):
    """Values to be calculated with the given tools only."""

    id: int
    ground_truth: str | list[float]
    depth: int
    breadth: int
    universe: Universe = Universe()
    expressions: list[Any] | None = None

    @property
    def values(self) -> list[float]:
        """The expected values, in the order in which they are asked for."""
        return _values(self.ground_truth)

    @property
    def trees(self) -> list[Expression]:
        """The expressions, when the row has them."""
        return self.expressions or []

    @pydantic.field_validator("ground_truth")
    @classmethod
    def _is_a_list_of_numbers(cls, value: str | list[float]) -> str | list[float]:
        try:
            values = _values(value)
        except (ValueError, TypeError):
            raise PydanticCustomError("ground_truth", "must be a JSON list of numbers") from None
        if not values or not all(map(math.isfinite, values)):
            raise PydanticCustomError("ground_truth", "must hold at least one number, and finite ones only")
        return value

    @pydantic.field_validator("expressions")
    @classmethod
    def _are_expressions(cls, value: list[Any] | None) -> list[Any] | None:
        for tree in value or ():
            if reason := problem(tree):
                raise PydanticCustomError("expressions", "{reason}", {"reason": reason})
        return value


def _values(given: str | list[float]) -> list[float]:
    read = json.loads(given) if isinstance(given, str) else given
    if not isinstance(read, list):
        raise TypeError
    return [float(value) for value in read]
