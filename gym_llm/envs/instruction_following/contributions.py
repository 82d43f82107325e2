"""What single instructions ask of a draft, by id; those that settle the whole text are in `witnesses.py`."""

# ruff: noqa: N803 - the data sets have arguments named N

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from gym_llm.envs.instruction_following import lexicon, text
from gym_llm.envs.instruction_following.drafting import BANK, Draft

Contribution = Callable[..., Any]
_EN = lexicon.STOP_WORDS


def _without_words(draft: Draft, forbidden_words: list[str]) -> None:
    draft.word_rules.append(lambda word: not any(text.keyword_pattern(other).search(word) for other in forbidden_words))


def _repeated(draft: Draft, keyword: str, number: int) -> None:
    _without_words(draft, [keyword])
    draft.items += [keyword] * number


def _all(draft: Draft, wanted: list[tuple[str, int]]) -> None:
    for keyword, number in wanted:
        _repeated(draft, keyword, number)


def _counted(draft: Draft, keyword: str, frequency: int, relation: str) -> None:
    _repeated(draft, keyword, frequency if relation == "at least" else 0)


def _letters(draft: Draft, letter: str, let_frequency: int, let_relation: str) -> None:
    if let_relation == "less than":
        draft.word_rules.append(lambda word: letter.lower() not in word.lower())
        return
    holding = next((word for word in BANK if letter.lower() in word), letter)
    draft.items += [holding] * -(-let_frequency // holding.count(letter.lower() if len(holding) > 1 else letter))


def _bounds(numbers: list[int], bound: int, relation: str) -> None:
    numbers += [bound, bound + 3] if relation == "at least" else [bound - 1, bound - 3, bound // 2]


def _capitals(draft: Draft, capital_frequency: int, capital_relation: str) -> None:
    if capital_relation == "at least":
        draft.items += ["NOTE"] * capital_frequency


def _one_case(case: str) -> Contribution:
    return lambda draft: setattr(draft, "case", case)


def _nth(draft: Draft, num_paragraphs: int, nth_paragraph: int, first_word: str) -> None:
    draft.paragraphs, draft.divider, draft.paragraph_first[nth_paragraph] = num_paragraphs, "\n\n", first_word


def _divided(draft: Draft, num_paragraphs: int = 2) -> None:
    draft.paragraphs, draft.divider = num_paragraphs, "\n\n***\n\n"


def _at(draft: Draft, keyword: str, n: int, m: int) -> None:
    draft.positions[n, m] = keyword


def _without(char: str) -> Contribution:
    return lambda draft: setattr(draft, "without", draft.without + char)


def _wrapped(wrap: Callable[[str], str]) -> Contribution:
    return lambda draft: draft.wrap.append(wrap)


def _json(inner: str) -> str:
    return json.dumps({"text": inner}, ensure_ascii=False)


def _rule(rule: Callable[[str], bool]) -> Contribution:
    return lambda draft: draft.word_rules.append(rule)


def _pair(rule: Callable[[str, str], bool]) -> Contribution:
    return lambda draft: draft.pair_rules.append(rule)


def _set(name: str, value: Callable[..., Any]) -> Contribution:
    return lambda draft, **arguments: setattr(draft, name, value(**arguments))


def _add(value: Callable[..., list[str]]) -> Contribution:
    return lambda draft, **arguments: draft.items.extend(value(**arguments))


CONTRIBUTIONS: dict[str, Contribution] = {
    "keywords:existence": lambda draft, keywords: _all(draft, [(word, 1) for word in keywords]),
    "keywords:frequency": _counted,
    "keywords:word_count_different_numbers": _counted,
    "keywords:forbidden_words": _without_words,
    "keywords:exclude_word_harder": lambda draft, keyword, instruction: _without_words(draft, [keyword]),
    "keywords:word_once": lambda draft, keyword: _repeated(draft, keyword, 1),
    "keywords:letter_frequency": _letters,
    "letters:letter_counting2": _letters,
    "letters:letter_counting": lambda draft, N, relation: _bounds(draft.words, N // 4, relation),
    "keywords:palindrome": _add(lambda: ["level"]),
    "keywords:keyword_specific_position": _at,
    "words:keywords_specific_position": _at,
    "sentence:keyword": lambda draft, word, N: _at(draft, word, N, 2),
    "keywords:no_adjacent_consecutive": _pair(lambda a, b: ord(b[0]) - ord(a[0]) != 1),
    "words:no_consecutive": _pair(lambda a, b: a[0] != b[0]),
    "count:count_increment_word": lambda draft, keyword1, keyword2: _all(draft, [(keyword1, 1), (keyword2, 2)]),
    "count:keywords_multiple": lambda draft, **keywords: _all(
        draft, list(zip((keywords[f"keyword{place}"] for place in range(1, 6)), (1, 2, 3, 5, 7), strict=True))
    ),
    "count:conjunctions": _add(lambda small_n: sorted(lexicon.CONJUNCTIONS)[:small_n]),
    "count:person_names": _add(lambda N: list(lexicon.NAMES[:N])),
    "count:pronouns": _add(lambda N: ["it"] * N),
    "count:numbers": _add(lambda N: list(map(str, range(1, N + 1)))),
    "count:count_unique": lambda draft: None,
    "words:repeats": lambda draft, small_n: None,
    "count:lowercase_counting": lambda draft, N: setattr(draft, "case", draft.case or "title"),
    "count:word_count_range": lambda draft, min_words, max_words: draft.words.extend([min_words, max_words]),
    "ratio:stop_words": lambda draft, percentage: draft.word_rules.append(lambda word: word not in _EN),
    "words:consonants": _rule(lambda word: any(pair in word for pair in ("rm", "ld", "st", "br", "ll", "nt"))),
    "words:vowel": _rule(lambda word: not set("ou") & set(word)),
    "words:prime_lengths": _rule(lambda word: len(word) in (2, 3, 5, 7, 11)),
    "length_constraints:number_words": lambda draft, num_words, relation: _bounds(draft.words, num_words, relation),
    "length_constraints:number_sentences": (
        lambda draft, num_sentences, relation: _bounds(draft.sentences, num_sentences, relation)
    ),
    "length_constraints:number_paragraphs": _divided,
    "paragraphs:paragraphs": _divided,
    "paragraphs:paragraphs2": _set("paragraphs", lambda: 2),
    "length_constraints:nth_paragraph_first_word": _nth,
    "detectable_content:number_placeholders": _add(lambda num_placeholders: ["[name]"] * num_placeholders),
    "detectable_content:postscript": _set("postscript", lambda postscript_marker: postscript_marker),
    "detectable_format:number_bullet_lists": _set("bullets", lambda num_bullets: num_bullets),
    "detectable_format:constrained_response": _set("preface", lambda: "My answer is yes."),
    "detectable_format:number_highlighted_sections": _add(lambda num_highlights: ["*warm light*"] * num_highlights),
    "detectable_format:multiple_sections": _set(
        "headings", lambda section_spliter, num_sections: [f"{section_spliter} {n + 1}" for n in range(num_sections)]
    ),
    "detectable_format:title": _set("title", lambda: "<<a warm evening>>"),
    "detectable_format:json_format": _wrapped(_json),
    "combination:two_responses": _wrapped(lambda inner: f"{inner}\n******\n{inner[:-1]} again{inner[-1]}"),
    "combination:repeat_prompt": _set("preface", lambda prompt_to_repeat: prompt_to_repeat.strip()),
    "startend:end_checker": _set("ending", lambda end_phrase: end_phrase),
    "startend:quotation": _wrapped(lambda inner: f'"{inner}"'),
    "change_case:capital_word_frequency": _capitals,
    "change_case:english_capital": _one_case("upper"),
    "change_case:english_lowercase": _one_case("lower"),
    "format:title_case": _one_case("title"),
    "punctuation:no_comma": _without(","),
    "punctuation:punctuation_dot": _without("."),
    "punctuation:punctuation_exclamation": _without("!"),
    "language:response_language": _set("language", lambda language: language),
    "first_word:first_word_sent": _set("each_first", lambda first_word: first_word),
    "first_word:first_word_answer": _set("first", lambda first_word: first_word),
    "last_word:last_word_sent": _set("each_last", lambda last_word: last_word),
    "last_word:last_word_answer": _set("last", lambda last_word: last_word),
    "words:start_verb": _set("first", lambda: "consider"),
}  # fmt: skip
