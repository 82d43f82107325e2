"""Judges without a model: a comparison of texts and numbers, and verdicts that a test dictates.

They are policies, so that what they say goes the way of every judge's reply. `Comparison` is what environments use
when they are given no model; it knows no synonyms.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from gym_llm.errors import ConfigError
from gym_llm.items import Item, assistant_message
from gym_llm.judges.judge import Judge
from gym_llm.judges.template import EQUIVALENCE, Template
from gym_llm.policies import Policy

MAX_CHARS = 100_000
"""Longest text that is compared, in characters; a longer one is equal to nothing."""
_WRAPPED = re.compile(r"\\(?:boxed|text|textbf|mathrm|mathbf|emph)\{([^{}]*)\}")
_AROUND = "\"'`*_ \t\r\n"
_ARTICLES = re.compile(r"\b(?:the|The|THE|an?)\b(?=\s+\w)|^(?:An?|AN)\b(?=\s+\w)")  # no article: vitamin A, a + b
_RAISED = re.compile("[\u00b2\u00b3\u00b9\u2070\u2074-\u2079]+")
_SPACING = re.compile(r"\\[,;!](?=\d)|\{(?=,\})|(?<=\{,)\}|\\(?=[%$])")
"""What LaTeX puts into numbers: 4{,}210, 4\\,210 and 5\\%."""
_BESIDE_A_FRACTION = re.compile("(?<=\\d)(?=[\u00bc-\u00be\u2150-\u215e])")
_PLAIN = str.maketrans("\u2212\u2013\u2010\u2011\u2044\u2019", "----/'", "$")
"""Fraction slash, minus sign, dashes and the apostrophe as keyboards have them; no dollars."""
_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d{1,40})?(?:\.\d{1,40})?(?:e[+-]?\d{1,2})?(?:/\d{1,40})?%?")


class Comparison(Policy):
    """A judge's policy that compares the parts `reference` and `candidate` by rule.

    Texts are equal when nothing but letter case, Unicode's compatible forms (powers are none), white space, articles,
    LaTeX wrappers and punctuation at the ends tells them apart; numbers when their values differ by no more than the
    tolerance.

    Args:
        tolerance: Greatest difference of two numbers, as a share of the reference.

    >>> import asyncio
    >>> judge = Judge(Comparison())
    >>> asyncio.run(judge(question="?", reference="the Pacific Ocean", candidate="Pacific  ocean.")).label
    'A=B'
    """

    def __init__(self, tolerance: float = 0.0) -> None:
        if not 0 <= tolerance < 1:
            raise ConfigError(f"tolerance={tolerance!r}: give a share of at least 0 and below 1")
        self._tolerance = tolerance

    async def __call__(self, observation: list[Item], info: dict[str, Any]) -> list[Item]:
        """Return the first label for parts that are equal, else the last."""
        parts, labels = info["judge"]["parts"], info["judge"]["labels"]
        if not {"reference", "candidate"} <= parts.keys():
            raise ConfigError(f"the scripted judge compares reference and candidate, and is given {', '.join(parts)}")
        equal = same(parts["reference"], parts["candidate"], self._tolerance)
        return [assistant_message(f"[[{labels[0] if equal else labels[-1]}]]")]

    def spec(self) -> dict[str, Any]:
        """Return the type and the tolerance."""
        return {**super().spec(), "tolerance": self._tolerance}


class _Recital(Policy):
    """Says what it was told to say."""

    def __init__(self, verdicts: Iterable[str] | Callable[[Mapping[str, str]], str]) -> None:
        self._rule = verdicts if callable(verdicts) else None
        self._rest = iter(()) if callable(verdicts) else iter(list(verdicts))

    async def __call__(self, observation: list[Item], info: dict[str, Any]) -> list[Item]:
        label = self._rule(info["judge"]["parts"]) if self._rule else next(self._rest, None)
        if label is None:
            raise ConfigError("the scripted judge has no verdict left")
        return [assistant_message(f"[[{label}]]")]


def scripted_judge(
    verdicts: Iterable[str] | Callable[[Mapping[str, str]], str], template: Template = EQUIVALENCE, **settings: Any
) -> Judge:
    """Return a judge whose verdicts are given, for tests.

    Args:
        verdicts: Labels, one per call; or a function from the parts to a label.
        template: The template.
        **settings: As of `Judge`.

    >>> import asyncio
    >>> judge = scripted_judge(["A!=B"])
    >>> asyncio.run(judge(question="?", reference="x", candidate="x")).label
    'A!=B'
    """
    return Judge(_Recital(verdicts), template, **settings)


def same(reference: str, candidate: str, tolerance: float = 0.0) -> bool:
    """Whether two answers are equal by rule; empty ones never are.

    >>> same("1,000", "1000.0"), same("0.5", "50%"), same("Lima", "Lima or Quito")
    (True, True, False)
    """
    if max(len(reference), len(candidate)) > MAX_CHARS:
        return False
    first, second = normal(reference), normal(candidate)
    if not first or not second:
        return False
    one, other = _value(first), _value(second)
    if one is None or other is None:
        return first == second
    return abs(one - other) <= abs(one) * Fraction(tolerance)


def normal(text: str) -> str:
    """Return a text as it is compared.

    >>> normal("The  vitamin A, 2\u2075 and 2\u00bd")
    'vitamin a, 2^5 and 2 1/2'
    """
    text = _RAISED.sub(r"^\g<0>", _SPACING.sub("", text))  # 2 to the 5th is not 25
    text = _BESIDE_A_FRACTION.sub(" ", text)  # two and a half is not 21/2
    text = unicodedata.normalize("NFKC", text).translate(_PLAIN)
    for _ in range(4):
        text = _WRAPPED.sub(r"\1", text)
    text = text.strip(_AROUND).rstrip(_AROUND + ".;:")
    if text.endswith("!") and not text.rstrip("!")[-1:].isdigit():
        text = text.rstrip("!")
    return " ".join(_ARTICLES.sub("", text).casefold().split())


def _value(text: str) -> Fraction | None:
    """Return the value of a text that is a number, a fraction or a percentage, else None."""
    if len(text) > 90 or not _NUMBER.fullmatch(text):
        return None
    share = 100 if text.endswith("%") else 1
    above, _, below = text.rstrip("%").replace(",", "").partition("/")
    try:
        return Fraction(Decimal(above)) / (int(below) if below else 1) / share
    except (InvalidOperation, ValueError, ZeroDivisionError):
        return None
