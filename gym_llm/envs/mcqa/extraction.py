r"""Finding the answer letter in a model's text: pure functions on the standard library.

`extract` applies a grading mode and `custom` judges what a row's own regex found. The result says what was found
and why: a letter, several (ambiguous), or none. Linear in the text's length. It compares with no expected answer.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from gym_llm.envs.mcqa.boxes import NoBox, last_box, unwrapped
from gym_llm.envs.mcqa.option_texts import equal, mentioned
from gym_llm.envs.mcqa.scripts import latin

Options = Mapping[str, str]
Kind = Literal["letter", "ambiguous", "none"]
MAX_PAYLOADS = 1000
"""How many `Answer:` lines are looked at, from the last."""

_PADDED = re.compile(r"[^A-Za-z]*([A-Z])[^A-Za-z]*")
_SMALL = re.compile(r"[\W_]*([a-z])[\W_]*")
_LABEL = re.compile(r"([A-Z])\s*[:).\-]")
_COLON = re.compile(r"answer\s*:\s*", re.IGNORECASE)
_MD_COLON = re.compile(r"Answer[*_]{0,2}\s*:[*_\s]{0,2}(.+)", re.IGNORECASE)
_MD_PADDING = "*_` \t\n.,;:"
_LEADING = re.compile(r"([a-zA-Z])(?![a-zA-Z0-9])")
_CAPITAL = re.compile(r"(?<![A-Za-z])([A-Z])(?![A-Za-z])")


@dataclass(frozen=True, slots=True)
class Extraction:
    """What an answer was taken to be.

    Attributes:
        kind: `letter`, `ambiguous` (several answers where one is meant) or `none`.
        letter: The upper-case letter when `kind` is `letter`.
        reason: Where it was found, or why there is none.
    """

    kind: Kind
    letter: str | None
    reason: str


def extract(mode: str, text: str, options: Options) -> Extraction:
    r"""Find the answer letter by a grading mode.

    Args:
        mode: A key of `MODES`.
        text: What the model said.
        options: Texts by upper-case letter.

    >>> extract("strict_single_letter_boxed", r"So \boxed{B}.", {"A": "no", "B": "yes"})
    Extraction(kind='letter', letter='B', reason='the letter in the last box')
    """
    if not text.strip():
        return nothing("the message is empty")
    return MODES[mode](text.strip(), options)


def custom(match: str, options: Options) -> Extraction | None:
    """Judge what a row's own regex matched; None when it names no option, so that the search goes on.

    A letter that is no option ends the search without an answer. Without options every letter is one.
    """
    letter = latin(match.strip()).strip().upper()
    if len(letter) == 1 and letter.isalpha():
        if options and letter not in options:
            return nothing(f"the regex matched {letter}, which is no option")
        return _letter(letter, "the match of the regex")
    named = equal(match, options)
    return _letter(named, "the option text that the regex matched") if named else None


def nothing(reason: str) -> Extraction:
    """Return that there is no answer."""
    return Extraction("none", None, reason)


def _letter(letter: str, reason: str) -> Extraction:
    return Extraction("letter", letter, reason)


def _strict_boxed(text: str, options: Options) -> Extraction:
    try:
        content = unwrapped(last_box(text))
    except NoBox as error:
        return nothing(str(error))
    found = _PADDED.fullmatch(content) or _SMALL.fullmatch(content) or _LABEL.match(content)
    if found is None:
        return nothing("the last box holds no single letter")
    letter = found[1].upper()
    return _letter(letter, "the letter in the last box") if letter in options else nothing(f"{letter} is no option")


def _lenient_boxed(text: str, options: Options) -> Extraction:
    strict = _strict_boxed(text, options)
    if strict.letter:
        return strict
    try:
        letters = mentioned(unwrapped(last_box(text)), options)
    except NoBox:
        return strict
    if len(letters) == 1:
        return _letter(letters[0], "the option text in the last box")
    if letters:
        return Extraction("ambiguous", None, f"the last box names the options {', '.join(letters)}")
    return nothing(f"{strict.reason}, nor the text of an option")


def _answer_colon(text: str, options: Options) -> Extraction:
    payloads = list(_colon_payloads(text))
    for payload in reversed(payloads):
        content = unwrapped(payload)
        letter = content.upper()
        if len(content) == 1 and content.isalpha() and letter in options:
            return _letter(letter, "the letter after 'Answer:'")
        if named := equal(content, options):
            return _letter(named, "the option text after 'Answer:'")
    return nothing("what follows 'Answer:' is no option" if payloads else "there is no 'Answer:'")


def _colon_payloads(text: str) -> Iterator[str]:
    """Yield what follows the last `answer:` of each line, in order."""
    places: deque[tuple[int, int]] = deque(maxlen=MAX_PAYLOADS)
    end = -1
    for found in _COLON.finditer(text):
        start = found.end()
        if start > end:
            end = text.find("\n", start)
            end = len(text) if end < 0 else end
        elif places:
            places.pop()
        places.append((start, end))
    return (text[start:stop] for start, stop in places if start < stop)


def _answer_colon_md(text: str, options: Options) -> Extraction:
    payloads = deque(_MD_COLON.finditer(text), maxlen=MAX_PAYLOADS)
    problems = []
    for found in reversed(payloads):
        payload = latin(found[1]).strip().strip(_MD_PADDING)
        result = _md_payload(payload, options)
        if result.letter:
            return result
        problems.append(result)
    return problems[0] if problems else nothing("there is no 'Answer:'")


def _md_payload(payload: str, options: Options) -> Extraction:
    if several := _several("".join(options)).search(payload) if options else None:
        return Extraction("ambiguous", None, f"'Answer:' is followed by {several[1]} and {several[2]}")
    leading = _LEADING.match(payload)
    if leading is None:  # the last capital is the first one from behind
        leading = _CAPITAL.search(payload[::-1])
    letter = leading[1].upper() if leading else payload[:2].upper()
    if letter not in options:
        return nothing("what follows 'Answer:' is no option")
    return _letter(letter, "the letter after 'Answer:'")


@lru_cache(maxsize=256)
def _several(letters: str) -> re.Pattern[str]:
    """Return a pattern for two different letters with nothing between them but what separates a list."""
    group = f"([{re.escape(letters)}])"
    gap = r"[\s/|&,;]++(?:(?:or|and)[\s/|&,;]++){0,2}"
    return re.compile(rf"(?<![A-Za-z]){group}{gap}(?!\1){group}(?![A-Za-z])", re.IGNORECASE)


MODES: dict[str, Callable[[str, Options], Extraction]] = {
    "strict_single_letter_boxed": _strict_boxed,
    "lenient_boxed": _lenient_boxed,
    "lenient_answer_colon": _answer_colon,
    "lenient_answer_colon_md": _answer_colon_md,
}
"""The grading modes by name; the last one is a setting of the environment only, never of a row."""
