"""Procedural tasks: a conversation in which the assistant writes many short texts, some on the same request.

Makes rows for `MRCR.generate`. Sentences and words stand in `data/phrases.json`.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gym_llm.errors import ConfigError
from gym_llm.items import Item, message

CHARS_PER_TOKEN = 4.5
"""An estimate for English text; tokenizers differ."""
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
_CHARS_PER_SENTENCE = 48
_FRAME = 60
_SIGNS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
_ASKED = (
    "Please begin your answer with {prefix} and then repeat, word for word, the {ordinal} {kind} about {topic} "
    "that you wrote above. Write nothing else."
)
_SLOT = re.compile(r"\{(\w+)\}")

Request = tuple[str, str]


def row(
    rng: np.random.Generator, *, num_needles: int = 2, num_messages: int = 16, num_sentences: int = 6,
    num_tokens: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return a row.

    Args:
        rng: Source of randomness.
        num_needles: Messages of the same kind and topic, 1 to 8.
        num_messages: Texts of the assistant's in the conversation, `num_needles` or more, up to 100 000. Half of
            the others share kind or topic with the message that is asked for.
        num_sentences: Sentences or lines of a text on average, 1 to 100.
        num_tokens: About how long the conversation is, in tokens; decides `num_messages` when given.

    Raises:
        ConfigError: For a knob out of range.
    """
    if num_tokens is not None and num_sentences > 0:
        each = _FRAME + (num_sentences + 2) * _CHARS_PER_SENTENCE
        num_messages = max(num_needles, round(num_tokens * CHARS_PER_TOKEN / each))
    if not (1 <= num_needles <= 8 and num_needles <= num_messages <= 100_000 and 1 <= num_sentences <= 100):
        raise ConfigError(
            f"num_needles={num_needles}, num_messages={num_messages}, num_sentences={num_sentences}: "
            "give 1 to 8, num_needles to 100000, and 1 to 100"
        )
    wanted = _any(rng, list(_phrases()["kinds"])), _any(rng, _phrases()["topics"])
    others = [_other(rng, wanted) for _ in range(num_messages - num_needles)]
    requests = [wanted] * num_needles + others
    items: list[Item] = []
    needles: list[str] = []
    for place in rng.permutation(num_messages).tolist():
        kind, topic = requests[place]
        text = _text(rng, kind, topic, num_sentences)
        while place < num_needles and text in needles:
            text = _text(rng, kind, topic, num_sentences)
        if place < num_needles:
            needles.append(text)
        items += [message(f"Write a {kind} about {topic}."), message(text, "assistant")]
    number = int(rng.integers(num_needles))
    prefix = "".join(_SIGNS[place] for place in rng.integers(len(_SIGNS), size=12))
    asked = _ASKED.format(prefix=prefix, ordinal=_ORDINALS[number], kind=wanted[0], topic=wanted[1])
    items.append(message(asked))
    chars = sum(len(item["content"]) for item in items)
    return {
        "responses_create_params": {"input": items}, "random_string_to_prepend": prefix,
        "expected_answer": prefix + needles[number], "n_needles": num_needles,
        "n_tokens": round(chars / CHARS_PER_TOKEN), "total_messages": len(items), "desired_msg_index": number,
    }  # fmt: skip


def _other(rng: np.random.Generator, wanted: Request) -> Request:
    """Return another request, in half of the cases for the same kind or topic."""
    kinds, topics = list(_phrases()["kinds"]), _phrases()["topics"]
    while True:
        chance = rng.random()
        kind = wanted[0] if chance < 0.25 else _any(rng, kinds)
        topic = wanted[1] if 0.25 <= chance < 0.5 else _any(rng, topics)
        if (kind, topic) != wanted:
            return kind, topic


def _text(rng: np.random.Generator, kind: str, topic: str, num_sentences: int) -> str:
    begin, between, end = _phrases()["kinds"][kind]
    number = max(1, num_sentences + int(rng.integers(-num_sentences // 3, num_sentences // 3 + 1)))
    patterns = [begin, *(_any(rng, _phrases()["sentences"]) for _ in range(number)), end]
    return str(between).join(_SLOT.sub(lambda slot: _word(rng, slot[1], topic), pattern) for pattern in patterns)


def _word(rng: np.random.Generator, slot: str, topic: str) -> str:
    """Return the topic or a word for a slot; a slot with a capital gives the word one."""
    if slot == "topic":
        return topic
    word = _any(rng, _phrases()["words"][slot.lower()])
    return word[0].upper() + word[1:] if slot[0].isupper() else word


def _any(rng: np.random.Generator, texts: list[str]) -> str:
    return texts[int(rng.integers(len(texts)))]


@cache
def _phrases() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "phrases.json").read_text("utf-8"))
    return loaded
