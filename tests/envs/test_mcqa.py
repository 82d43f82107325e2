"""MCQA: rows are checked when they are loaded, custom regexes are contained, options can be shuffled."""

from __future__ import annotations

import time

import gymnasium
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm.errors import ConfigError, TaskError
from gym_llm.items import assistant_message, function_call, message, reasoning

LETTERS = "ABCD"


def row(gold="C", letters=LETTERS, regex=None, mode=None, **more):
    made = {
        "responses_create_params": {"input": [message("Which?\n" + "\n".join(f"{c}: opt{c}" for c in letters))]},
        "options": [{letter: f"opt{letter}"} for letter in letters],
        "expected_answer": gold,
    }
    if mode:
        made["grading_mode"] = mode
    if regex is not None:
        made["template_metadata"] = {"output_regex": regex, "template_id": "t", "weight": 1.0}
    return made | more


SPEC_ROW = {
    "responses_create_params": {
        "input": [
            {
                "role": "user",
                "content": "Which gas do plants absorb? ... put the letter in \\boxed{}\nA: O2\nB: CO2",
            }
        ]
    },
    "options": [{"A": "O2"}, {"B": "CO2"}],
    "expected_answer": "B",
    "grading_mode": "strict_single_letter_boxed",
    "uuid": "x-1",
}

CASES = [
    (row(), "The answer is C.", 0, None),
    (row(), r"\boxed{ [C] }", 1, "C"),
    (row(), r"\boxed{B}", 0, "B"),
    (row(), "", 0, None),
    (row(mode="lenient_boxed"), r"\boxed{ optC }", 1, "C"),
    (row(mode="lenient_answer_colon"), "Answer: c", 1, "C"),
    (row(mode="lenient_answer_colon"), "Answer: optC", 1, "C"),
    (row(mode="lenient_answer_colon"), "**Answer: C**", 0, None),
    (row("B", "AB", r"Option Selected:\s*([A-Za-z])"), "Option Selected: B", 1, "B"),
    (row("B", regex=r"ANSWER IS ([A-Z])"), "ANSWER IS b", 1, "B"),
    (row("B", regex=[r"Answer:\s*([A-D])", r"Antwort:\s*([A-D])"]), "Antwort: B", 1, "B"),
    (row("B", regex="[أ-د]"), "الجواب ب", 1, "B"),
    (row("B", regex=r"Answer:\s*([A-D])"), "Answer: A? ... Answer: B", 1, "B"),
    (row("B", regex="(["), r"\boxed{B}", 1, "B"),
    (row("B", "", regex=r"Selected:\s*([A-Z])"), "Selected: B", 1, "B"),
    (row("B", regex="(a)(b)"), r"ab \boxed{B}", 1, "B"),
    (row("B", regex=["(", "(x)(y)", r"choice (\w+)"]), "choice optB", 1, "B"),
    (row("B", regex=r"choice (\w)"), r"choice Z, so \boxed{B}", 0, None),
    (row("B", regex=r"choice (\w+)"), r"choice none, so \boxed{B}", 1, "B"),
    (row("B", regex=""), r"\boxed{B}", 1, "B"),
    (row("B", regex=[]), r"\boxed{B}", 1, "B"),
    (row(" b "), r"\boxed{B}", 1, "B"),
    (SPEC_ROW, r"Plants breathe it in: \boxed{B}", 1, "B"),
    (SPEC_ROW, r"\boxed{A}", 0, "A"),
]


@pytest.mark.parametrize(("given", "text", "reward", "letter"), CASES)
def test_cases(play, given, text, reward, letter):
    found = play("MCQA", given, *([text] if text else [""]))
    assert (found["reward"], found["extracted_answer"]) == (reward, letter)
    assert found["rewards"] == {"correct": reward, "format_ok": float(letter is not None)}
    assert found["expected_answer"] == given["expected_answer"].strip().upper()


def test_the_setting_overrides_the_row(play):
    given = row("B", mode="strict_single_letter_boxed")
    text = "So.\nAnswer: B"
    assert play("MCQA", given, text)["reward"] == 0
    found = play("MCQA", given, text, grading_mode="lenient_answer_colon_md")
    assert (found["reward"], found["grading_mode"]) == (1, "lenient_answer_colon_md")


def test_only_the_last_message_counts(play):
    two = [assistant_message(r"\boxed{C}"), assistant_message("I am not sure.")]
    assert play("MCQA", row(), two)["reward"] == 0
    split = [assistant_message(r"\boxed{"), assistant_message("C}")]
    assert play("MCQA", row(), split)["reward"] == 0


def test_reasoning_is_no_answer(play):
    found = play("MCQA", row(), [reasoning(r"\boxed{C}")], [reasoning(r"\boxed{C}")], r"\boxed{C}")
    assert found["reward"] == 1
    assert play("MCQA", row(), *[[reasoning(r"\boxed{C}")]] * 4)["reward"] == 0


def test_a_call_is_answered_and_the_episode_goes_on(play):
    assert play("MCQA", row(), [function_call("verify", {})], r"\boxed{C}")["reward"] == 1


def test_a_regex_without_end_is_killed_and_said(play):
    begun = time.monotonic()
    found = play("MCQA", row("B", regex="(a+)+$"), "a" * 60 + r"! \boxed{B}", regex_timeout=0.3)
    assert (found["reward"], found["extracted_answer"]) == (1, "B")
    assert found["reason"] == "regex 1: it ran longer than 0.3 seconds; the letter in the last box"
    assert time.monotonic() - begun < 20


def test_reasons_name_the_regex(play):
    found = play("MCQA", row("B", regex=["([", "(a)(b)", "x"]), "no")
    assert "regex 1: it is no valid regex" in found["reason"]
    assert "regex 2: it has 2 groups" in found["reason"]
    assert found["reason"].endswith("regex 3: it does not match; there is no \\boxed{}")


@pytest.mark.parametrize(
    ("given", "field", "reason"),
    [
        (row("E"), "expected_answer", "E is none of the options A, B, C, D"),
        (row("AB"), "expected_answer", "must be the letter of an option"),
        (row(""), "expected_answer", "must be the letter of an option"),
        (row("1"), "expected_answer", "must be the letter of an option"),
        (row(None), "expected_answer", "must be the letter of an option"),
        (row("B", ""), "expected_answer", "no option has a letter and a text"),
        (row(options=[{"A": "x"}, {"C": None}]), "expected_answer", "C is none of the options A"),
        (row(options=[{"A": 5}]), "options.0.A", "string"),
        (row(mode="lenient_answer_colon_md"), "grading_mode", "strict_single_letter_boxed"),
        (row(template_metadata={"output_regex": 5}), "template_metadata.output_regex.str", "string"),
    ],
)
def test_bad_rows_are_refused(given, field, reason):
    env = gymnasium.make("gym_llm/MCQA-v0", dataset=[row(), given])
    with pytest.raises(TaskError, match=reason) as caught:
        env.reset(options={"task_index": 1})
    assert (caught.value.line, caught.value.field) == (2, field)


@pytest.mark.parametrize(
    "more",
    [
        {"options": [{"A": "x", "B": "y"}, {"C": "z"}]},
        {"options": [{"a": "x"}, {"b": None}, {"c": "z"}]},
        {"options": [{"A": "x"}, {"C": "z"}, {"": "q"}, {"AB": "q"}, {"3": "q"}]},
        {"reward_profiles": [{"model_hf_path": "m", "num_generations": 4, "pass_rate": 0.5}]},
        {"metadata": {"k": 1}, "agent_ref": {"name": "mcqa_simple_agent"}, "template_metadata": None},
        {"template_metadata": {"template_prompt": "{q}", "prompt_type": "x", "format_type": "y"}},
    ],
)
def test_odd_rows_load(play, more):
    assert play("MCQA", row(**more), r"\boxed{C}")["reward"] == 1


def test_an_unknown_mode_is_refused():
    with pytest.raises(ConfigError, match="Did you mean 'lenient_boxed'"):
        gymnasium.make("gym_llm/MCQA-v0", grading_mode="lenient_box")


def shuffled(given, seed, **kwargs):
    env = gymnasium.make("gym_llm/MCQA-v0", dataset=[given], shuffle_options=True, **kwargs)
    observation, _ = env.reset(seed=seed)
    return env, observation


def test_shuffling_follows_the_seed_and_stays_consistent():
    orders = set()
    for seed in range(30):
        env, observation = shuffled(row(), seed)
        assert shuffled(row(), seed)[1] == observation
        lines = dict(line.split(": ") for line in observation[0]["content"].splitlines()[1:])
        assert sorted(lines) == list(LETTERS)
        assert sorted(lines.values()) == sorted(f"opt{letter}" for letter in LETTERS)
        gold = next(letter for letter, text in lines.items() if text == "optC")
        for letter in LETTERS:
            env.reset(seed=seed)
            _, reward, *_, info = env.step([assistant_message(rf"\boxed{{{letter}}}")])
            assert reward == float(letter == gold)
        assert info["verification"]["expected_answer"] == gold
        assert info["verification"]["option_order"][gold] == "C"
        orders.add(observation[0]["content"])
    assert len(orders) > 8


def test_shuffling_leaves_the_task_alone():
    env, _ = shuffled(row(), 1)
    assert env.unwrapped.task.prompt[0]["content"] == row()["responses_create_params"]["input"][0]["content"]
    assert env.unwrapped.tasks.row(0) == row()


@pytest.mark.parametrize(
    "style", ["{}: {}", "{}) {}", "({}) {}", "{}. {}", "[{}] {}", "- {}: {}", "**{}**: {}", "  {} - {}"]
)
def test_shuffling_knows_labels(style):
    prompt = "Which?\r\n" + "\n".join(style.format(letter, f"opt{letter} A") for letter in LETTERS)
    parts = [{"type": "input_image", "image_url": "x"}, {"type": "input_text", "text": prompt}]
    given = row(
        responses_create_params={"input": [message("Be brief.", "system"), {"role": "user", "content": parts}]},
        options=[{letter: f"opt{letter} A"} for letter in LETTERS],
    )
    env, observation = shuffled(given, 3)
    text = observation[1]["content"][1]["text"]
    assert text != prompt
    assert sorted(text.split()) == sorted(prompt.split())
    assert env.step(env.unwrapped.solve(env.unwrapped.task)[0])[1] == 1


@pytest.mark.parametrize("prompt", ["Which?", "A: optA, B: optB, C: optC, D: optD", "A: optA\nA: optA\nB: optB"])
def test_options_that_cannot_be_found_are_refused(prompt):
    with pytest.raises(ConfigError, match=r"shuffle_options=True: option A .* stands on . lines"):
        shuffled(row(responses_create_params={"input": prompt}), 0)


@pytest.mark.parametrize("last", ["All of the above", "Both A and B", "none of these", "A or C"])
def test_options_that_speak_of_others_keep_their_order(last):
    texts = ["cat", "dog", "cow", last]
    prompt = "Which?\n" + "\n".join(f"{letter}: {text}" for letter, text in zip(LETTERS, texts, strict=True))
    given = row(
        responses_create_params={"input": prompt},
        options=[{letter: text} for letter, text in zip(LETTERS, texts, strict=True)],
    )
    for seed in range(5):
        assert shuffled(given, seed)[1][0]["content"] == prompt


@pytest.mark.parametrize("kind", ["arithmetic", "facts", "mixed"])
@pytest.mark.parametrize("num_options", [2, 10])
def test_generated_questions(kind, num_options):
    knobs = {"num_tasks": 60, "seed": 4, "kind": kind, "num_options": num_options}
    env = gymnasium.make("gym_llm/MCQA-v0", dataset=knobs)
    golds = set()
    for index in range(60):
        task = env.unwrapped.tasks[index]
        assert len(set(task.choices.values())) == num_options
        golds.add(task.gold)
    assert len(golds) > num_options // 2


@pytest.mark.parametrize("knobs", [{"num_options": 1}, {"kind": "poetry"}, {"grading_mode": "x"}, {"colour": 1}])
def test_bad_knobs_are_refused(knobs):
    env = gymnasium.make("gym_llm/MCQA-v0", dataset={"num_tasks": 3, **knobs})
    with pytest.raises(ConfigError):
        env.reset(seed=0)
