"""Option labels of other scripts as Latin letters: the Arabic, Bengali, full-width ... A, B, C, D.

The first three scripts are replaced wherever they stand, as NeMo Gym's grader does; the others only where they
stand alone, so that words in those scripts stay words.
"""

from __future__ import annotations

import re

_ANYWHERE = {
    label: f" {letter}"
    for labels in ("أبجد", "অবডঢ", "ＡＢＣＤ")  # noqa: RUF001 - Arabic, Bengali, full-width
    for label, letter in zip(labels, "ABCD", strict=True)
}
_ALONE = {
    label: letter
    for labels in (
        "甲乙丙丁",  # Chinese
        "アイウエ",  # Japanese
        "가나다라",  # Korean
        "कखगघ",  # Devanagari
        "กขคง",  # Thai
        "אבגד",  # Hebrew
    )
    for label, letter in zip(labels, "ABCD", strict=True)
} | {chr(0xFF21 + number): chr(0x41 + number) for number in range(4, 26)}
_MAX_CHARS = 100_000
_MARKS = "\u0900-\u097f\u0e00-\u0e7f"  # vowel signs, which `\w` leaves out
_LABEL = re.compile(f"(?<![\\w{_MARKS}])[{''.join(_ALONE)}](?![\\w{_MARKS}])")


def latin(text: str) -> str:
    """Return the text with option labels of other scripts as Latin capitals.

    >>> latin("Answer: ب"), latin("Answer: 丙"), latin("甲状腺")
    ('Answer:  B', 'Answer: C', '甲状腺')
    """
    if text.isascii():
        return text
    for label, letter in _ANYWHERE.items():
        text = text.replace(label, letter)
    if len(text) > _MAX_CHARS:
        return text
    return _LABEL.sub(lambda found: _ALONE[found.group()], text)
