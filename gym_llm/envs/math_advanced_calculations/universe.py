"""One altered arithmetic: what each tool computes, from a handful of constants.

The constants' defaults are those of NeMo Gym's rows; generated rows carry others, so that no formula can be
learnt by heart.
"""

from __future__ import annotations

import math

import numpy as np
import pydantic

from gym_llm.errors import ToolError

PARAMETERS = {
    "add": ("a", "b"), "subtract": ("a", "b"), "multiply": ("a", "b"), "divide": ("a", "b"), "power": ("a", "b"),
    "log": ("a", "base"), "sin": ("radians",), "cos": ("radians",), "negate": ("a",), "pi": (),
    "return_constant": ("a",),
}  # fmt: skip


class Universe(pydantic.BaseModel):
    """The constants of an altered arithmetic.

    Attributes:
        add: Added to every sum.
        subtract: Taken from every difference.
        multiply: Factor of every product.
        divide: Factor of every quotient.
        power: Added to every exponent.
        log: Added to every base; the absolute value of the sum is the base.
        pi: What `pi` returns.
        negate: Factor of `negate`.
        swapped: Whether sine and cosine have changed places.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    add: float = 1.2
    subtract: float = 3.0
    multiply: float = 1.1
    divide: float = 0.5
    power: float = 2.0
    log: float = 1.5
    pi: float = math.e
    negate: float = 1.0
    swapped: bool = True

    def apply(self, tool: str, *given: float) -> float:
        """Return what a tool computes; products and sums associate from the left, as the rows' values do.

        Raises:
            ToolError: There is no real, finite result.

        >>> Universe().apply("add", 4.0, 2.0)
        7.2
        """
        shown = f"{tool}({', '.join(map(repr, given))})"
        try:
            value = self._computed(tool, *given)
        except (ArithmeticError, ValueError) as error:
            raise ToolError(f"{shown}: {error}") from None
        if isinstance(value, complex) or not math.isfinite(value):
            raise ToolError(f"{shown} is no finite real number")
        return value

    def _computed(self, tool: str, *given: float) -> float:
        a, b = (*given, 0.0, 0.0)[:2]
        match tool:
            case "add":
                return a + b + self.add
            case "subtract":
                return a - b - self.subtract
            case "multiply":
                return self.multiply * a * b
            case "divide":
                return self.divide * a / b
            case "power":
                return float(pow(a, b + self.power)) if _is_real(a, b + self.power) else math.nan
            case "log":
                return math.log(a, abs(b + self.log))
            case "sin" | "cos":
                return math.sin(a) if (tool == "sin") != self.swapped else math.cos(a)
            case "pi":
                return self.pi
            case "negate":
                return self.negate * a
        return a

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Universe:
        """Return a random one, none of whose tools keeps its usual meaning for certain."""
        factor = (0.3, 0.4, 0.6, 0.7, 1.2, 1.4, 1.7)

        def shift(low: float, high: float) -> float:
            return round(float(rng.uniform(low, high)), 1)

        return cls(
            add=shift(0.5, 5.0), subtract=shift(0.5, 5.0), multiply=factor[int(rng.integers(len(factor)))],
            divide=factor[int(rng.integers(len(factor)))], power=float(rng.integers(-1, 3) or 0.5),
            log=shift(0.5, 4.0), pi=shift(1.5, 9.5), negate=(1.0, -0.5, 2.0)[int(rng.integers(3))],
            swapped=bool(rng.random() < 0.75),
        )  # fmt: skip


def _is_real(base: float, exponent: float) -> bool:
    return base >= 0 or exponent.is_integer()
