"""Arguments of instructions, drawn at random: small enough that an answer of a page can follow several together."""

# ruff: noqa: SIM905 - long lists of words read best as words

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

KEYWORDS = (
    "harbour lantern meadow copper violin glacier orchard compass thunder pebble saddle lighthouse cinnamon falcon "
    "marble tunnel feather canyon ribbon quarry anchor willow beacon garnet saffron"
).split()  # fmt: skip
TOPICS = (
    "a morning at a harbour", "how bread is baked", "why rivers bend", "a walk through an old town",
    "what makes a good neighbour", "how bees find flowers", "an evening by the fire", "learning to swim",
    "the first snow of the year", "a letter that came too late", "how a lighthouse works", "repairing a bicycle",
)  # fmt: skip
_LANGUAGES = "de es fr it pt nl sv pl ru fi tr hi ar ja ko el".split()
_ENDINGS = ("That is all for now.", "Thank you for reading.", "So it was, and so it is.", "Ask me for more.")
_OPENERS = ("often", "today", "still", "perhaps", "later")
_SECTIONS = ("Section", "Part", "Chapter")
_REQUESTS = (
    "Tell me how a lighthouse keeper spends a quiet winter night.",
    "Explain to a child why the leaves turn red in autumn.",
    "Describe the road from the harbour up to the old mill.",
    "Write down what a good friend would say after a lost game.",
)
_PHRASES = (
    "the old boat came home", "every small light counts tonight", "we walked along the shore",
    "bread and salt were enough", "rain fell over the hills",
)  # fmt: skip

Draw = Callable[[np.random.Generator], Any]


def _one(options: tuple[str, ...] | list[str]) -> Draw:
    return lambda rng: options[int(rng.integers(len(options)))]


def _number(least: int, most: int) -> Draw:
    return lambda rng: int(rng.integers(least, most + 1))


def _keywords(rng: np.random.Generator) -> list[str]:
    return [str(word) for word in rng.choice(KEYWORDS, size=int(rng.integers(1, 4)), replace=False)]


def _tens(least: int, most: int) -> Draw:
    return lambda rng: 10 * int(rng.integers(least, most + 1))


_RELATION = _one(["less than", "at least"])
_BY_NAME: dict[str, Draw] = {
    "keywords": _keywords, "forbidden_words": _keywords, "keyword": _one(KEYWORDS), "word": _one(KEYWORDS),
    "relation": _RELATION, "let_relation": _RELATION, "capital_relation": _RELATION, "frequency": _number(2, 4),
    "letter": _one(list("bcfgjkmpvwxz")), "let_frequency": _number(2, 6), "num_sentences": _number(3, 8),
    "num_words": _tens(4, 12), "num_paragraphs": _number(2, 4), "first_word": _one(_OPENERS),
    "last_word": _one(_OPENERS), "num_placeholders": _number(1, 4), "postscript_marker": _one(["P.S.", "P.P.S"]),
    "num_bullets": _number(2, 5), "num_highlights": _number(1, 4), "section_spliter": _one(_SECTIONS),
    "num_sections": _number(2, 4), "prompt_to_repeat": _one(_REQUESTS), "end_phrase": _one(_ENDINGS),
    "capital_frequency": _number(2, 5), "language": _one(_LANGUAGES), "N": _number(2, 5), "n": _number(1, 4),
    "m": _number(2, 6), "phrase": _one(_PHRASES), "small_n": _number(2, 4), "n_sent": _number(2, 4),
    "n_words": _number(4, 8), "percentage": _tens(2, 6), "reference_text": _one(_REQUESTS),
    "sep": _one(["...", "!?!?"]),
    "options": _one(["yes/no/maybe", "I know or I don't know", "a), b), c), d)"]),
}  # fmt: skip
_DEPENDENT: dict[str, Callable[[np.random.Generator], dict[str, Any]]] = {
    "length_constraints:nth_paragraph_first_word": lambda rng: {"nth_paragraph": int(rng.integers(1, 3))},
    "letters:letter_counting": lambda rng: {"N": 10 * int(rng.integers(10, 40))},
    "count:lowercase_counting": lambda rng: {"N": int(rng.integers(5, 15))},
    "count:unique_word_count": lambda rng: {"N": 10 * int(rng.integers(3, 10))},
    "count:pronouns": lambda rng: {"N": int(rng.integers(3, 10))},
}


def drawn(rng: np.random.Generator, instruction_id: str, names: list[str]) -> dict[str, Any]:
    """Return arguments by name."""
    given = {name: _BY_NAME[name](rng) for name in names if name in _BY_NAME}
    given |= _DEPENDENT[instruction_id](rng) if instruction_id in _DEPENDENT else {}
    if "min_words" in names:
        given["min_words"] = 10 * int(rng.integers(3, 10))
        given["max_words"] = given["min_words"] + int(rng.integers(5, 15))
    if "n_start" in names:
        given["n_start"] = int(rng.integers(0, 4))
        given["n_end"] = given["n_start"] + int(rng.integers(2, 5))
    several = [name for name in names if name.startswith("keyword") and name[-1].isdigit()]
    given |= dict(zip(several, map(str, rng.choice(KEYWORDS, size=len(several), replace=False)), strict=True))
    return given
