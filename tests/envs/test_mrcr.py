"""MRCR: nothing without the prefix, then difflib's ratio in bounded time, and the generator's conversations."""

from __future__ import annotations

import difflib
import time

import gymnasium
import numpy as np
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm.envs.mrcr import MRCR, matching
from gym_llm.errors import ConfigError, TaskError
from gym_llm.items import assistant_message, message, reasoning

NEEDLE = "The lamp hums in Keld.\nNobody but Mira heard the tide turn."
OTHER = "The door waits in Varde.\nNobody but Emil saw the snow fall."
INPUT = [
    message("Write a poem about tides."), message(OTHER, "assistant"),
    message("Write a poem about tides."), message(NEEDLE, "assistant"),
    message("Begin with Xy7 and repeat the second poem about tides."),
]  # fmt: skip


def row(**more):
    return {
        "responses_create_params": {"input": INPUT}, "expected_answer": "Xy7" + NEEDLE,
        "random_string_to_prepend": "Xy7", "n_needles": 2, "n_tokens": 90,
    } | more  # fmt: skip


def like(left, right):
    return difflib.SequenceMatcher(None, left, right, autojunk=False).ratio()


CASES = [
    # right
    ("Xy7" + NEEDLE, 1, 1),
    ("\n Xy7" + NEEDLE + "\n\n", 1, 1),
    ("Xy7\n\n" + NEEDLE, 1, 1),
    # wrong
    ("", 0, 0),
    ("Xy7", 1, 0),
    ("Xy7 " + "9" * 80, 1, 0),
    # nearly right
    ("Xy7" + NEEDLE.replace("hums", "sings"), 1, None),
    ("Xy7" + NEEDLE[:30], 1, None),
    ("Xy7Here it is: " + NEEDLE, 1, None),
    ("Xy7" + OTHER, 1, None),
    # tricked
    (NEEDLE, 0, 0),
    ("xy7" + NEEDLE, 0, 0),
    ("Here it is: Xy7" + NEEDLE, 0, 0),
    ("**Xy7**" + NEEDLE, 0, 0),
]


@pytest.mark.parametrize(("text", "prefix_ok", "reward"), CASES)
def test_cases(play, text, prefix_ok, reward):
    found = play("MRCR", row(), text)
    rest = text.strip().removeprefix("Xy7").strip()
    assert found["reward"] == pytest.approx(like(rest, NEEDLE) if reward is None else reward)
    assert found["rewards"] == {"ratio": found["reward"], "prefix_ok": prefix_ok, "exact": float(reward == 1)}
    assert (0 < found["reward"] < 1) is (reward is None)
    assert found["compared_whole"]
    assert found["wrong_needle"] is (rest == OTHER)


def test_another_message_pays_less_than_a_slip(play):
    slip, other = (play("MRCR", row(), "Xy7" + text)["reward"] for text in (NEEDLE[:-1] + "!", OTHER))
    assert slip > 0.97 > other


def test_a_least_ratio_leaves_nothing_for_other_text(play):
    for text, paid in ((NEEDLE[:-1], True), (OTHER, False), ("The tide is high.", False)):
        found = play("MRCR", row(), "Xy7" + text, min_ratio=0.9)
        assert (found["reward"] == found["rewards"]["ratio"]) is paid
        assert paid or found["reward"] == 0
    with pytest.raises(ConfigError, match="min_ratio=2"):
        gymnasium.make("gym_llm/MRCR-v0", min_ratio=2)


def test_the_last_message_counts_and_reasoning_does_not(play):
    right = "Xy7" + NEEDLE
    assert play("MRCR", row(), [assistant_message(right), assistant_message("Done.")])["reward"] == 0
    assert play("MRCR", row(), [reasoning(right), assistant_message("Done.")])["reward"] == 0
    assert play("MRCR", row(), [reasoning("hm"), assistant_message(right)])["reward"] == 1


def test_frequent_letters_are_no_junk(play):
    needle = "ab cd " * 100 + "end"
    given = row(expected_answer="Xy7" + needle)
    with_slip = needle[:300] + "#" + needle[300:]
    assert play("MRCR", given, "Xy7" + with_slip)["reward"] == pytest.approx(like(with_slip, needle))
    assert play("MRCR", given, "Xy7" + with_slip)["reward"] > 0.99


def test_an_answer_without_its_prefix_is_a_row(play):
    assert play("MRCR", row(expected_answer=NEEDLE, desired_msg_index=3), "Xy7" + NEEDLE)["reward"] == 1


@pytest.mark.parametrize("letters", ["ab", "abcd", "abcdefghij \n", "aé\U0001f600\u0000"])
def test_the_ratio_is_difflibs(letters):
    rng = np.random.default_rng(3)
    for _ in range(150):
        left, right = ("".join(rng.choice(list(letters), size=int(rng.integers(0, 50)))) for _ in range(2))
        assert matching.ratio(left, right)[0] == pytest.approx(like(left, right) if left + right else 1)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("e" * 1_000_000, "tree " * 800),
        ("ab" * 10_000, "ba" * 9_000 + "c"),
        ("".join(chr(97 + n % 26) for n in range(2500)), "".join(chr(97 + n * 7 % 26) for n in range(2500))),
        ("\ud800" * 1000, "x" * 1000),
    ],
)
def test_work_is_bounded(left, right):
    begun = time.monotonic()
    value, _ = matching.ratio(left, right, budget=50_000_000)
    assert time.monotonic() - begun < 3
    assert 0 <= value < 1


def test_a_slip_in_a_text_beyond_the_budget_still_pays():
    text = "".join(np.random.default_rng(0).choice(list("abcdefgh "), size=200_000))
    assert matching.ratio(text, text[:70_000] + "X" + text[70_001:]) == (pytest.approx(0.999995), True)


@pytest.mark.parametrize(
    "more",
    [{"random_string_to_prepend": ""}, {"expected_answer": "Xy7"}, {"expected_answer": ""}, {"n_needles": "two"}],
)
def test_bad_rows_are_refused(more):
    with pytest.raises(TaskError, match=next(iter(more))):
        gymnasium.make("gym_llm/MRCR-v0", dataset=[row(**more)]).reset(seed=0)


ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"]


@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"num_needles": 1, "num_messages": 1, "num_sentences": 1},
        {"num_needles": 8, "num_messages": 60, "num_sentences": 2},
        {"num_needles": 4, "num_tokens": 5000},
    ],
)
def test_generated_needles_are_what_is_asked_for(knobs):
    env = gymnasium.make("gym_llm/MRCR-v0", dataset={"num_tasks": 15, "seed": 2, **knobs})
    for task in env.unwrapped.tasks:
        *written, asked = (item["content"] for item in task.prompt)
        assert len(written) == 2 * knobs.get("num_messages", len(written) // 2)
        ordinal = next(place for place, word in enumerate(ORDINALS) if f"the {word} " in asked)
        kind = asked.partition(f"the {ORDINALS[ordinal]} ")[2].partition(" that you wrote")[0]
        like_it = [reply for request, reply in zip(written[::2], written[1::2], strict=True) if kind in request]
        assert len(like_it) == len(set(like_it)) == task.n_needles == knobs.get("num_needles", 2)
        assert task.needle == like_it[ordinal]
        assert task.random_string_to_prepend in asked
        assert task.random_string_to_prepend not in "".join(written)
        env.reset(options={"task": task.model_dump()})
        assert env.step(env.unwrapped.solve(task)[0])[1] == 1


def test_generation_follows_the_seed():
    made = [MRCR.generate(np.random.default_rng(seed)) for seed in (7, 7, 8)]
    assert made[0] == made[1] != made[2]


def test_a_hundred_thousand_tokens_are_made_quickly():
    begun = time.monotonic()
    made = MRCR.generate(np.random.default_rng(1), num_tokens=100_000, num_needles=8)
    assert time.monotonic() - begun < 5
    assert 90_000 < made["n_tokens"] < 110_000


@pytest.mark.parametrize("knobs", [{"num_needles": 0}, {"num_needles": 9}, {"num_messages": 1}, {"num_sentences": 0}])
def test_bad_knobs_are_refused(knobs):
    with pytest.raises(ConfigError, match="give 1 to 8"):
        MRCR.generate(np.random.default_rng(0), **knobs)
