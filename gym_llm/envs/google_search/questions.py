"""Procedural tasks: questions over the facts of a corpus, each needing one page or a chain of two or three.

Makes rows for `GoogleSearch.generate`. The facts are fields of the bundled documents; what the model reads is their
text. A fact that leads on names the subject of another page.
"""

from __future__ import annotations

import string
from functools import cache
from typing import Any

import numpy as np

from gym_llm.envs.google_search import corpus
from gym_llm.errors import ConfigError

INSTRUCTIONS = (
    "Answer the question with the tools: search finds pages, browse reads one. Look everything up, as the question "
    "is about a world that you do not know. Put the final answer in \\boxed{}."
)
_ASKED = {
    ("town", "region"): "In which region is {}?",
    ("town", "river"): "On which river does {} lie?",
    ("town", "founded"): "In which year was {} founded?",
    ("town", "inhabitants"): "How many inhabitants did the last census count in {}?",
    ("town", "trade"): "Which trade does {} live by?",
    ("town", "fair"): "In which month is the fair of {} held?",
    ("person", "birthplace"): "In which town was {} born?",
    ("person", "born"): "In which year was {} born?",
    ("person", "work"): "What was the profession of {}?",
    ("person", "known"): "What is {} known for?",
    ("person", "teacher"): "Who was the teacher of {}?",
    ("house", "town"): "In which town is {}?",
    ("house", "founder"): "Who founded {}?",
    ("house", "opened"): "In which year was {} opened?",
    ("river", "length"): "How many miles long is {}?",
    ("river", "source"): "Where does {} rise?",
    ("river", "fish"): "Which fish is {} known for?",
}
_LEADS = {
    ("town", "river"): ("river", "the river on which {} lies"),
    ("person", "birthplace"): ("town", "the town where {} was born"),
    ("person", "teacher"): ("person", "the teacher of {}"),
    ("house", "town"): ("town", "the town that is home to {}"),
    ("house", "founder"): ("person", "the founder of {}"),
}
_FORMS = {
    "river": ("River {}", "{} River"), "length": ("{} miles", "{} miles long"),
    "inhabitants": ("{} inhabitants", "{} people"),
}  # fmt: skip
"""Other ways to write the same answer."""
_MOST_HOPS = 3
Fact = tuple[str, str, str]
"""A kind of page, its subject and the fact's name."""


def question(rng: np.random.Generator, *, hops: int | None = None, num_options: int = 0) -> dict[str, Any]:
    """Return a row.

    Args:
        rng: Source of randomness.
        hops: Pages that the answer takes, 1 to 3; drawn when left out.
        num_options: Lettered options, 2 to 10; none, and an answer in words, when 0.

    Raises:
        ConfigError: For a knob out of range.
    """
    if hops not in (None, 1, 2, 3) or not (num_options == 0 or 2 <= num_options <= 10):
        raise ConfigError(f"hops={hops}, num_options={num_options}: give 1 to 3, and 0 or 2 to 10")
    steps = int(rng.integers(1, _MOST_HOPS + 1)) if hops is None else hops
    ways = _ways(steps)
    way = ways[int(rng.integers(len(ways)))]
    pages = _pages()
    kind, subject, name = way[-1]
    answer = pages[kind, subject]["facts"][name]
    described = f"the River {way[0][1]}" if way[0][0] == "river" else way[0][1]
    for step in way[:-1]:
        described = _LEADS[step[0], step[2]][1].format(described)
    text = _ASKED[kind, name].format(described)
    letter, listed = _options(rng, (kind, name), answer, num_options)
    return {
        "responses_create_params": {
            "instructions": INSTRUCTIONS, "input": text + listed, "parallel_tool_calls": False,
        },
        "expected_answer": letter or answer,
        "accepted_answers": [] if letter else [form.format(answer) for form in _FORMS.get(name, ())],
        "hops": steps,
        "evidence": [pages[kind, subject]["url"] for kind, subject, _ in way],
    }  # fmt: skip


def _options(rng: np.random.Generator, fact: tuple[str, str], answer: str, number: int) -> tuple[str, str]:
    """Return the right option's letter and the options' lines: other pages' values of the same fact."""
    if not number:
        return "", ""
    others = {page["facts"].get(fact[1]) for (kind, _), page in _pages().items() if kind == fact[0]}
    wrong = sorted(value for value in others if value and value != answer)
    drawn = [wrong[int(place)] for place in rng.permutation(len(wrong))[: number - 1]]
    shown = [*drawn, answer]
    shown = [shown[int(place)] for place in rng.permutation(len(shown))]
    lines = [f"\n{letter}: {text}" for letter, text in zip(string.ascii_uppercase, shown, strict=False)]
    return string.ascii_uppercase[shown.index(answer)], "".join(lines) + "\nAnswer with the letter of one option."


@cache
def _pages() -> dict[tuple[str, str], dict[str, Any]]:
    documents = corpus.load().documents
    return {(page["kind"], page["subject"]): page for page in documents if page.get("facts")}


@cache
def _ways(hops: int) -> list[tuple[Fact, ...]]:
    """Return every chain of as many facts, each but the last leading to the next one's page, none met twice."""
    pages = _pages()
    last = [((kind, subject, name),) for (kind, subject), page in pages.items() for name in page["facts"]]
    if hops == 1:
        return [way for way in last if (way[0][0], way[0][2]) in _ASKED]
    return [
        ((kind, subject, name), *rest)
        for rest in _ways(hops - 1)
        for (kind, subject), page in pages.items()
        for name, value in page["facts"].items()
        if (kind, name) in _LEADS and (_LEADS[kind, name][0], value) == rest[0][:2]
        and all((kind, subject) != step[:2] for step in rest)
    ]  # fmt: skip
