"""MultiNeedle: the specification's rule exactly, its weaknesses mended, tasks from the generator."""

from __future__ import annotations

import gymnasium
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm.errors import ConfigError, TaskError
from gym_llm.items import function_call, message

SPEC_ROW = {
    "id": 9,
    "responses_create_params": {
        "input": [
            message("Cold -> Frosty\nHot -> Blazing\nCold -> Icy", "system"),
            message("How cold is Cold?"),
        ]
    },
    "expected_synonyms": ["Frosty", "Icy"],
    "expected_synonym_values": [647, 293],
    "minefield_label": "Cold",
    "minefield_label_value": 386,
}


def submit(values, **more):
    return [function_call("extract_synonym_values", {"synonym_values": values, **more})]


def look_up(*words):
    return [function_call("get_synonym_value", {"synonym": word}) for word in words]


RIGHT = [647, 293]
# what is submitted: reward, overlap, minefield hit, order failure, extra, missing, order_ok
SUBMITTED = [
    (RIGHT, 1, 1.0, False, False, [], [], True),
    ([647.0, 293], 1, 1.0, False, False, [], [], True),
    ([293, 647], 0, 1.0, False, True, [], [], False),
    ([647], 0, 0.5, False, False, [], [293], True),
    ([647, 293, 1], 0, 1.0, False, True, [1], [], True),
    ([647, 293, 293], 0, 1.0, False, True, [293], [], True),
    ([647, 386], 0, 0.5, True, False, [386], [293], True),
    (["Cold"], 0, 0.0, True, False, ["Cold"], RIGHT, True),
    ([], 0, 0.0, False, False, [], RIGHT, True),
    (["647", "293"], 0, 0.0, False, False, ["647", "293"], RIGHT, True),
    ([[647], {"a": 1}, None], 0, 0.0, False, False, [[647], {"a": 1}, None], RIGHT, True),
]


@pytest.mark.parametrize(
    ("values", "reward", "overlap", "hit", "order_failure", "extra", "missing", "order"), SUBMITTED
)
def test_submissions(play, values, reward, overlap, hit, order_failure, extra, missing, order):
    found = play("MultiNeedle", SPEC_ROW, submit(values), "Done.")
    assert found == {
        "reward": reward, "parsed_synonym_values": values, "accuracy": bool(reward), "set_overlap": overlap,
        "original_term_minefield_hit": hit, "order_instruction_following_failure": order_failure,
        "extra_values": extra, "missing_values": missing, "order_ok": order, "all_looked_up": values == [],
        "problem": None,
    }  # fmt: skip


def test_a_duplicate_caps_the_overlap(play):
    given = SPEC_ROW | {"expected_synonym_values": [647, 647]}
    found = play("MultiNeedle", given, submit([647, 647]), "Done.")
    assert (found["reward"], found["set_overlap"]) == (1, 0.5)


@pytest.mark.parametrize(
    ("actions", "reward"),
    [
        ([look_up("Frosty"), look_up("Icy"), submit(RIGHT), "Done."], 1),
        ([look_up("Frosty", "Icy"), submit(RIGHT), ""], 1),
        ([submit([1]), submit(RIGHT), "Done."], 1),
        ([submit(RIGHT), submit([1]), "Done."], 0),
        ([submit(RIGHT, note="x"), "Done."], 1),
        (["647, 293"], 0),
        ([""], 0),
        ([look_up("Frosty", "Icy"), "647, 293"], 0),
    ],
)
def test_the_last_submission_counts(play, actions, reward):
    assert play("MultiNeedle", SPEC_ROW, *actions)["reward"] == reward


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("{", "not valid JSON"),
        ("", "not valid JSON"),
        ("[647, 293]", "no list synonym_values"),
        ("{}", "no list synonym_values"),
        ('{"synonym_values": "647, 293"}', "no list synonym_values"),
        ('{"synonym_values": null}', "no list synonym_values"),
        ('{"synonym_values": [647, 293]', "not valid JSON"),
        ('{"synonym_values": [' + "1," * 600_000 + "1]}", "not valid JSON"),
    ],
)
def test_a_submission_that_cannot_be_read_is_empty(play, arguments, problem):
    bad = [function_call("extract_synonym_values", arguments)]
    found = play("MultiNeedle", SPEC_ROW, submit(RIGHT), bad, "Done.")
    assert (found["reward"], found["parsed_synonym_values"]) == (0, [])
    assert problem in found["problem"]


def test_a_huge_submission_is_judged_and_shown_in_part(play):
    found = play("MultiNeedle", SPEC_ROW, submit([1] * 300_000), "Done.")
    assert found["reward"] == 0
    assert len(found["parsed_synonym_values"]) == len(found["extra_values"]) == 1000


@pytest.mark.parametrize(
    ("actions", "reward"),
    [
        ([look_up("Frosty", "Icy"), submit(RIGHT), ""], 1),
        ([look_up("Icy"), look_up("Frosty"), submit(RIGHT), ""], 1),
        ([look_up("Frosty"), submit(RIGHT), ""], 0),
        ([submit(RIGHT), ""], 0),
        ([submit(RIGHT), look_up("Frosty", "Icy"), ""], 0),
        ([[*submit(RIGHT), *look_up("Frosty", "Icy")], ""], 0),
        ([[*look_up("Frosty", "Icy"), *submit(RIGHT)], ""], 1),
    ],
)
def test_look_ups_can_be_asked_for(play, actions, reward):
    found = play("MultiNeedle", SPEC_ROW, *actions, require_lookup=True)
    assert (found["reward"], found["all_looked_up"]) == (reward, bool(reward))
    assert play("MultiNeedle", SPEC_ROW, *actions)["reward"] == 1


@pytest.mark.parametrize(
    ("text", "value"), [("Cold", 386), ("cold", 418), (" Cold", 418), ("", 0), ("é", 233), ("\U0001f600", 128512)]
)
def test_values_are_sums_of_code_points(text, value):
    env = gymnasium.make("gym_llm/MultiNeedle-v0", dataset=[SPEC_ROW])
    env.reset(seed=0)
    observation, *_ = env.step(look_up(text))
    assert observation[-1]["output"] == f'{{"synonym_value":{value}}}'


def test_a_submission_is_answered():
    env = gymnasium.make("gym_llm/MultiNeedle-v0", dataset=[SPEC_ROW])
    env.reset(seed=0)
    assert env.step(submit(RIGHT))[0][-1]["output"] == '{"success":true}'


def test_expected_values_must_not_be_empty():
    env = gymnasium.make("gym_llm/MultiNeedle-v0", dataset=[SPEC_ROW | {"expected_synonym_values": []}])
    with pytest.raises(TaskError, match="expected_synonym_values"):
        env.reset(seed=0)


@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"num_terms": 1, "num_synonyms": 1, "distractors": 0},
        {"num_terms": 100, "num_synonyms": 6, "distractors": 1},
        {"num_terms": 5, "num_synonyms": 6, "distractors": 0.5},
    ],
)
def test_generated_tables_hold_the_answer(knobs):
    env = gymnasium.make("gym_llm/MultiNeedle-v0", dataset={"num_tasks": 20, "seed": 1, **knobs})
    for task in env.unwrapped.tasks:
        table, asked = (item["content"] for item in task.prompt)
        pairs = [line.split(" -> ") for line in table.rpartition("\n\n")[2].splitlines()]
        found = [synonym for term, synonym in pairs if term == task.minefield_label]
        assert found == task.expected_synonyms
        assert [sum(map(ord, synonym)) for synonym in found] == task.expected_synonym_values
        assert task.minefield_label in asked
        assert task.minefield_label_value not in task.expected_synonym_values
        assert len(found) == knobs.get("num_synonyms", 3)
        near = sum(task.minefield_label in term and term != task.minefield_label for term, _ in pairs)
        assert near == round(knobs.get("distractors", 0.2) * (len(pairs) - near))


def test_distinct_seeds_give_distinct_tasks():
    made = [gymnasium.make("gym_llm/MultiNeedle-v0", dataset={"num_tasks": 50, "seed": seed}) for seed in (0, 1)]
    prompts = {str(task.prompt) for env in made for task in env.unwrapped.tasks}
    assert len(prompts) == 100


@pytest.mark.parametrize("knobs", [{"num_terms": 0}, {"num_terms": 101}, {"num_synonyms": 7}, {"distractors": 1.5}])
def test_bad_knobs_are_refused(knobs):
    with pytest.raises(ConfigError, match="give 1 to"):
        gymnasium.make("gym_llm/MultiNeedle-v0", dataset={"num_tasks": 2, **knobs}).reset(seed=0)
