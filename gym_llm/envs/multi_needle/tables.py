"""Procedural tasks: a table of terms with their synonyms, a question that names one term, and lines that mislead.

Makes rows for `MultiNeedle.generate`. The words stand in `data/synonyms.txt`: one term a line, then its synonyms.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gym_llm.errors import ConfigError
from gym_llm.items import message

_NEAR_MISSES = ("Almost {}", "Not {}", "Formerly {}", "{} Enough", "Half {}", "Hardly {}", "Too {}", "{} Once")
_QUERIES = (
    "What values go with {}?", "I am looking for {}. Which values belong to it?",
    "Please collect the values for the entry {}.", "How would you put {} in numbers?",
)  # fmt: skip
_RULES = """You look terms up in the table below. Each line gives a term and one of its synonyms.
The user names a term. Do this, and nothing else:
1. Find every line whose term is exactly the one that the user names.
2. Call get_synonym_value once for each synonym on those lines, from the top of the table to the bottom.
   Do not look the term itself up.
3. Call extract_synonym_values once with all values, in that order.

For example, when the table has the lines "Blurry -> Hazy", "Quite Blurry -> Foggy" and "Blurry -> Vague", and
the user names Blurry, look up Hazy, then Vague, and submit their two values in this order.

"""


def value(text: str) -> int:
    """Return the sum of a text's Unicode code points, which is its value.

    >>> value("Cold")
    386
    """
    return sum(map(ord, text))


def row(
    rng: np.random.Generator, *, num_terms: int = 30, num_synonyms: int = 3, distractors: float = 0.2
) -> dict[str, Any]:
    """Return a row.

    Args:
        rng: Source of randomness.
        num_terms: Terms in the table, 1 to 100.
        num_synonyms: Synonyms of the term that is asked for, 1 to 6; the others have 1 to 6.
        distractors: Lines with a near miss of the term ("Not Cold"), as a share of all other lines, 0 to 1.

    Raises:
        ConfigError: For a knob out of range.
    """
    words = _words()
    if not (1 <= num_terms <= len(words) and 1 <= num_synonyms <= 6 and 0 <= distractors <= 1):
        raise ConfigError(
            f"num_terms={num_terms}, num_synonyms={num_synonyms}, distractors={distractors}: "
            f"give 1 to {len(words)}, 1 to 6 and 0 to 1"
        )
    terms = [str(term) for term in rng.choice(list(words), size=num_terms, replace=False)]
    target = terms[0]
    lines = [(target, synonym) for synonym in _some(rng, words[target], num_synonyms)]
    for term in terms[1:]:
        lines += [(term, synonym) for synonym in _some(rng, words[term], int(rng.integers(1, 7)))]
    lines += _misleading(rng, target, round(distractors * len(lines)))
    lines = [lines[int(place)] for place in rng.permutation(len(lines))]
    expected = [synonym for term, synonym in lines if term == target]
    table = "\n".join(f"{term} -> {synonym}" for term, synonym in lines)
    asked = _QUERIES[int(rng.integers(len(_QUERIES)))].format(target)
    return {
        "id": int(rng.integers(1 << 31)),
        "responses_create_params": {
            "input": [message(_RULES + table, "system"), message(asked)], "parallel_tool_calls": False,
        },
        "expected_synonyms": expected,
        "expected_synonym_values": [value(synonym) for synonym in expected],
        "minefield_label": target,
        "minefield_label_value": value(target),
    }  # fmt: skip


def _some(rng: np.random.Generator, synonyms: tuple[str, ...], number: int) -> list[str]:
    return [str(synonym) for synonym in rng.choice(synonyms, size=number, replace=False)]


def _misleading(rng: np.random.Generator, target: str, number: int) -> list[tuple[str, str]]:
    """Return lines whose terms only look like the target, with synonyms of any term."""
    words = list(_words().values())
    lines = []
    for _ in range(number):
        synonyms = words[int(rng.integers(len(words)))]
        pattern = _NEAR_MISSES[int(rng.integers(len(_NEAR_MISSES)))]
        lines.append((pattern.format(target), synonyms[int(rng.integers(len(synonyms)))]))
    return lines


@cache
def _words() -> dict[str, tuple[str, ...]]:
    text = (Path(__file__).parent / "data" / "synonyms.txt").read_text("utf-8")
    pairs = (line.partition(":") for line in text.splitlines())
    return {term: tuple(synonyms.split()) for term, _, synonyms in pairs}
