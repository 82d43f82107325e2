"""New multiple-choice questions: sums with near misses, and facts from a table.

Makes rows for `MCQA.generate`; the facts (chemical elements, capitals) stand in `data/facts.json`.
"""

from __future__ import annotations

import string
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from gym_llm.errors import ConfigError
from gym_llm.items import message

KINDS = ("arithmetic", "facts", "mixed")
_ASKS = {
    "strict_single_letter_boxed": "Answer with the letter of the right option inside \\boxed{}.",
    "lenient_boxed": "Put your choice inside \\boxed{}.",
    "lenient_answer_colon": "End with a line that says Answer: and then the letter, nothing else.",
}


def question(
    rng: np.random.Generator, *, num_options: int = 4, kind: str = "mixed",
    grading_mode: str = "strict_single_letter_boxed",
) -> dict[str, Any]:  # fmt: skip
    """Return a row.

    Args:
        rng: Source of randomness.
        num_options: Options, 2 to 10.
        kind: `arithmetic`, `facts`, or `mixed` for one of them at random.
        grading_mode: One of the three modes that a row may name.

    Raises:
        ConfigError: For a setting out of range.
    """
    if not 2 <= num_options <= 10:
        raise ConfigError(f"num_options={num_options}: give 2 to 10")
    if kind not in KINDS or grading_mode not in _ASKS:
        raise ConfigError(f"kind={kind!r}, grading_mode={grading_mode!r}: give one of {KINDS} and {tuple(_ASKS)}")
    facts = kind == "facts" or (kind == "mixed" and rng.random() < 0.5)
    asked, right, wrong = _fact(rng, num_options) if facts else _sum(rng, num_options)
    texts = [right, *wrong]
    letters = string.ascii_uppercase[:num_options]
    places = rng.permutation(num_options)
    options = {letter: texts[int(place)] for letter, place in zip(letters, places, strict=True)}
    lines = [asked, _ASKS[grading_mode], *(f"{letter}: {text}" for letter, text in options.items())]
    return {
        "responses_create_params": {"input": [message("\n".join(lines))]},
        "options": [{letter: text} for letter, text in options.items()],
        "expected_answer": next(letter for letter, text in options.items() if text == right),
        "grading_mode": grading_mode,
    }


def _sum(rng: np.random.Generator, num_options: int) -> tuple[str, str, list[str]]:
    first, second = (int(number) for number in rng.integers(12, 100, size=2))
    operator = "+-*"[int(rng.integers(3))]
    value = {"+": first + second, "-": first - second, "*": first * second}[operator]
    misses = rng.choice([step for step in range(-20, 21) if step], size=num_options - 1, replace=False)
    asked = f"What is {first} {'x' if operator == '*' else operator} {second}?"
    return asked, str(value), [str(value + int(miss)) for miss in misses]


def _fact(rng: np.random.Generator, num_options: int) -> tuple[str, str, list[str]]:
    tables = _facts()
    ask, facts = list(tables.items())[int(rng.integers(len(tables)))]
    names = [str(name) for name in rng.choice(list(facts), size=num_options, replace=False)]
    return ask.format(names[0]), facts[names[0]], [facts[name] for name in names[1:]]


@cache
def _facts() -> dict[str, dict[str, str]]:
    path = Path(__file__).parent / "data" / "facts.json"
    return msgspec.json.decode(path.read_bytes(), type=dict[str, dict[str, str]])
