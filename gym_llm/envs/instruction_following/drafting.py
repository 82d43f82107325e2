"""A text in the making: what instructions ask of it, and the text with a given number of words and sentences.

Instructions fill in a `Draft` (`contributions.py`); whether the outcome follows them, the checkers say.
"""

# ruff: noqa: SIM905 - long lists of words read best as words

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle

from gym_llm.envs.instruction_following import language

BANK = (
    "the river runs with some warm light over old stones and under many small bridges while people walk slowly along "
    "its green bank talking of nothing in particular until evening brings a cool wind from those far hills where "
    "farmers keep sheep each summer day"
).split()  # fmt: skip
_LAST_RESORTS = ("12", "--")


@dataclass(slots=True)
class Draft:
    """What a text has to have.

    Attributes:
        preface: Text that comes first, as it stands.
        title: A first line.
        items: Words and short phrases to be spread over the sentences.
        positions: Words by (sentence, place), both from 1.
        first: The text's first word; `last` its last word.
        each_first: Every sentence's first word; `each_last` its last word.
        paragraph_first: First words of paragraphs, by number from 1.
        paragraphs: How many; `divider` stands between them.
        headings: Headings, spread over the text.
        bullets: How many bullet points.
        postscript: How the last line begins, but for the ending.
        ending: How the text ends, as it stands.
        marks: Sentences end with the first of these that is not in `without`.
        without: Characters that must not appear.
        word_rules: Which words may fill; `pair_rules` which may follow which.
        case: `upper`, `lower`, `title` or nothing.
        language: The language of the filling words.
        wrap: What is done to the whole text at the end.
        words: Least and largest number of words asked for; `sentences` likewise.
    """

    preface: str = ""
    title: str = ""
    items: list[str] = field(default_factory=list)
    positions: dict[tuple[int, int], str] = field(default_factory=dict)
    first: str = ""
    last: str = ""
    each_first: str = ""
    each_last: str = ""
    paragraph_first: dict[int, str] = field(default_factory=dict)
    paragraphs: int = 1
    divider: str = "\n\n"
    headings: list[str] = field(default_factory=list)
    bullets: int = 0
    postscript: str = ""
    ending: str = ""
    marks: str = ".!?"
    without: str = ""
    word_rules: list[Callable[[str], bool]] = field(default_factory=list)
    pair_rules: list[Callable[[str, str], bool]] = field(default_factory=list)
    case: str = ""
    language: str = "en"
    wrap: list[Callable[[str], str]] = field(default_factory=list)
    words: list[int] = field(default_factory=list)
    sentences: list[int] = field(default_factory=list)

    def filling(self) -> Iterator[str]:
        """Yield words that break no rule, without end."""
        bank = BANK if self.language == "en" else language.sample(self.language)
        allowed = [word for word in bank if self._allows(word)]
        allowed = allowed or [word for word in _LAST_RESORTS if self._allows(word)] or ["12"]
        if not self.pair_rules:
            yield from cycle(allowed)
        last, place = "", 0
        while True:
            later = (allowed[(place + step) % len(allowed)] for step in range(len(allowed)))
            word = next((word for word in later if not last or all(rule(last, word) for rule in self.pair_rules)), "12")
            place = (allowed.index(word) + 1) if word in allowed else place
            last = word
            yield word

    def _allows(self, word: str) -> bool:
        return not set(word) & set(self.without) and all(rule(word) for rule in self.word_rules)

    def text(self, fill: int, number: int) -> str:
        """Return the text with so many filling words, in so many sentences."""
        number = max(number, self.paragraphs, *(sentence for sentence, _ in self.positions), 1)
        body = self._body(self._sentences(fill, number))
        parts = [self.preface, self.title, body, *self._list(), self._postscript()]
        text = "\n".join(part for part in parts if part)
        text = f"{text} {self.ending}" if self.ending else text
        text = {"upper": str.upper, "lower": str.lower}.get(self.case, str)(text)
        for wrap in self.wrap:
            text = wrap(text)
        return text

    def _sentences(self, fill: int, number: int) -> list[str]:
        """Spread items and filling over sentences."""
        filling = self.filling()
        sentences: list[list[str]] = [[] for _ in range(number)]
        for place, item in enumerate(self.items):
            sentences[place % number].append(item)
        for _ in range(fill):
            min(sentences, key=len).append(next(filling))
        for sentence in sentences:
            if not sentence:
                sentence.append(next(filling))
            sentence[:0] = [self.each_first] if self.each_first else []
            sentence += [self.each_last] if self.each_last else []
        sentences[0][:0] = [self.first] if self.first else []
        sentences[-1] += [self.last] if self.last else []
        for (row, place), word in self.positions.items():
            sentence = sentences[row - 1]
            sentence.sort(key=lambda item: " " in item)
            sentence += [next(filling) for _ in range(place - 1 - len(sentence))]
            sentence.insert(place - 1, word)
        mark = next((mark for mark in self.marks if mark not in self.without), "")
        return [self._capitalised(" ".join(sentence)) + mark for sentence in sentences]

    def _capitalised(self, sentence: str) -> str:
        if self.case == "title":
            return " ".join(word[:1].upper() + word[1:] for word in sentence.split(" "))
        return sentence[:1].upper() + sentence[1:]

    def _body(self, sentences: list[str]) -> str:
        """Join the sentences into paragraphs, with headings and first words."""
        size, more = divmod(len(sentences), self.paragraphs)
        chunks, start = [], 0
        for place in range(self.paragraphs):
            end = start + size + (place < more)
            chunk = " ".join(sentences[start:end])
            if word := self.paragraph_first.get(place + 1):
                chunk = f"{word} {chunk[:1].lower()}{chunk[1:]}"
            chunks.append(chunk)
            start = end
        for place, heading in enumerate(self.headings):
            where = min(place * len(chunks) // len(self.headings), len(chunks) - 1)
            later = place and where == min((place - 1) * len(chunks) // len(self.headings), len(chunks) - 1)
            chunks[where] = f"{chunks[where]}\n{heading}" if later else f"{heading}\n{chunks[where]}"
        return self.divider.join(chunks)

    def _postscript(self) -> str:
        return f"{self.postscript} {next(self.filling())}" if self.postscript else ""

    def _list(self) -> list[str]:
        filling = self.filling()
        return [f"* {next(filling)}" for _ in range(self.bullets)]
