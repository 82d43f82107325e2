"""The most that an answer can be worth, for the datasets whose scorers pay wrong answers in full.

Found by giving every scorer of reasoning-gym 0.1.25 the same wrong answers. Nothing here pays more than a scorer does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any


def most(name: str, answer: str, entry: dict[str, Any]) -> float:
    """Return the most that an answer to an entry of a dataset may be paid; 1 where the scorer is to be trusted.

    >>> most("game_of_life_halting", "x", {"answer": "True"}), most("leg_counting", "x", {"answer": "4"})
    (0.0, 1.0)
    """
    return _MOST[name](answer, entry) if name in _MOST else 1.0


def _game_of_life_halting(answer: str, entry: dict[str, Any]) -> float:
    """Compare the words: the scorer takes every text for true, "False" too."""
    return float(answer.strip(" \t\n.\"'").lower() == str(entry["answer"]).lower())


def _coin_flip(answer: str, entry: dict[str, Any]) -> float:
    """Pay a beginning of the number by its share: the scorer pays "0" for 0.246 in full."""
    try:
        own, right = (float(Fraction(text.replace(",", ""))) for text in (answer, entry["answer"]))
    except (ValueError, OverflowError, ZeroDivisionError):
        return 0.0
    if abs(own - right) <= 1e-4:
        return 1.0
    lengths = sorted(len(f"{number:.10g}") for number in (own, right))
    return lengths[0] / lengths[1] if lengths[0] < lengths[1] else 0.9


def _gsm_symbolic(answer: str, entry: dict[str, Any]) -> float:
    """Look at the sign, which the scorer does not see."""
    found = re.search(r"-?\d[\d,]*(?:\.\d+)?", answer.replace("\u2212", "-"))
    negative = found is not None and found[0].startswith("-") and not answer[: found.start()][-1:].isalnum()
    return 1.0 if negative == str(entry["answer"]).startswith("-") else 0.01


def _puzzle24(answer: str, entry: dict[str, Any]) -> float:
    """Ask for the puzzle's own four numbers: the scorer takes any four."""
    return 1.0 if sorted(map(int, re.findall(r"\d+", answer))) == sorted(entry["metadata"]["numbers"]) else 0.01


def _spell_backward(answer: str, entry: dict[str, Any]) -> float:
    """Pay the word with more behind it 0.8, as the scorer means to do where its sums are exact."""
    return 1.0 if answer.lower() == entry["answer"].lower() else 0.8


_MOST: dict[str, Callable[[str, dict[str, Any]], float]] = {
    "game_of_life_halting": _game_of_life_halting, "coin_flip": _coin_flip, "gsm_symbolic": _gsm_symbolic,
    "puzzle24": _puzzle24, "spell_backward": _spell_backward,
}  # fmt: skip
