r"""Finding the answer in a model's text: the last `\boxed{...}`, or the text where there is none.

Pure functions on the standard library, linear in the text's length. Whether an answer is right is not decided here.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from gym_llm.items import Item, is_assistant_message

MAX_CHARS = 10_000
"""Longest answer that is compared, in characters; of a text without a box, its end."""
_BOX = re.compile(r"\\(?:boxed|fbox)\s{0,3}\{")
_STEPS = bytes({0x7B: 1, 0x7D: 255}.get(code, 0) for code in range(256))
_ESCAPED = re.compile(r"\\[\\{}]")
_INTEGER = re.compile(r"[+-]?(?:\d{1,30}|\d{1,3}(?:(?:,|\{,\})\d{3}){1,8})")
_SEVERAL = re.compile(
    r"[\d)}\]][ \t]{0,3}(?:[,;][ \t]{1,3}(?:(?:or|and)[ \t]{1,3})?|[ \t](?:or|and)[ \t]{1,3})"
    r"(?:[a-zA-Z][ \t]?=[ \t]?)?[+-]?\d[\d.,/]{0,30}[^\w\n]{0,10}\s{0,20}$"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer was taken to be.

    Attributes:
        text: The answer; empty when there is none.
        boxed: Whether it stood in a box.
        reason: Where it was found, or why there is none.
    """

    text: str
    boxed: bool
    reason: str


def said(action: Iterable[Item]) -> str:
    """Return the texts of an action's messages, joined without separator; refusals are none."""
    parts: list[str] = []
    for item in action:
        content = item.get("content", "") if is_assistant_message(item) else ""
        if isinstance(content, str):
            parts.append(content)
        else:
            parts += [part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)]
    return "".join(parts)


def found(text: str, gold: str) -> Answer:
    r"""Return the answer in a text.

    Args:
        text: What the model said.
        gold: The expected answer; only looked at to tell whether an answer may be a list.

    >>> found(r"First \boxed{3}, no: \boxed{\frac{1}{2}}.", "4").text
    '\\frac{1}{2}'
    >>> found("It is 3 or 5", "5")
    Answer(text='', boxed=False, reason='the text ends with several values')
    """
    if not text.strip():
        return Answer("", False, "the message is empty")
    box = last_box(text)
    if box is not None:
        if not box.strip() or len(box) > MAX_CHARS:
            return Answer("", False, "the last box is empty" if len(box) <= MAX_CHARS else "the last box is too long")
        return Answer(box.strip(), True, "the last box")
    text = text.strip()[-MAX_CHARS:]
    if _SEVERAL.search(text, max(0, len(text) - 200)) and not re.search(r",|;|\bor\b|\band\b", gold):
        return Answer("", False, "the text ends with several values")
    return Answer(text, False, "the whole text: there is no box")


def last_box(text: str) -> str | None:
    r"""Return what stands in the last `\boxed{...}`, braces counted; None when there is none, or it is not closed."""
    start = 0
    for box in _BOX.finditer(text):
        start = box.end()
    if not start:
        return None
    # One signed byte for each character, summed in C: 5 MB of braces take a tenth of a second.
    bare_braces = _ESCAPED.sub("  ", text[start:])
    steps = bare_braces.encode("latin-1", "replace").translate(_STEPS)
    try:
        length = operator.indexOf(accumulate(memoryview(steps).cast("b"), initial=1), 0)
    except ValueError:
        return None
    content = text[start : start + length - 1]
    inner = last_box(content) if content.lstrip().startswith("\\boxed") else None
    return content if inner is None else inner


def bare(gold: str) -> str:
    r"""Return an expected answer without what marks it as mathematics.

    >>> bare(r" \(42\) "), bare("$x$")
    ('42', 'x')
    """
    gold = gold.strip()
    if gold.startswith("\\(") and gold.endswith("\\)") and len(gold) >= 4:
        gold = gold[2:-2].strip()
    if len(gold) > 1 and gold.startswith("$") and gold.endswith("$"):
        gold = gold.strip("$").strip()
    return gold


def integer(text: str) -> int | None:
    """Return the value of a text that is a whole number and nothing else, else None.

    >>> integer("1,024"), integer("-7"), integer("3.0")
    (1024, -7, None)
    """
    text = text.strip().strip("$").strip()
    if not text.isascii() or not _INTEGER.fullmatch(text):
        return None
    return int(text.replace("{,}", "").replace(",", ""))
