"""IFBench's counts and ratios: of words, numbers, names, pronouns, stop words, kinds of sentences.

Words are whole words in any case; a text without words follows none of them.
"""

# ruff: noqa: RUF001 - typographic marks and other scripts are what this is about

from __future__ import annotations

import re
from collections import Counter

from gym_llm.envs.instruction_following import lexicon
from gym_llm.envs.instruction_following import text as texts
from gym_llm.envs.instruction_following.registry import Count, Percentage, Position, Text, Word, ifbench

_NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*")
_JAPANESE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_MARKS = frozenset(".,!?;:")


@ifbench("count:word_count_range")
def word_count_range(text: str, min_words: Count, max_words: Count) -> bool:
    """Write between {min_words} and {max_words} words."""
    return min_words <= len(texts.words(text)) <= max_words


@ifbench("count:unique_word_count")
def unique_word_count(text: str, N: Count) -> bool:  # noqa: N803 - the data sets' name
    """Use at least {N} different words."""
    return len(set(texts.bare_words(text))) >= N


@ifbench("ratio:stop_words")
def stop_words(text: str, percentage: Percentage) -> bool:
    """Let stop words be no more than {percentage}% of your words."""
    found = texts.words(text.lower())
    return bool(found) and 100 * sum(word in lexicon.STOP_WORDS for word in found) / len(found) <= percentage


@ifbench("ratio:sentence_type")
def sentence_type(text: str) -> bool:
    """Write two statements for each question."""
    kinds = _kinds(text)
    return kinds["."] > 0 and kinds["."] == 2 * kinds["?"]


@ifbench("ratio:sentence_balance")
def sentence_balance(text: str) -> bool:
    """Write as many statements as questions and as exclamations."""
    kinds = _kinds(text)
    return kinds["."] > 0 and kinds["."] == kinds["?"] == kinds["!"]


def _kinds(text: str) -> Counter[str]:
    """Count the sentences by the mark that ends them."""
    endings = (sentence.rstrip("\"'”’»)]*_~」』") for sentence in texts.sentences(text))
    full_width = {"。": ".", "！": "!", "？": "?"}
    return Counter(full_width.get(ending[-1:], ending[-1:]) for ending in endings)


@ifbench("count:conjunctions")
def conjunctions(text: str, small_n: Count) -> bool:
    """Use at least {small_n} different coordinating conjunctions."""
    return len(lexicon.CONJUNCTIONS.intersection(texts.bare_words(text))) >= small_n


@ifbench("count:person_names")
def person_names(text: str, N: Count) -> bool:  # noqa: N803 - the data sets' name
    """Mention at least {N} different of these names.

    Emma, Liam, Sophia, Jackson, Olivia, Noah, Ava, Lucas, Isabella, Mason, Mia, Ethan, Charlotte, Alexander, Amelia,
    Benjamin, Harper, Leo, Zoe, Daniel, Chloe, Samuel, Lily, Matthew, Grace, Owen, Abigail, Gabriel, Ella, Jacob,
    Scarlett, Nathan, Victoria, Elijah, Layla, Nicholas, Audrey, David, Hannah, Christopher, Penelope, Thomas, Nora,
    Andrew, Aria, Joseph, Claire, Ryan, Stella, Jonathan.
    """
    return len(set(lexicon.NAMES).intersection(texts.words(text))) >= N


@ifbench("ratio:overlap")
def overlap(text: str, reference_text: Text, percentage: Percentage) -> bool:
    """Let {percentage}% (within 2 points) of your trigrams be those of this text: {reference_text}."""
    own, reference = _trigrams(text), _trigrams(reference_text)
    return bool(own) and abs(100 * len(own & reference) / len(own) - percentage) <= 2


def _trigrams(text: str) -> set[str]:
    flat = " ".join(text.split())
    return {flat[start : start + 3] for start in range(len(flat) - 2)}


@ifbench("count:numbers")
def numbers(text: str, N: Count) -> bool:  # noqa: N803 - the data sets' name
    """Write exactly {N} numbers, in digits."""
    return sum(1 for _ in _NUMBER.finditer(text)) == N


@ifbench("count:punctuation")
def punctuation(text: str) -> bool:
    """Use every punctuation mark: . , ! ? ; : and the interrobang ?!."""
    bang = re.search(r"\?!|!\?|‽", text)
    return bang is not None and set(text[: bang.start()] + text[bang.end() :]) >= _MARKS


@ifbench("count:words_japanese")
def words_japanese(text: str, N: Position) -> bool:  # noqa: N803 - the data sets' name
    """Write every {N}th word in Japanese."""
    found = [word for word in text.split() if word.strip(texts.PUNCTUATION)]
    return len(found) >= N and all(
        word.strip(texts.PUNCTUATION).isdigit() or _JAPANESE.search(word) for word in found[N - 1 :: N]
    )


@ifbench("count:pronouns")
def pronouns(text: str, N: Count) -> bool:  # noqa: N803 - the data sets' name
    """Use at least {N} pronouns."""
    return sum(word in lexicon.PRONOUNS for word in texts.words(text.lower())) >= N


@ifbench("count:keywords_multiple")
def keywords_multiple(
    text: str, keyword1: Word, keyword2: Word, keyword3: Word, keyword4: Word, keyword5: Word
) -> bool:
    """Use {keyword1} once, {keyword2} twice, {keyword3} 3, {keyword4} 5 and {keyword5} 7 times."""
    wanted = zip((keyword1, keyword2, keyword3, keyword4, keyword5), (1, 2, 3, 5, 7), strict=True)
    return all(texts.occurrences(text, keyword) == number for keyword, number in wanted)


@ifbench("ratio:sentence_words")
def sentence_words(text: str) -> bool:
    """Write three sentences of the same number of characters, all with different words."""
    found = texts.sentences(text)
    every = [word for sentence in found for word in texts.bare_words(sentence)]
    return len(found) == 3 and len({len(sentence) for sentence in found}) == 1 and len(every) == len(set(every))
