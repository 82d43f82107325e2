"""New questions with short answers: units, times of day, words spelled backwards.

Makes rows for `EquivalenceLLMJudge.generate`; every answer is computed exactly and stands nowhere in its question.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gym_llm.errors import ConfigError, did_you_mean
from gym_llm.items import message

_ASK = "Give the answer inside \\boxed{}, and nothing else in the box."
_REGEX = r"\\boxed\{(.*?)\}"
_UNITS = (("kilometres", "metres", 1000), ("hours", "minutes", 60), ("kilograms", "grams", 1000), ("weeks", "days", 7))
_WORDS = (
    "lantern", "harvest", "compass", "orchard", "granite", "whistle", "blanket", "feather", "cabinet", "thunder",
    "meadow", "saddle", "pepper", "violin", "anchor", "copper", "window", "basket", "velvet", "marble",
)  # fmt: skip


def row(rng: np.random.Generator, *, kind: str = "mixed") -> dict[str, Any]:
    """Return a row.

    Args:
        rng: Source of randomness.
        kind: A key of `KINDS`, or `mixed` for any of them at random.

    Raises:
        ConfigError: For an unknown kind.
    """
    if kind != "mixed" and kind not in KINDS:
        raise ConfigError(f"kind={kind!r}: give mixed, {', '.join(KINDS)}.{did_you_mean(kind, [*KINDS, 'mixed'])}")
    chosen = list(KINDS)[int(rng.integers(len(KINDS)))] if kind == "mixed" else kind
    question, answer = KINDS[chosen](rng)
    return {
        "responses_create_params": {"input": [message(f"{question}\n{_ASK}")]},
        "question": question,
        "expected_answer": answer,
        "template_metadata": {"output_regex": _REGEX},
    }


def _units(rng: np.random.Generator) -> tuple[str, str]:
    large, small, factor = _UNITS[int(rng.integers(len(_UNITS)))]
    number = int(rng.integers(15, 400))
    return f"How many {small} are {number} {large}? Answer with the number.", str(number * factor)


def _clock(rng: np.random.Generator) -> tuple[str, str]:
    start, minutes = int(rng.integers(0, 24 * 60)), int(rng.integers(35, 700))
    end = (start + minutes) % (24 * 60)
    asked = (
        f"A clock shows {start // 60:02}:{start % 60:02}. What does it show {minutes} minutes later? Answer as HH:MM."
    )
    return asked, f"{end // 60:02}:{end % 60:02}"


def _spelling(rng: np.random.Generator) -> tuple[str, str]:
    words = [_WORDS[int(place)] for place in rng.choice(len(_WORDS), size=2, replace=False)]
    asked = f"Write the words '{words[0]} {words[1]}' backwards, letter by letter, as two words."
    return asked, " ".join(words)[::-1]


KINDS: dict[str, Callable[[np.random.Generator], tuple[str, str]]] = {
    "units": _units,
    "clock": _clock,
    "spelling": _spelling,
}
"""The kinds of questions by name."""
