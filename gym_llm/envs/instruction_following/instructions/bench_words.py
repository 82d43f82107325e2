"""IFBench's rules on the words and sentences themselves: their letters, their order, what repeats.

A text without words follows none of them.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

from gym_llm.envs.instruction_following import lexicon
from gym_llm.envs.instruction_following import text as texts
from gym_llm.envs.instruction_following.registry import Count, Position, Word, ifbench

_CLUSTER = re.compile("[bcdfghjklmnpqrstvwxyz]{2}")
_PRIMES = frozenset(
    number for number in range(2, 100) if all(number % divisor for divisor in range(2, int(number**0.5) + 1))
)


@ifbench("words:alphabet")
def alphabet(text: str) -> bool:
    """Begin each word with the next letter of the alphabet, with A after Z."""
    initials = [word[0] for word in texts.bare_words(text)]
    latin = all("a" <= initial <= "z" for initial in initials)
    return bool(initials) and latin and all((ord(b) - ord(a)) % 26 == 1 for a, b in pairwise(initials))


@ifbench("words:vowel")
def vowel(text: str) -> bool:
    """Write one paragraph whose words hold only three kinds of vowels."""
    found = [line for line in text.strip().split("\n") if line.strip()]
    return len(found) == 1 and len(set("aeiou").intersection(text.lower())) <= 3 and bool(texts.words(text))


@ifbench("words:consonants")
def consonants(text: str) -> bool:
    """Let each word hold two consonants side by side."""
    found = texts.bare_words(text)
    return bool(found) and all(_CLUSTER.search(word) for word in found)


@ifbench("words:palindrome")
def palindrome(text: str) -> bool:
    """Include at least 10 palindromes of one word, each of at least 5 letters."""
    found = texts.bare_words(text)
    return sum(len(word) >= 5 and word.isalpha() and word == word[::-1] for word in found) >= 10


@ifbench("words:prime_lengths")
def prime_lengths(text: str) -> bool:
    """Use only words whose length is a prime number."""
    found = texts.bare_words(text)
    lengths = [sum(char not in texts.PUNCTUATION for char in word) for word in found]
    return bool(found) and all(length in _PRIMES for length in lengths)


@ifbench("words:start_verb")
def start_verb(text: str) -> bool:
    """Begin your response with a verb."""
    return lexicon.is_verb(texts.first_word(text))


@ifbench("words:repeats")
def repeats(text: str, small_n: Position) -> bool:
    """Use no word more than {small_n} times."""
    return all(number <= small_n for number in Counter(texts.bare_words(text)).values())


@ifbench("words:odd_even_syllables")
def odd_even_syllables(text: str) -> bool:
    """Alternate words with odd and with even numbers of syllables."""
    found = [word for word in texts.bare_words(text) if any(map(str.isalpha, word))]
    parities = [lexicon.syllables(word) % 2 for word in found]
    return len(found) >= 2 and all(a != b for a, b in pairwise(parities))


@ifbench("words:last_first")
def last_first(text: str) -> bool:
    """Begin each sentence with the last word of the one before."""
    found = [texts.bare_words(sentence) for sentence in texts.sentences(text)]
    return len(found) >= 2 and all(found) and all(a[-1] == b[0] for a, b in pairwise(found))


@ifbench("words:paragraph_last_first")
def paragraph_last_first(text: str) -> bool:
    """End each paragraph with the word that it begins with; separate paragraphs with a line break."""
    found = [words for line in texts.nonblank_lines(text) if (words := texts.bare_words(line))]
    return bool(found) and all(len(words) >= 2 and words[0] == words[-1] for words in found)


@ifbench("words:no_consecutive")
def no_consecutive(text: str) -> bool:
    """Let no two words in a row begin with the same letter."""
    return all(a[0] != b[0] for a, b in pairwise(texts.bare_words(text)))


@ifbench("words:keywords_specific_position")
def keywords_specific_position(text: str, keyword: Word, n: Position, m: Position) -> bool:
    """Let {keyword} be word {m} of sentence {n}."""
    found = texts.sentences(text)
    return len(found) >= n and texts.bare_words(found[n - 1])[m - 1 : m] == [keyword.lower()]


@ifbench("words:words_position")
def words_position(text: str, keyword: Word) -> bool:
    """Let the second word and the second to last word be {keyword}."""
    found = texts.bare_words(text)
    return len(found) >= 3 and found[1] == found[-2] == keyword.lower()


@ifbench("sentence:alliteration_increment")
def alliteration_increment(text: str) -> bool:
    """Let each sentence have a longer run of words with the same first letter than the one before."""
    runs = [_longest_run(texts.bare_words(sentence)) for sentence in texts.sentences(text)]
    return len(runs) >= 2 and all(a < b for a, b in pairwise(runs))


def _longest_run(words: list[str]) -> int:
    longest = run = min(len(words), 1)
    for a, b in pairwise(words):
        run = run + 1 if a[0] == b[0] else 1
        longest = max(longest, run)
    return longest


@ifbench("sentence:keyword")
def sentence_keyword(text: str, word: Word, N: Position) -> bool:  # noqa: N803 - the data sets' name
    """Use the word {word} in sentence {N}."""
    found = texts.sentences(text)
    return len(found) >= N and texts.keyword_pattern(word).search(found[N - 1]) is not None


@ifbench("sentence:increment")
def increment(text: str, small_n: Count) -> bool:
    """Let each sentence have exactly {small_n} words more than the one before."""
    lengths = [len(texts.bare_words(sentence)) for sentence in texts.sentences(text)]
    return len(lengths) >= 2 and all(b - a == small_n for a, b in pairwise(lengths))
