"""Instructions on single words and letters: which must appear, how often, and which must not.

A keyword is a whole word or phrase, taken literally, in any case.
"""

from __future__ import annotations

from itertools import pairwise

from gym_llm.envs.instruction_following import text as texts
from gym_llm.envs.instruction_following.registry import (
    Count,
    Letter,
    Position,
    Relation,
    Word,
    Words,
    holds,
    if_rlvr,
    ifeval,
)


@ifeval("keywords:existence")
def existence(text: str, keywords: Words) -> bool:
    """Include the keywords {keywords} in the response."""
    return all(texts.keyword_pattern(keyword).search(text) for keyword in keywords)


@ifeval("keywords:frequency")
def frequency(text: str, keyword: Word, frequency: Count, relation: Relation) -> bool:
    """The word {keyword} should appear {relation} {frequency} times in your response."""
    return holds(texts.occurrences(text, keyword), relation, frequency)


@ifeval("keywords:forbidden_words")
def forbidden_words(text: str, forbidden_words: Words) -> bool:
    """Do not use the words {forbidden_words} in the response."""
    return not any(texts.keyword_pattern(word).search(text) for word in forbidden_words)


@ifeval("keywords:letter_frequency")
@if_rlvr("letters:letter_counting2")
def letter_frequency(text: str, letter: Letter, let_frequency: Count, let_relation: Relation) -> bool:
    """The letter {letter} should appear {let_relation} {let_frequency} times."""
    return holds(text.lower().count(letter.lower()), let_relation, let_frequency)


@if_rlvr("letters:letter_counting")
def letter_counting(text: str, N: Count, relation: Relation) -> bool:  # noqa: N803 - the data sets' name
    """Your whole answer should hold {relation} {N} letters of the English alphabet."""
    letters = sum(char.isascii() and char.isalpha() for char in text)
    return holds(letters, relation, N)


@if_rlvr("keywords:word_once")
def word_once(text: str, keyword: Word) -> bool:
    """Use the word {keyword} exactly once in your response."""
    return texts.occurrences(text, keyword) == 1


@if_rlvr("keywords:word_count_different_numbers")
def word_count_different_numbers(text: str, keyword: Word, frequency: Count, relation: Relation) -> bool:
    """Let the word {keyword} appear {relation} {frequency} times."""
    return holds(texts.occurrences(text, keyword), relation, frequency)


@if_rlvr("keywords:exclude_word_harder")
def exclude_word_harder(text: str, keyword: Word, instruction: str = "") -> bool:
    """Do not write the word {keyword} anywhere in your response."""
    return texts.keyword_pattern(keyword).search(text) is None


@if_rlvr("keywords:no_adjacent_consecutive")
def no_adjacent_consecutive(text: str) -> bool:
    """No two neighbouring words may begin with neighbouring letters (a, b)."""
    initials = [word[0] for word in texts.bare_words(text)]
    return not any(a.isascii() and b.isascii() and a.isalpha() and ord(b) - ord(a) == 1 for a, b in pairwise(initials))


@if_rlvr("keywords:palindrome")
def palindrome(text: str) -> bool:
    """Include a palindrome: a word of three or more letters that reads the same backwards."""
    return any(len(word) >= 3 and word.isalpha() and word == word[::-1] for word in texts.bare_words(text))


@if_rlvr("keywords:keyword_specific_position")
def keyword_specific_position(text: str, keyword: Word, n: Position, m: Position) -> bool:
    """Let the word {keyword} be word {m} of sentence {n}."""
    found = texts.sentences(text)
    return len(found) >= n and texts.bare_words(found[n - 1])[m - 1 : m] == [keyword.lower()]


@if_rlvr("keywords:start_end")
def start_end(text: str) -> bool:
    """Begin and end with the same word, and write nothing after it, not even punctuation."""
    found = text.lower().split()
    return len(found) >= 2 and found[-1][-1].isalnum() and found[0].strip(texts.PUNCTUATION) == found[-1]


@if_rlvr("count:count_increment_word")
def count_increment_word(text: str, keyword1: Word, keyword2: Word) -> bool:
    """Use the word {keyword1} exactly once and the word {keyword2} exactly twice."""
    return texts.occurrences(text, keyword1) == 1 and texts.occurrences(text, keyword2) == 2
