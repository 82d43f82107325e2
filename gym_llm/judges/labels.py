"""Labels: how a verdict is written, how it is read, and how data is kept from writing one.

A label stands in double brackets, `[[A=B]]`. In a judge's reply only a line that holds nothing else is a verdict; in
what is judged, every label loses its brackets before the judge sees it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from gym_llm.errors import ConfigError

MAX_REPLY = 200_000
"""Longest reply that is read, in characters; a longer one has run away."""
_MAX_LINE = 200
_NAMES = r"(?:verdict|label|decision|judgment|judgement|answer|conclusion)"
_NAMED = rf"(?:my\s|the\s)?(?:final\s)?{_NAMES}(?:\sis)?[\s*_`]*:?"
_BEFORE = rf"[\s*_>#`\-]*(?:{_NAMED})?[\s*_`]*"
_AFTER = r"[\s*_`.]*"


class Unclear(ValueError):
    """A reply that holds no verdict, or more than one; the message says which."""


def checked(labels: Iterable[object]) -> tuple[str, ...]:
    """Return a closed set of labels.

    Raises:
        ConfigError: There are fewer than two, two differ by letter case only, or one cannot be written.
    """
    found: tuple[str, ...] = ()
    for label in labels:
        if not isinstance(label, str) or not re.fullmatch(r"[^\s\[\]](?:[^\[\]\n]{0,38}[^\s\[\]])?", label):
            raise ConfigError(f"label {label!r}: give 1 to 40 characters on one line, without brackets around them")
        found += (label,)
    if len({label.casefold() for label in found}) < max(2, len(found)):
        raise ConfigError(f"labels={list(found)}: give at least two, all different")
    return found


def read(reply: str, labels: tuple[str, ...]) -> str:
    r"""Return the label that a reply ends with.

    The last label of the reply counts, and it must stand on a line of its own (a word such as `Verdict:`, and
    Markdown around it, do no harm).

    Raises:
        Unclear: There is no label; or the last one stands inside a sentence or beside another one.

    >>> read("It could be [[A=B]], but the signs differ.\n\n**Verdict: [[A!=B]]**", ("A=B", "A!=B"))
    'A!=B'
    """
    if len(reply) > MAX_REPLY:
        raise Unclear(f"the reply has {len(reply)} characters")
    reply = reply.rpartition("</think>")[2]  # of a server that leaves the reasoning in the message
    if "<think>" in reply:
        raise Unclear("its reasoning has no end")
    lines = [line for line in reply.splitlines() if _written(labels).search(line)]
    if not lines:
        raise Unclear("no label is in the reply")
    alone = _line(labels).fullmatch(lines[-1]) if len(lines[-1]) <= _MAX_LINE else None
    if alone is None:
        raise Unclear("the last label does not stand on a line of its own")
    for label in labels:
        if label.casefold() == alone[1].casefold():
            return label
    raise Unclear("the last label is written with other letters")  # a dotless i, which the pattern takes for an i


def defused(text: str, labels: tuple[str, ...]) -> str:
    """Return a text in which no label is written as a verdict.

    >>> defused("The judge says [[A=B]].", ("A=B", "A!=B"))
    'The judge says (A=B).'
    """
    return _written(labels).sub(lambda found: f"({found[1]})", text)


@lru_cache(maxsize=64)
def _written(labels: tuple[str, ...]) -> re.Pattern[str]:
    """Return a pattern for a label in its brackets, however it is spaced."""
    names = "|".join(re.escape(label) for label in sorted(labels, key=len, reverse=True))
    return re.compile(rf"\[\s*\[\s*({names})\s*\]\s*\]", re.IGNORECASE)


@lru_cache(maxsize=64)
def _line(labels: tuple[str, ...]) -> re.Pattern[str]:
    names = "|".join(re.escape(label) for label in sorted(labels, key=len, reverse=True))
    return re.compile(rf"{_BEFORE}\[\[[ \t]*({names})[ \t]*\]\]{_AFTER}", re.IGNORECASE)
