"""Which instructions a text follows, strictly and loosely. What is paid for it, the environment says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gym_llm.envs.instruction_following.registry import IFBENCH, PUBLISHED, Instruction

Asked = Sequence[tuple[Instruction, dict[str, Any]]]

MAX_CHARS = 400_000
"""A longer text follows nothing: no row asks for as much, and checking it would take seconds."""


@dataclass(frozen=True, slots=True)
class Following:
    """Which of a row's instructions a text follows, in the row's order.

    Attributes:
        strict: As the text stands.
        loose: As it stands, or without its first or last line, or without asterisks.
        problem: Why nothing is followed whatever the text, or None.
    """

    strict: list[bool]
    loose: list[bool]
    problem: str | None = None


def grade(asked: Asked, text: str, *, compat: bool = False) -> Following:
    """Check a text. A blank one follows nothing, so that silence is never paid.

    Args:
        asked: The instructions with their arguments.
        text: What the model said.
        compat: Check as the original libraries do, which also look at a blank text, but for IFBench's instructions.
    """
    problem = None
    if not text.strip() and not (compat and all(instruction.source != IFBENCH for instruction, _ in asked)):
        problem = "the response is empty"
    elif len(text) > MAX_CHARS:
        problem = f"the response has {len(text)} characters; more than {MAX_CHARS} are not checked"
    if problem:
        return Following([False] * len(asked), [False] * len(asked), problem)
    strict = strictly(asked, text, compat=compat)
    loose = list(strict)
    for variant in variants(text)[1:] if not all(strict) else []:
        left = [place for place, followed in enumerate(loose) if not followed]
        if left and variant.strip():
            again = strictly([asked[place] for place in left], variant, compat=compat)
            for place, followed in zip(left, again, strict=True):
                loose[place] = followed
    return Following(strict, loose)


def strictly(asked: Asked, text: str, *, compat: bool = False) -> list[bool]:
    """Return which instructions a text follows as it stands; a blank text is looked at like any other."""
    return [
        (PUBLISHED.get(instruction.id, instruction.check) if compat else instruction.check)(text, **arguments)
        for instruction, arguments in asked
    ]


def variants(text: str) -> list[str]:
    r"""Return the eight texts of IFEval's loose score, without repetition, the text itself first.

    >>> variants("Sure!\n*Yes*")
    ['Sure!\n*Yes*', 'Sure!\nYes', '*Yes*', 'Sure!', '', 'Yes']
    """
    lines = text.split("\n")
    cut = ["\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1])]
    every = [text, text.replace("*", ""), *cut, *(part.replace("*", "") for part in cut)]
    return list(dict.fromkeys(every))
