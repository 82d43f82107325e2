"""The environment: the altered calculators, the reward and the reference solution."""

from __future__ import annotations

from typing import Any

import numpy as np

from gym_llm.core import ResponsesEnv
from gym_llm.envs.math_advanced_calculations import derivation, expressions
from gym_llm.envs.math_advanced_calculations.task import CalculationTask
from gym_llm.envs.math_advanced_calculations.universe import PARAMETERS
from gym_llm.episode import Episode, Verification
from gym_llm.errors import ConfigError, DefinitionError
from gym_llm.items import Item, assistant_message, function_call, message_text
from gym_llm.tools import tool


class MathAdvancedCalculations(ResponsesEnv):
    """Evaluate expressions with calculators that do not do what their names say.

    Tasks:
        `ground_truth`: the values that are asked for, a list of numbers or its JSON text; `id`, `depth`,
        `breadth`. Rows of NeMo Gym's math_advanced_calculations server load unchanged. Our rows also carry
        `universe`, the constants of their calculators, and `expressions`, what is to be evaluated. Bundled: 8 rows
        made by the generator, Apache-2.0. Unlimited, with the knobs `depth`, `breadth` and `universe` (`random`
        constants for each row, so that no formula can be memorised, or `nemo`).
    Tools:
        `add`, `subtract`, `multiply`, `divide`, `power`, `log`, `sin`, `cos`, `negate`, `pi` and
        `return_constant`: `{"solution": ...}`. Their descriptions keep the ordinary meaning, on purpose.
    Reward:
        1.0 when every value is derived and the last message states the values in order, within a relative
        `answer_tolerance`; else 0.0. Derived: the output of a call whose arguments stand in the prompt or are
        derived outputs, within a relative `tolerance`; a value that was worked out elsewhere and passed through
        `return_constant` is not. With `expressions`, every step must be a call of its own tool. Named rewards:
        `derived`, `answered` and `correct`, which is the reward. The verification also says `calls`,
        `underived_calls`, `missing_values` and `missing_steps`. NeMo Gym pays for any output that equals the
        value, and reads no message: `rule="outputs"`.
    Episode end:
        The first message without a call, or 256 turns.
    Known shortcuts:
        Rows without `expressions` do not tell which steps lead to the value, so any derivation of it is paid.
        Other numbers may stand in the last message. Under `rule="outputs"`, `return_constant` pays.
    Version history:
        v0: first version.

    Args:
        rule: `derived`, or `outputs` for NeMo Gym's rule, with exact equality.
        tolerance: Largest relative difference between an argument or output and what it should be.
        answer_tolerance: Largest relative difference between a stated value and the expected one.
        **settings: As for every environment: `dataset`, `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.
    """

    Task = CalculationTask
    domain = "agent"
    max_turns = 256
    reward_weights = {"correct": 1.0, "derived": 0.0, "answered": 0.0}  # noqa: RUF012

    def __init__(
        self, *, rule: str = "derived", tolerance: float = 1e-9, answer_tolerance: float = 1e-4, **settings: Any
    ) -> None:
        if rule not in ("derived", "outputs"):
            raise ConfigError(f"rule={rule!r}: the rules are 'derived' and 'outputs'")
        for name, value in (("tolerance", tolerance), ("answer_tolerance", answer_tolerance)):
            if not 0 <= value < 0.1:
                raise ConfigError(f"{name}={value}: give a relative difference from 0 to below 0.1")
        super().__init__(**settings)
        self.rule, self.tolerance, self.answer_tolerance = rule, tolerance, answer_tolerance

    def _apply(self, name: str, *given: float) -> dict[str, float]:
        return {"solution": self.task.universe.apply(name, *given)}

    @tool
    def add(self, a: float, b: float) -> dict[str, float]:
        """Add two numbers; a + b."""
        return self._apply("add", a, b)

    @tool
    def subtract(self, a: float, b: float) -> dict[str, float]:
        """Subtract two numbers; a - b."""
        return self._apply("subtract", a, b)

    @tool
    def multiply(self, a: float, b: float) -> dict[str, float]:
        """Multiply two numbers; a * b."""
        return self._apply("multiply", a, b)

    @tool
    def divide(self, a: float, b: float) -> dict[str, float]:
        """Divide two numbers; a / b."""
        return self._apply("divide", a, b)

    @tool
    def power(self, a: float, b: float) -> dict[str, float]:
        """Raise a number to a power; a ** b."""
        return self._apply("power", a, b)

    @tool
    def log(self, a: float, base: float) -> dict[str, float]:
        """Take the logarithm of a number to a base."""
        return self._apply("log", a, base)

    @tool
    def sin(self, radians: float) -> dict[str, float]:
        """Take the sine of an angle in radians."""
        return self._apply("sin", radians)

    @tool
    def cos(self, radians: float) -> dict[str, float]:
        """Take the cosine of an angle in radians."""
        return self._apply("cos", radians)

    @tool
    def negate(self, a: float) -> dict[str, float]:
        """Negate a number; -a."""
        return self._apply("negate", a)

    @tool
    def pi(self) -> dict[str, float]:
        """Return the constant pi."""
        return self._apply("pi")

    @tool
    def return_constant(self, a: float) -> dict[str, float]:
        """Return a number as it is."""
        return self._apply("return_constant", a)

    def verify(self, task: CalculationTask, episode: Episode) -> Verification:
        """Follow the calls from the prompt's numbers to the values, and read the last message."""
        nodes = derivation.outputs(episode.calls)
        strict = self.rule == "derived"
        tolerance = self.tolerance if strict else 0.0
        prompt = "\n".join(message_text(item) for item in task.prompt)
        kept = derivation.derived(nodes, derivation.literals(prompt), tolerance) if strict else nodes
        results = sorted(node[2] for node in kept)
        missing = [value for value in task.values if not derivation.near(results, value, tolerance)]
        steps = [node for tree in task.trees for node in expressions.calls(tree, task.universe)] if strict else []
        missing_steps = derivation.missing(steps, kept, tolerance)
        answered = derivation.stated(episode.last_message, task.values, self.answer_tolerance)
        derived = not missing and not missing_steps
        return Verification(
            rewards={
                "correct": float(derived and (answered or not strict)),
                "derived": float(derived), "answered": float(answered),
            },
            calls=len(nodes), underived_calls=len(nodes) - len(kept), missing_values=missing,
            missing_steps=missing_steps, depth=task.depth, breadth=task.breadth,
        )  # fmt: skip

    def solve(self, task: CalculationTask) -> list[list[Item]]:
        """Evaluate the row's expressions step by step, and state the values."""
        if not task.trees:
            raise DefinitionError("this row has no expressions to evaluate: only generated rows can be solved")
        nodes = [node for tree in task.trees for node in expressions.calls(tree, task.universe)]
        turns = [
            [function_call(name, dict(zip(PARAMETERS[name], given, strict=True)), f"call_{number}")]
            for number, (name, given, _) in enumerate(nodes)
        ]
        return [*turns, [assistant_message("The values are: " + "; ".join(map(repr, task.values)))]]

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: Any) -> dict[str, Any]:
        """Make a row; see `expressions.row` for the knobs."""
        return expressions.row(rng, **knobs)
