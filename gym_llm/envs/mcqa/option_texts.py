"""Options by their texts: the letter whose text an answer is, and the letters whose texts it mentions.

Texts are compared in lower case with white space collapsed. `options` maps letters to texts, in the task's order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

MAX_CHARS = 20_000
"""Longest answer that is compared with option texts, in characters."""
_NUMBER_BEFORE = r"(?<![./^\-\u2212])(?<!\d,)"
_NUMBER_AFTER = r"(?![.,/^]\d)"
_NEGATED = re.compile(r"\b(?:not|never|neither|nor|except|isn't|rather than|instead of)\s+(?:the\s+|an?\s+)?$")


def normal(text: str) -> str:
    """Return the text in lower case, white space collapsed."""
    return " ".join(text.lower().split())


def equal(text: str, options: Mapping[str, str]) -> str | None:
    """Return the first letter whose text the given text is.

    >>> equal("  Carbon   dioxide", {"A": "oxygen", "B": "carbon dioxide"})
    'B'
    """
    if len(text) > MAX_CHARS:
        return None
    wanted = normal(text)
    return next((letter for letter, option in options.items() if wanted == normal(option)), None)


def mentioned(text: str, options: Mapping[str, str]) -> list[str]:
    """Return the letters whose texts stand in the given text as whole words or whole numbers, in their order.

    A text inside a longer option's text does not count ("sodium" in "sodium chloride"), nor one that is negated.

    >>> mentioned("it is 10 m", {"A": "1", "B": "10", "C": "100"})
    ['B']
    """
    if len(text) > MAX_CHARS:
        return []
    text = normal(text)
    texts = {letter: normal(option) for letter, option in options.items()}
    covered: dict[int, int] = {}
    found = set()
    for option in sorted(set(texts.values()), key=len, reverse=True):
        spans = [match.span() for match in _whole(option).finditer(text)] if option else []
        alone = [span for span in spans if covered.get(span[0], -1) < span[1]]
        if any(_NEGATED.search(text, max(0, start - 40), start) is None for start, _ in alone):
            found.add(option)
        for start, stop in alone:
            covered |= {place: max(stop, covered.get(place, 0)) for place in range(start, stop)}
    return [letter for letter, option in texts.items() if option in found]


def _whole(option: str) -> re.Pattern[str]:
    """Return a pattern that finds the option's text, but not inside a longer word or number."""
    before = _NUMBER_BEFORE if option[0].isdigit() else ""
    before += r"(?<!\w)" if _is_word(option[0]) else ""
    after = r"(?!\w)" if _is_word(option[-1]) else ""
    after += _NUMBER_AFTER if option[-1].isdigit() else ""
    return re.compile(before + re.escape(option) + after)


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"
