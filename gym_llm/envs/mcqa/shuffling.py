"""Another order of the options: the same question with the texts behind other letters.

Labels stay where they are in the prompt, texts move. A prompt whose option lines cannot be told is refused; a task
whose options speak of each other ("all of the above", "A and C") keeps its order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from gym_llm.errors import ConfigError
from gym_llm.items import Item

_SPEAKS_OF_OTHERS = re.compile(
    r"\b(?:above|below|preceding|following)\b|\bof (?:these|them)\b"
    r"|\b(?:all|none|both|neither|either)\b.*\boptions?\b"
    r"|(?-i:\b[A-Z]\b)\W+(?:and|or|&)\W+(?-i:\b[A-Z]\b)",
    re.IGNORECASE,
)


def drawn(rng: np.random.Generator, options: Mapping[str, str]) -> dict[str, str]:
    """Draw an order: for each letter, the letter whose text it now has."""
    letters = list(options)
    if any(_SPEAKS_OF_OTHERS.search(text) for text in options.values()):
        return dict(zip(letters, letters, strict=True))
    return {letters[new]: letters[old] for new, old in enumerate(rng.permutation(len(letters)))}


def rewritten(items: list[Item], options: Mapping[str, str], order: Mapping[str, str]) -> list[Item]:
    """Return the prompt with the option texts in another order.

    Raises:
        ConfigError: An option does not stand on exactly one line of its own, as `B: text`, `(B) text` or `B. text`.
    """
    texts = [part["text"] for item in items for part in _parts(item)]
    places = [(*_place(letter, text, texts), options[order[letter]]) for letter, text in options.items()]
    for number, start, stop, text in sorted(places, reverse=True):
        texts[number] = texts[number][:start] + text + texts[number][stop:]
    rest = iter(texts)
    return [_with_texts(item, [next(rest) for _ in _parts(item)]) for item in items]


def _parts(item: Item) -> list[dict[str, Any]]:
    """Return the item's content parts that hold text."""
    content = item.get("content")
    if isinstance(content, str):
        return [{"text": content}]
    return [part for part in content or () if isinstance(part.get("text"), str)]


def _with_texts(item: Item, texts: list[str]) -> Item:
    if isinstance(item.get("content"), str):
        return item | {"content": texts[0]}
    if not texts:
        return item
    rest = iter(texts)
    return item | {
        "content": [
            part | {"text": next(rest)} if isinstance(part.get("text"), str) else part for part in item["content"]
        ]
    }


def _place(letter: str, option: str, texts: list[str]) -> tuple[int, int, int]:
    """Return which text the option's line is in, and where the option's own text begins and ends."""
    pattern = _line(letter, option)
    places = [(number, *found.span(1)) for number, text in enumerate(texts) for found in pattern.finditer(text)]
    if len(places) != 1:
        raise ConfigError(
            f"shuffle_options=True: option {letter} ({option[:60]!r}) stands on {len(places)} lines of the prompt, "
            f"and must stand on exactly one, as '{letter}: ...'; use shuffle_options=False for this dataset"
        )
    return places[0]


def _line(letter: str, option: str) -> re.Pattern[str]:
    label = rf"[\[(]?\**(?i:{re.escape(letter)})\**\s?[\]):.-]\**"
    words = r"\s+".join(map(re.escape, option.split()))
    return re.compile(rf"(?m)^[ \t>*+-]*{label}[ \t]*({words})(?=[ \t]*$)")
