"""Rubrics: weighted criteria, each judged on its own, and the score that they add up to.

A criterion that cannot be judged makes the whole rubric an error; nothing is left out or guessed.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from gym_llm.errors import ConfigError
from gym_llm.judges.judge import Judge, Verdict
from gym_llm.judges.making import as_judge
from gym_llm.judges.template import MET

MAX_WEIGHT = 1e9
"""Largest weight of a criterion, above or below 0."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion.

    Attributes:
        text: What a response must do.
        weight: What it counts; below 0 for what a response must not do.
    """

    text: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Rubric:
    """The result of a rubric.

    Attributes:
        score: The weights of the criteria that are met, as a share of all weights above 0; 0 to 1.
        verdicts: One per criterion, in their order.
        met: Whether each criterion is met.
    """

    score: float
    verdicts: tuple[Verdict, ...]
    met: tuple[bool, ...]


class RubricJudge:
    """Judges a response by weighted criteria, all at once.

    Args:
        judge: As `as_judge` takes it; its template, unless it has one of its own with these fields, is `MET`.
        criteria: `Criterion`s, mappings with `text` and `weight`, or texts of weight 1.

    Raises:
        ConfigError: There is no criterion with a weight above 0, or one is malformed.

    >>> from gym_llm.judges import scripted_judge
    >>> judge = scripted_judge(lambda parts: "MET" if parts["criterion"] in parts["candidate"] else "NOT MET", MET)
    >>> rubric = RubricJudge(judge, [{"text": "tea", "weight": 3}, "milk", {"text": "salt", "weight": -2}])
    >>> asyncio.run(rubric(question="What is there?", candidate="tea with salt")).score
    0.25
    """

    def __init__(self, judge: Any, criteria: Sequence[Criterion | Mapping[str, Any] | str]) -> None:
        self.judge: Judge = as_judge(judge, MET)
        if isinstance(criteria, str | Mapping):
            raise ConfigError(f"criteria={criteria!r}: give a list of criteria")
        self.criteria = tuple(map(_criterion, criteria))
        self._total = math.fsum(max(criterion.weight, 0.0) for criterion in self.criteria)
        if not self._total > 0:
            raise ConfigError("a rubric needs at least one criterion with a weight above 0")

    async def __call__(self, *, question: str, candidate: str) -> Rubric:
        """Return the score of a response to a question.

        Raises:
            JudgeError: A criterion could not be judged; the others are given up.
        """
        asked = [
            asyncio.ensure_future(self.judge(question=question, criterion=criterion.text, candidate=candidate))
            for criterion in self.criteria
        ]
        try:
            verdicts = await asyncio.gather(*asked)
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        met = tuple(verdict.label == self.judge.labels[0] for verdict in verdicts)
        earned = math.fsum(criterion.weight for criterion, is_met in zip(self.criteria, met, strict=True) if is_met)
        return Rubric(min(1.0, max(0.0, earned / self._total)), tuple(verdicts), met)


def _criterion(given: Criterion | Mapping[str, Any] | str) -> Criterion:
    if isinstance(given, str):
        given = Criterion(given)
    elif isinstance(given, Mapping):
        if unknown := given.keys() - {"text", "weight"}:
            raise ConfigError(f"a criterion has text and weight, and no {', '.join(map(str, sorted(unknown)))}")
        if "text" not in given:
            raise ConfigError("a criterion needs text")
        given = Criterion(**given)
    if not isinstance(cast(Any, given), Criterion):
        raise ConfigError(f"criterion {given!r}: give its text, or a mapping of text and weight")
    if not isinstance(cast(Any, given.text), str) or not given.text.strip():
        raise ConfigError(f"a criterion's text is {given.text!r}: say what a response must do")
    weight: Any = given.weight
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not abs(weight) <= MAX_WEIGHT:
        raise ConfigError(f"weight={given.weight!r} of {given.text[:60]!r}: give a number, at most {MAX_WEIGHT:g}")
    return given
