"""The row: a problem and its answer. NeMo Gym's rows load unchanged."""

from __future__ import annotations

from gym_llm.tasks import Task


class MathTask(Task):
    """A problem.

    Attributes:
        expected_result: The answer, plain or as LaTeX.
        expected_code_contains: Accepted, and not looked at, as in NeMo Gym.
        reference_code: Python whose last value is the answer, for `solve`.
    """

    expected_result: str
    expected_code_contains: str = ""
    reference_code: str | None = None
