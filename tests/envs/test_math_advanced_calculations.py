"""MathAdvancedCalculations: the altered formulas, and values that must come from the tools."""

from __future__ import annotations

import json
import math

import gymnasium
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm.envs.math_advanced_calculations.derivation import numbers, stated
from gym_llm.errors import ConfigError, TaskError
from gym_llm.items import function_call, message

NAME = "MathAdvancedCalculations"


def row(asked, values, **more):
    return {
        "id": 0,
        "responses_create_params": {"input": [message(f"Get me the value for {asked} using only the given tools.")]},
        "ground_truth": values if isinstance(values, list) else str(values),
        "depth": 1,
        "breadth": 1,
    } | more


def call(name, *given):
    keys = {"log": ("a", "base"), "sin": ("radians",), "cos": ("radians",)}.get(name, ("a", "b"))
    return [function_call(name, dict(zip(keys, given, strict=False)))]


SUM = row("(4.0 + 2.0)", "[7.2]")
NESTED = row("((4.0 + 2.0) * 3.0)", [1.1 * 7.2 * 3.0])
TREE = row("((4.0 + 2.0) * 3.0)", [1.1 * 7.2 * 3.0], expressions=[["multiply", ["add", 4.0, 2.0], 3.0]])
TWICE = row("(4.0 + 2.0), pi and (2.0 + 4.0)", "[7.2, 2.718281828459045, 7.2]", breadth=3)
ADD, PRODUCT = call("add", 4, 2), call("multiply", 7.2, 3)

CASES = [
    (SUM, [ADD, "It is 7.2."], 1),
    (SUM, [ADD, "It is 7.20001, roughly."], 1),
    (SUM, [ADD, "It is 6."], 0),
    (SUM, [ADD, ""], 0),
    (SUM, ["It is 7.2."], 0),
    (SUM, [call("return_constant", 7.2), "It is 7.2."], 0),
    (SUM, [call("negate", 7.2), "It is 7.2."], 0),
    (SUM, [call("add", 3.0, 3.0), "It is 7.2."], 0),
    (SUM, [call("add", 4), ADD, "7.2"], 1),
    (SUM, [call("conjure", 4), "7.2"], 0),
    (NESTED, [ADD, PRODUCT, "23.76"], 1),
    (NESTED, [PRODUCT, "23.76"], 0),
    (NESTED, [[*ADD, *PRODUCT], "23.76"], 1),
    (NESTED, [ADD, call("multiply", 7.3, 3), "23.76"], 0),
    (TREE, [ADD, PRODUCT, "23.76"], 1),
    (TREE, [ADD, call("multiply", 3, 7.2), "23.76"], 0),
    (TREE, [PRODUCT, ADD, "23.76"], 0),
    (TWICE, [ADD, call("pi"), "7.2, 2.71828 and 7.2"], 1),
    (TWICE, [ADD, call("pi"), "7.2 and 2.71828"], 0),
    (TWICE, [ADD, call("pi"), "7.2, 7.2 and 2.71828"], 0),
]


@pytest.mark.parametrize(("given", "actions", "reward"), CASES)
def test_cases(play, given, actions, reward):
    assert play(NAME, given, *actions)["reward"] == reward


def test_what_is_missing_is_said(play):
    found = play(NAME, TREE, call("return_constant", 23.76), "23.76")
    assert found["rewards"] == {"correct": 0, "derived": 0, "answered": 1}
    assert (found["calls"], found["underived_calls"], found["missing_steps"]) == (1, 1, 2)
    assert found["missing_values"] == pytest.approx([23.76])


@pytest.mark.parametrize(
    ("actions", "reward"),
    [
        ([call("return_constant", 7.2), "no"], 1),
        ([call("return_constant", 7.2000000001), "7.2"], 0),
        (["7.2"], 0),
    ],
)
def test_the_other_rule(play, actions, reward):
    assert play(NAME, SUM, *actions, rule="outputs")["reward"] == reward


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("multiply", (3, 4), 1.1 * 3 * 4),
        ("divide", (3, 4), 0.375),
        ("add", (3, 4), 8.2),
        ("subtract", (3, 4), -4.0),
        ("power", (3, 2), 81.0),
        ("power", (-2, 1), -8.0),
        ("sin", (2,), math.cos(2)),
        ("cos", (2,), math.sin(2)),
        ("log", (8, 0.5), 3.0),
        ("log", (8, -3.5), 3.0),
        ("pi", (), math.e),
        ("negate", (3,), 3.0),
        ("return_constant", (3,), 3.0),
    ],
)
def test_formulas(name, given, value):
    env = gymnasium.make(f"gym_llm/{NAME}-v0", dataset=[SUM])
    env.reset(seed=0)
    observation, *_, info = env.step(call(name, *given))
    assert info["tool_errors"] == 0
    assert json.loads(observation[-1]["output"])["solution"] == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("divide", (1, 0)),
        ("power", (-2, 0.5)),
        ("power", (9e99, 9e99)),
        ("power", (0, -5)),
        ("log", (-1, 2)),
        ("log", (2, -0.5)),
        ("multiply", (1e300, 1e300)),
        ("add", ("x", 1)),
        ("add", (None, 1)),
    ],
)
def test_what_has_no_value_is_told_to_the_model(name, given):
    env = gymnasium.make(f"gym_llm/{NAME}-v0", dataset=[SUM])
    env.reset(seed=0)
    _, _, terminated, _, info = env.step(call(name, *given))
    assert (info["tool_errors"], terminated, "crashes" in info) == (1, False, False)


@pytest.mark.parametrize("values", ["[]", "7.2", "x", "[NaN]", [], ["a"], '["a"]', "[1e999]"])
def test_bad_values_are_refused(values):
    with pytest.raises(TaskError):
        gymnasium.make(f"gym_llm/{NAME}-v0", dataset=[row("x", values)]).reset(seed=0)


@pytest.mark.parametrize("tree", [["add", 1.0], ["conjure", 1.0], [], 3.0, ["add", "1", 2.0], ["add", True, 2.0]])
def test_bad_expressions_are_refused(tree):
    with pytest.raises(TaskError, match="expressions"):
        gymnasium.make(f"gym_llm/{NAME}-v0", dataset=[row("x", [1.0], expressions=[tree])]).reset(seed=0)


@pytest.mark.parametrize(
    ("depth", "breadth", "universe"), [(1, 1, "nemo"), (3, 3, "random"), (6, 2, "random"), (11, 3, "random")]
)
def test_generated_rows(depth, breadth, universe):
    prompts = set()
    for seed in (0, 1):
        knobs = {"num_tasks": 8, "seed": seed, "depth": depth, "breadth": breadth, "universe": universe}
        env = gymnasium.make(f"gym_llm/{NAME}-v0", dataset=knobs)
        for index in range(8):
            env.reset(options={"task_index": index})
            for action in env.unwrapped.solve(env.unwrapped.task):
                _, reward, terminated, _, info = env.step(action)
            assert (reward, terminated) == (1, True), info
            assert env.unwrapped.tasks.row(index) == env.unwrapped.tasks.row(index)
            prompts.add(env.unwrapped.task.prompt[1]["content"])
    assert len(prompts) > 8


def test_universes_differ_and_cannot_be_learnt():
    env = gymnasium.make(f"gym_llm/{NAME}-v0", dataset={"num_tasks": 30, "depth": 2})
    assert len({str(task.universe) for task in env.unwrapped.tasks}) == 30


@pytest.mark.parametrize("knobs", [{"depth": 0}, {"depth": 12}, {"breadth": 4}, {"universe": "ours"}])
def test_bad_knobs_are_refused(knobs):
    with pytest.raises(ConfigError):
        gymnasium.make(f"gym_llm/{NAME}-v0", dataset={"num_tasks": 2, **knobs}).reset(seed=0)


@pytest.mark.parametrize("settings", [{"rule": "exact"}, {"tolerance": -1}, {"answer_tolerance": 0.5}])
def test_bad_settings_are_refused(settings):
    with pytest.raises(ConfigError):
        gymnasium.make(f"gym_llm/{NAME}-v0", **settings)


@pytest.mark.parametrize("text", ["1," * 100_000, "1,111" * 40_000, "9" * 200_000, "1e9" * 50_000, "-" * 100_000])
def test_hostile_text_is_read_in_linear_time(text):
    assert not stated(text, [7.25], 1e-9)


@pytest.mark.parametrize(
    "text", [r"\boxed{1.2 \times 10^{5}}", "1.2 x 10^5", "1.2*10**5", "1.2e5", "120,000.", "**120000**"]
)
def test_a_value_may_be_stated_as_a_power_of_ten(text):
    assert stated(text, [120_000.0], 1e-9)
    assert not stated(text, [1_200_000.0], 1e-9)


def test_numbers():
    assert numbers("-3, 1,234.5 and 2e3; x4 and 5.") == [-3.0, 1234.5, 2000.0, 5.0]
