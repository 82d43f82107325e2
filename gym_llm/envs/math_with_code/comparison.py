"""Comparing an answer with the expected one: as text and number at once, as mathematics in the pool."""

from __future__ import annotations

from typing import Literal

from gym_llm import pool
from gym_llm.envs.math_with_code import answers
from gym_llm.errors import PoolCrashed, PoolError, PoolTimeout, VerifierError

How = Literal["text", "symbolic", "different", "too_long", "too_slow"]
_SYMBOLIC = "gym_llm.envs.math_with_code.symbolic:equal"


async def compared(answer: str, expected: str, timeout: float) -> tuple[bool, How]:
    """Return whether an answer is right, and how that was found.

    Args:
        answer: What the model gave.
        expected: What is expected.
        timeout: Seconds for the mathematics; an answer that takes longer, or that breaks its process, is wrong.

    Raises:
        VerifierError: The expected answer does so itself, or the machine is too busy to tell.
    """
    if answers.same_text(answer, expected):
        return True, "text"
    if len(answer) > answers.MAX_CHARS:
        return False, "too_long"
    given, wanted = answers.normal(answer), answers.normal(expected)
    if answers.number(given) is not None and answers.number(wanted) is not None:
        return False, "different"
    try:
        right = bool(await pool.default().acall(_SYMBOLIC, given, wanted, timeout=timeout))
    except (PoolTimeout, PoolCrashed):
        await _check(wanted, timeout)
        return False, "too_slow"
    return right, "symbolic" if right else "different"


async def _check(expected: str, timeout: float) -> None:
    """Make sure that it was the answer that took so long."""
    try:
        await pool.default().acall(_SYMBOLIC, expected, expected, timeout=timeout)
    except PoolError as error:
        raise VerifierError(f"expected_result {expected[:200]!r} cannot be compared: {error}") from error
