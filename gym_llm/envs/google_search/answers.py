r"""Reading the answer in the last `\boxed{}` of a message, and comparing it with the expected one.

A letter is compared as a letter, any other answer as text without case and punctuation. Linear in the text's length.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_OPENING = "\\boxed{"
_BRACE = re.compile(r"[{}]")
_WRAPPER = re.compile(
    r"\s*\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mathsf|boldsymbol)\{(.*)\}\s*", re.DOTALL
)
_LABELLED = re.compile(r"([A-Za-z])\s*[:).](?!.*(?<!\w)(?:[A-Z]|[b-hj-z])(?!\w)).*", re.DOTALL)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_PADDING = " \t\r\n.,:;()[]*_$\"'"
_WORD = re.compile(r"(?:(?<![\w-])-)?\d+(?:[./]\d+)*%?(?!\w)|\w+")
"""A word, or a number with what changes its value: -5, 3.5, 1/2 and 5% are not 5."""
_DASHES = str.maketrans("\u2212\u2013\u2010\u2011\u2044", "----/")
_SPACING = re.compile(r"\\[,;!](?=\d)|\{(?=,\})|(?<=\{,)\}|\\(?=[%$])")
"""What LaTeX puts into numbers: 4{,}210, 4\\,210 and 5\\%."""
_RAISED = re.compile("[\u00b2\u00b3\u00b9\u2070\u2074-\u2079]+")
MAX_ANSWERS = 2
"""Different answers that a message may put in boxes; one that boxes more is guessing, and has none."""
_MAX_BOXES = 100
_MAX_ANSWER = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What a message was taken to answer.

    Attributes:
        text: The answer, None when there is none.
        reason: Where it was found, or why there is none.
    """

    text: str | None
    reason: str


def extract(message: str) -> Answer:
    r"""Return the answer in a message's last box.

    >>> extract(r"Not \boxed{A}. It is \boxed{\text{ B }}").text
    'B'
    """
    boxes = _boxes(message)
    if not boxes:
        return Answer(None, "there is no \\boxed{}")
    if boxes[-1] is None:
        return Answer(None, "the last \\boxed{ is not closed")
    if len({_folded(box) for box in boxes if box is not None}) > MAX_ANSWERS or len(boxes) >= _MAX_BOXES:
        return Answer(None, f"more than {MAX_ANSWERS} different answers are boxed")
    text = _unwrapped(boxes[-1])
    return Answer(text, "the last box") if text else Answer(None, "the last box is empty")


def is_right(answer: str, expected: str) -> bool:
    """Whether an answer is the expected one.

    >>> is_right("b) the heron", "B"), is_right("the  Old-Mill", "Old Mill"), is_right("Mill", "Old Mill")
    (True, True, False)
    """
    if len(answer) > _MAX_ANSWER:
        return False
    expected = expected.strip()
    if len(expected) == 1 and expected.isalpha():
        found = _LABELLED.fullmatch(answer)
        letter = found[1] if found else answer.strip(_PADDING)
        return letter.upper() == expected.upper()
    return bool(_folded(expected)) and _folded(answer) == _folded(expected)


def _boxes(message: str) -> list[str | None]:
    """Return the contents of the last boxes, None for one that is not closed; boxes inside a box are passed over."""
    found: list[str | None] = []
    start = message.find(_OPENING)
    while start >= 0:
        content = start + len(_OPENING)
        depth, end = 1, -1
        for brace in _BRACE.finditer(message, content):
            depth += 1 if brace[0] == "{" else -1
            if depth == 0:
                end = brace.start()
                break
        if end < 0:
            return [*found, None]
        found.append(message[content:end])
        if len(found) >= _MAX_BOXES:
            return found
        start = message.find(_OPENING, end)
    return found


def _unwrapped(text: str) -> str:
    for _ in range(8):
        inner = _WRAPPER.fullmatch(text)
        if inner is None:
            break
        text = inner[1]
    return text.strip()


def _folded(text: str) -> str:
    raised = _RAISED.sub(r" power \g<0>", _SPACING.sub("", text[:_MAX_ANSWER]))
    plain = _THOUSANDS.sub("", unicodedata.normalize("NFKC", raised).translate(_DASHES).casefold())
    words = _WORD.findall(plain)
    return " ".join(words[1:] if len(words) > 1 and words[0] in ("the", "a", "an") else words)
