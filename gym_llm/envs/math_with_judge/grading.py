"""Grading an answer without a judge: whole numbers at once, everything else by math-verify in the pool.

A comparison that hangs or kills its process is a wrong answer when the expected one alone does no harm; otherwise
the row is at fault and there is no grade.
"""

from __future__ import annotations

from dataclasses import dataclass

from gym_llm import pool
from gym_llm.envs.math_with_judge.answers import Answer, integer
from gym_llm.errors import PoolCrashed, PoolError, PoolTimeout, VerifierError

_MODULE = "gym_llm.envs.math_with_judge.symbolic"
_MAX_KNOWN = 10_000
_LEAST_SECONDS = 2.0  # for the expected answer alone: a busy machine is no reason to find it at fault
_known: dict[tuple[str, str, bool], Grade] = {}


@dataclass(frozen=True, slots=True)
class Grade:
    """What a comparison found.

    Attributes:
        equal: Whether the two are mathematically equal.
        extracted: The answer as it was read, or None.
        problem: Why it could not be read or compared, or None.
        readable: Whether the expected answer is mathematics.
    """

    equal: bool
    extracted: str | None
    problem: str | None = None
    readable: bool = True


async def grade(gold: str, answer: Answer, timeout: float) -> Grade:
    """Compare an answer with the expected one.

    Args:
        gold: The expected answer, bare.
        answer: The answer.
        timeout: Seconds for the comparison.

    Raises:
        VerifierError: The expected answer cannot be compared with anything.
    """
    if not answer.text:
        return Grade(False, None, answer.reason)
    wanted, given = integer(gold), integer(answer.text)
    if wanted is not None and given is not None:
        return Grade(wanted == given, str(given))
    key = (gold, answer.text, answer.boxed)
    if key not in _known:
        made = await _compared(gold, answer, timeout)
        if made.problem is not None:
            return made
        if len(_known) >= _MAX_KNOWN:
            _known.clear()
        _known[key] = made
    return _known[key]


async def _compared(gold: str, answer: Answer, timeout: float) -> Grade:
    call = pool.default().acall
    try:
        result = await call(f"{_MODULE}:compared", gold, answer.text, answer.boxed, timeout=timeout)
    except (PoolTimeout, PoolCrashed) as error:
        await _check(gold, max(timeout, _LEAST_SECONDS))
        problem = f"took longer than {timeout:g} seconds" if isinstance(error, PoolTimeout) else "ended its process"
        return Grade(False, None, f"comparing it {problem}")
    return Grade(result["equal"], result["extracted"], readable=result["readable"])


async def _check(gold: str, timeout: float) -> None:
    """Make sure that it is not the expected answer that hangs."""
    try:
        await pool.default().acall(f"{_MODULE}:compared_with_numbers", gold, timeout=timeout)
    except PoolError as error:
        raise VerifierError(f"expected_answer {gold[:200]!r} cannot be compared: {error}") from error
