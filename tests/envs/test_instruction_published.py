"""`compat=True`: the original libraries' checks, faults included, beside this package's own."""

from __future__ import annotations

import numpy as np
import pytest

from gym_llm.envs.instruction_following import arguments, grading, solving
from gym_llm.envs.instruction_following import task as _declares  # noqa: F401 - fills the registry
from gym_llm.envs.instruction_following.registry import INSTRUCTIONS, PUBLISHED
from gym_llm.items import message

TEN = "Tell me how a lighthouse works."
ONE_LESS = {"keyword": "a", "frequency": 1, "relation": "less than"}
FIVE = {f"keyword{n}": word for n, word in enumerate(("xa", "xb", "xc", "xd", "xe"), start=1)}

# id, arguments, text, followed as published, followed here
DIFFERENCES = [
    ("keywords:existence", {"keywords": ["cat"]}, "category", True, False),
    ("keywords:frequency", {"keyword": "cat", "frequency": 2, "relation": "at least"}, "cats Cat", True, False),
    ("keywords:word_count_different_numbers", ONE_LESS, "cat", False, True),
    ("keywords:word_once", {"keyword": "cat"}, "cat cats", False, True),
    ("count:count_increment_word", {"keyword1": "a", "keyword2": "b"}, "a b b cab", False, True),
    ("count:keywords_multiple", FIVE, "xa " + "xb " * 2 + "xc " * 3 + "xd " * 5 + "xe " * 6 + "xes", True, False),
    ("keywords:exclude_word_harder", {"keyword": "cat"}, "A cat.", True, False),
    ("keywords:palindrome", {}, "I am a bee", True, False),
    ("keywords:keyword_specific_position", {"keyword": "cat", "n": 1, "m": 2}, "A Cat.", False, True),
    ("words:keywords_specific_position", {"keyword": "cat", "n": 1, "m": 3}, "Well, cat.", True, False),
    ("copy:repeat_phrase", {"phrase": "we all go", "small_n": 2}, "we all go we can go", True, False),
    ("new:copy_span_idx", {"prompt_to_repeat": "abcdef", "n_start": 1, "n_end": 3}, "bc", True, False),
    ("repeat:repeat_span", {"prompt_to_repeat": TEN, "n_start": 1, "n_end": 3}, "me how", True, False),
    ("detectable_format:sentence_hyphens", {}, "One is.-Two is. Three is.", False, False),
    ("detectable_format:sentence_hyphens", {}, "A well-known one.", False, True),
    ("detectable_format:square_brackets", {}, "[] []", True, False),
    ("detectable_format:bigram_wrapping", {}, "one", True, False),
    ("count:count_unique", {}, "One, two, three", False, True),
    ("count:counting_composition", {"n_sent": 1, "n_words": 3}, "I go. *** I go. *** I go.", True, False),
    ("first_word:first_word_sent", {"first_word": "we"}, "", True, False),
    ("last_word:last_word_sent", {"last_word": "we"}, "", True, False),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "- one\n---", True, False),
    ("language:response_language", {"language": "de"}, "123", True, False),
    ("count:conjunctions", {"small_n": 2}, "and And", True, False),
    ("count:person_names", {"N": 1}, "Leon", True, False),
    ("sentence:keyword", {"word": "cat", "N": 1}, "Category.", True, False),
    ("words:words_position", {"keyword": "cat"}, "A Cat here", False, True),
    ("count:numbers", {"N": 1}, "1 / 2", False, False),
    ("count:numbers", {"N": 1}, "1-2", True, False),
    ("ratio:sentence_type", {}, "no mark", True, False),
    ("ratio:sentence_balance", {}, "no mark", True, False),
    ("ratio:sentence_words", {}, "I go. I go. I go.", True, False),
    ("format:output_template", {}, "Future Outlook: My Conclusion: My Answer:", True, False),
    ("format:sub-bullets", {}, "none", True, False),
    ("format:quote_unquote", {}, "none", True, False),
]  # fmt: skip


@pytest.mark.parametrize(("key", "given", "text", "published", "ours"), DIFFERENCES)
def test_faults_are_kept_only_in_compatibility(key, given, text, published, ours):
    asked = [(INSTRUCTIONS[key], INSTRUCTIONS[key].arguments(given))]
    assert grading.grade(asked, text, compat=True).strict == [published]
    assert grading.grade(asked, text).strict == [ours]


def test_every_published_check_is_shown_to_differ():
    assert set(PUBLISHED) == {key for key, _, _, published, ours in DIFFERENCES if published != ours}


@pytest.mark.parametrize("key", sorted(PUBLISHED))
def test_any_text_gets_a_plain_answer(key):
    instruction, rng = INSTRUCTIONS[key], np.random.default_rng(2)
    given = instruction.arguments(arguments.drawn(rng, key, list(instruction.model.model_fields)))
    for _ in range(40):
        text = "".join(rng.choice([*"aI é我😀 \n.,!?-*[]<>\"'"], size=int(rng.integers(0, 40))))
        assert type(PUBLISHED[key](text, **given)) is bool


# What the specification measured an empty response to pass.
EMPTY = {
    "keywords:forbidden_words": {"forbidden_words": ["a"]}, "language:response_language": {"language": "en"},
    "length_constraints:number_words": {"num_words": 3, "relation": "less than"}, "punctuation:no_comma": {},
    "detectable_format:sentence_hyphens": {}, "keywords:no_adjacent_consecutive": {},
    "detectable_format:square_brackets": {}, "keywords:exclude_word_harder": {"keyword": "a"},
    "keywords:word_count_different_numbers": ONE_LESS,
    "first_word:first_word_sent": {"first_word": "a"}, "last_word:last_word_sent": {"last_word": "a"},
    "detectable_format:bigram_wrapping": {}, "punctuation:punctuation_dot": {}, "count:count_unique": {},
    "punctuation:punctuation_exclamation": {}, "count:lowercase_counting": {"N": 2},
    "length_constraints:number_sentences": {"num_sentences": 2, "relation": "less than"},
}  # fmt: skip


@pytest.mark.parametrize("key", EMPTY)
def test_silence_is_paid_only_in_compatibility(play, key):
    metadata = {"instruction_id_list": [key], "kwargs": [EMPTY[key]], "prompt": "x"}
    row = {"id": 1, "responses_create_params": {"input": [message("x")]}, "verifier_metadata": metadata}
    assert play("InstructionFollowing", row, "", compat=True)["reward"] == 1
    assert play("InstructionFollowing", row, "")["reward"] == 0


def test_silence_is_never_paid_for_ifbench(play):
    metadata = {"instruction_id_list": ["words:repeats"], "kwargs": [{"small_n": 2}], "prompt": "x"}
    row = {"id": 1, "responses_create_params": {"input": [message("x")]}, "verifier_metadata": metadata}
    assert play("InstructionFollowing", row, "", compat=True)["reward"] == 0


@pytest.mark.parametrize("key", sorted(PUBLISHED))
def test_the_reference_solution_holds_there_too(key):
    instruction, rng = INSTRUCTIONS[key], np.random.default_rng(6)
    asked = [(instruction, instruction.arguments(arguments.drawn(rng, key, list(instruction.model.model_fields))))]
    assert grading.grade(asked, solving.solution(asked, compat=True), compat=True).strict == [True]
