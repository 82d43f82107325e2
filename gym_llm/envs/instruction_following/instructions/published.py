"""The original libraries' checks where this package's own differ, for `compat=True`: their faults are kept.

Keywords count as parts of words, some texts pass vacuously, some ends are exclusive. What NLTK splits there is split
by this package's rules here, and a keyword is never run as a regex.
"""

from __future__ import annotations

import re
import string

from gym_llm.envs.instruction_following import language as languages
from gym_llm.envs.instruction_following import lexicon
from gym_llm.envs.instruction_following import text as texts
from gym_llm.envs.instruction_following.registry import Relation, as_published, holds

_TOKEN = re.compile(r"\w+(?:[-.]\w+)*|[^\w\s]")
_MARKS = str.maketrans("", "", string.punctuation)


def _parts(text: str, keyword: str) -> int:
    return text.lower().count(keyword.lower())


@as_published("keywords:existence")
def existence(text: str, keywords: list[str]) -> bool:
    """Count parts of words."""
    return all(_parts(text, keyword) for keyword in keywords)


@as_published("keywords:frequency", "keywords:word_count_different_numbers")
def frequency(text: str, keyword: str, frequency: int, relation: Relation) -> bool:
    """Count parts of words."""
    return holds(_parts(text, keyword), relation, frequency)


@as_published("keywords:word_once")
def word_once(text: str, keyword: str) -> bool:
    """Count parts of words."""
    return _parts(text, keyword) == 1


@as_published("count:count_increment_word")
def count_increment_word(text: str, keyword1: str, keyword2: str) -> bool:
    """Count parts of words."""
    return _parts(text, keyword1) == 1 and _parts(text, keyword2) == 2


@as_published("count:keywords_multiple")
def keywords_multiple(text: str, **keywords: str) -> bool:
    """Count parts of words."""
    numbers = zip((keywords[f"keyword{place}"] for place in range(1, 6)), (1, 2, 3, 5, 7), strict=True)
    return all(_parts(text, keyword) == number for keyword, number in numbers)


@as_published("keywords:exclude_word_harder")
def exclude_word_harder(text: str, keyword: str, instruction: str = "") -> bool:
    """Look for the keyword between spaces, in the same case, only."""
    return f" {keyword} " not in text


@as_published("keywords:palindrome")
def palindrome(text: str) -> bool:
    """Let a single letter be a palindrome."""
    return any(word == word[::-1] for word in text.split())


@as_published("keywords:keyword_specific_position", "words:keywords_specific_position")
def keyword_specific_position(text: str, keyword: str, n: int, m: int) -> bool:
    """Count punctuation as words, and compare the case."""
    found = texts.sentences(text)
    return len(found) >= n and _TOKEN.findall(found[n - 1])[m - 1 : m] == [keyword]


@as_published("copy:repeat_phrase")
def repeat_phrase(text: str, phrase: str, small_n: int) -> bool:
    """Ask for a change of the last repetition only."""
    words = phrase.split()
    found, start = [], 0
    while (begin := text.find(words[0], start)) >= 0 and (end := text.find(words[-1], begin + len(words[0]))) >= 0:
        start = end + len(words[-1])
        found.append(text[begin:start].split())
    changes = [sum(a != b for a, b in zip(one, words, strict=True)) if len(one) == len(words) else 9 for one in found]
    return len(found) == small_n and all(number <= 1 for number in changes) and changes[-1:] == [1]


@as_published("new:copy_span_idx")
def copy_span_idx(text: str, prompt_to_repeat: str, n_start: int, n_end: int) -> bool:
    """Leave the end out."""
    return text.strip().lower() == prompt_to_repeat[n_start:n_end].strip().lower()


@as_published("repeat:repeat_span")
def repeat_span(text: str, prompt_to_repeat: str, n_start: int, n_end: int) -> bool:
    """Leave the end out."""
    return text.strip().lower().split() == prompt_to_repeat.lower().split()[n_start:n_end]


@as_published("detectable_format:sentence_hyphens")
def sentence_hyphens(text: str) -> bool:
    """Compare only as many sentences as there are."""
    pairs = zip(text.split("-"), texts.sentences(text.replace("-", " ")), strict=False)
    return all(part.strip() == sentence.strip() for part, sentence in pairs)


@as_published("detectable_format:square_brackets")
def square_brackets(text: str) -> bool:
    """Let brackets be empty, and texts too."""
    return all(word.startswith("[") and word.endswith("]") for word in text.split())


@as_published("detectable_format:bigram_wrapping")
def bigram_wrapping(text: str) -> bool:
    """Look at nothing but how the words of a pair begin and end."""
    found = text.split()
    return all(a.startswith("<<") and b.endswith(">>") for a, b in zip(found[::2], found[1::2], strict=False))


@as_published("count:count_unique")
def count_unique(text: str) -> bool:
    """Count punctuation as words, and compare the case."""
    found = _TOKEN.findall(text)
    return len(found) == len(set(found))


@as_published("count:counting_composition")
def counting_composition(text: str, n_sent: int, n_words: int) -> bool:
    """Count punctuation as words, and know no other divider than three asterisks in a row."""
    parts = [texts.sentences(part) for part in re.split(r"\s?\*\*\*\s?", text)]
    return len(parts) == 3 and all(
        len(found) == n_sent and all(len(_TOKEN.findall(sentence)) == n_words for sentence in found) for found in parts
    )


@as_published("first_word:first_word_sent")
def first_word_sent(text: str, first_word: str) -> bool:
    """Let a text without sentences pass."""
    return all(texts.first_word(sentence) == first_word.lower() for sentence in texts.sentences(text))


@as_published("last_word:last_word_sent")
def last_word_sent(text: str, last_word: str) -> bool:
    """Let a text without sentences pass."""
    return all(texts.last_word(sentence) == last_word.lower() for sentence in texts.sentences(text))


@as_published("detectable_format:number_bullet_lists")
def number_bullet_lists(text: str, num_bullets: int) -> bool:
    """Count rules and emphasis at the start of a line as bullets."""
    stars = sum(bool(re.match(r"\s*\*[^*]", line)) for line in text.split("\n"))
    return stars + sum(line.lstrip().startswith("-") for line in text.split("\n")) == num_bullets


@as_published("language:response_language")
def response_language(text: str, language: str) -> bool:
    """Let a text in no language pass, as a failed detection does."""
    return languages.detect(text[:20_000]) is None or languages.is_written_in(text, language)


@as_published("count:conjunctions")
def conjunctions(text: str, small_n: int) -> bool:
    """Count every spelling."""
    spellings = {word for word in text.split() if word.strip(string.punctuation + " ").lower() in lexicon.CONJUNCTIONS}
    return len(spellings) >= small_n


@as_published("count:person_names")
def person_names(text: str, N: int) -> bool:  # noqa: N803 - the data sets' name
    """Count parts of words."""
    return sum(name in text for name in lexicon.NAMES) >= N


@as_published("sentence:keyword")
def sentence_keyword(text: str, word: str, N: int) -> bool:  # noqa: N803 - the data sets' name
    """Count parts of words."""
    found = texts.sentences(text)
    return len(found) >= N and word.lower() in found[N - 1].lower()


@as_published("words:words_position")
def words_position(text: str, keyword: str) -> bool:
    """Count punctuation as words, and compare the case."""
    found = _TOKEN.findall(text)
    return len(found) >= 2 and found[1] == found[-2] == keyword


@as_published("count:numbers")
def numbers(text: str, N: int) -> bool:  # noqa: N803 - the data sets' name
    """Take all punctuation out first, so that 1/2 is one number and so is 1,2."""
    return len(re.findall(r"\d+", text.translate(_MARKS))) == N


@as_published("ratio:sentence_type")
def sentence_type(text: str) -> bool:
    """Let a text without statements and questions pass."""
    ends = [sentence[-1] for sentence in texts.sentences(text)]
    return ends.count(".") == 2 * ends.count("?")


@as_published("ratio:sentence_balance")
def sentence_balance(text: str) -> bool:
    """Let a text without marks pass."""
    ends = [sentence[-1] for sentence in texts.sentences(text)]
    return ends.count(".") == ends.count("?") == ends.count("!")


@as_published("ratio:sentence_words")
def sentence_words(text: str) -> bool:
    """Leave out that the words differ."""
    found = texts.sentences(text)
    return len(found) == 3 and len(set(map(len, found))) == 1


@as_published("format:output_template")
def output_template(text: str) -> bool:
    """Take the labels in any order."""
    return all(label in text for label in ("My Answer:", "My Conclusion:", "Future Outlook:"))


@as_published("format:sub-bullets")
def sub_bullets(text: str) -> bool:
    """Look for a hyphen after each asterisk, and let a text without bullets pass."""
    return all("-" in part for part in text.split("*")[1:])


@as_published("format:quote_unquote")
def quote_unquote(text: str) -> bool:
    """Let a text without quotations pass."""
    flat = "".join(text.replace("\u201c", '"').replace("\u201d", '"').split())
    return '""' not in flat and not flat.rstrip(string.digits + string.punctuation.replace('"', "")).endswith('"')
