"""Instructions on how long a text is: words, sentences, paragraphs, and how the words are counted out."""

# ruff: noqa: RUF001 - typographic marks and other scripts are what this is about

from __future__ import annotations

import re

from gym_llm.envs.instruction_following import text as texts
from gym_llm.envs.instruction_following.registry import Count, Position, Relation, Word, holds, if_rlvr, ifeval

_DIVIDER = re.compile(r"\*[ \t]?\*[ \t]?\*")
_LOWER = re.compile(r"\b[a-z]+\b")
_QUOTED_START = "'\"“‘"
_WORD_END = re.compile(r"[.,?!'\"”’;:]")


@ifeval("length_constraints:number_sentences")
def number_sentences(text: str, num_sentences: Count, relation: Relation) -> bool:
    """Write {relation} {num_sentences} sentences."""
    return holds(len(texts.sentences(text)), relation, num_sentences)


@ifeval("length_constraints:number_words")
def number_words(text: str, num_words: Count, relation: Relation) -> bool:
    """Answer with {relation} {num_words} words."""
    return holds(len(texts.words(text)), relation, num_words)


@ifeval("length_constraints:number_paragraphs")
def number_paragraphs(text: str, num_paragraphs: Position) -> bool:
    """Write {num_paragraphs} paragraphs, separated by the markdown divider ***."""
    parts = [part.strip() for part in text.split("***")]
    inner = parts[1 if not parts[0] else 0 : len(parts) - 1 if len(parts) > 1 and not parts[-1] else len(parts)]
    return all(inner) and len(inner) == num_paragraphs


@if_rlvr("paragraphs:paragraphs")
def two_divided_paragraphs(text: str) -> bool:
    """Write two paragraphs, separated by the markdown divider ***."""
    return number_paragraphs(text, num_paragraphs=2)


@if_rlvr("paragraphs:paragraphs2")
def two_spaced_paragraphs(text: str) -> bool:
    """Write two paragraphs, separated by two line breaks."""
    return len(_spaced(text)) == 2


@ifeval("length_constraints:nth_paragraph_first_word")
def nth_paragraph_first_word(text: str, num_paragraphs: Position, nth_paragraph: Position, first_word: Word) -> bool:
    """Write {num_paragraphs} paragraphs, separated by two line breaks.

    Begin paragraph {nth_paragraph} with the word {first_word}.
    """
    found = _spaced(text)
    if len(found) != num_paragraphs or nth_paragraph > num_paragraphs:
        return False
    word = found[nth_paragraph - 1].split()[0].lstrip(_QUOTED_START)
    return _WORD_END.split(word, maxsplit=1)[0].lower() == first_word.lower()


@if_rlvr("count:lowercase_counting")
def lowercase_counting(text: str, N: Count) -> bool:  # noqa: N803 - the data sets' name
    """Use at most {N} words in lower case."""
    return sum(1 for _ in _LOWER.finditer(text)) <= N


@if_rlvr("count:count_unique")
def count_unique(text: str) -> bool:
    """Use every word only once."""
    found = texts.bare_words(text)
    return bool(found) and len(found) == len(set(found))


@if_rlvr("count:counting_composition")
def counting_composition(text: str, n_sent: Position, n_words: Position) -> bool:
    """Write 3 paragraphs, separated by the markdown divider * * *.

    Each has exactly {n_sent} sentences, and each sentence exactly {n_words} words.
    """
    parts = _DIVIDER.split(text)
    if len(parts) != 3:
        return False
    divided = [texts.sentences(part) for part in parts]
    return all(
        len(found) == n_sent and all(len(texts.bare_words(sentence)) == n_words for sentence in found)
        for found in divided
    )  # fmt: skip


@if_rlvr("first_word:first_word_sent")
def first_word_sent(text: str, first_word: Word) -> bool:
    """Begin every sentence with the word {first_word}."""
    found = texts.sentences(text)
    return bool(found) and all(texts.first_word(sentence) == first_word.lower() for sentence in found)


@if_rlvr("first_word:first_word_answer")
def first_word_answer(text: str, first_word: Word) -> bool:
    """Begin your response with the word {first_word}."""
    return texts.first_word(text) == first_word.lower()


@if_rlvr("last_word:last_word_sent")
def last_word_sent(text: str, last_word: Word) -> bool:
    """End every sentence with the word {last_word}."""
    found = texts.sentences(text)
    return bool(found) and all(texts.last_word(sentence) == last_word.lower() for sentence in found)


@if_rlvr("last_word:last_word_answer")
def last_word_answer(text: str, last_word: Word) -> bool:
    """End your response with the word {last_word}."""
    return texts.last_word(text) == last_word.lower()


def _spaced(text: str) -> list[str]:
    return [part for part in re.split(r"\n[ \t]*\n", text.strip()) if part.strip()]
