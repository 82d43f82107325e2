"""XlamFC: calls against expected calls, one action that ends the episode, and generated requests."""

from __future__ import annotations

import itertools
import json
import time

import gymnasium
import jsonschema
import numpy as np
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm.envs.xlam_fc import XlamFC, requests
from gym_llm.envs.xlam_fc.matching import Call, matched, satisfies
from gym_llm.errors import ConfigError, TaskError
from gym_llm.items import assistant_message, function_call, message, reasoning


def tool(name, **properties):
    parameters = {"type": "object", "properties": properties, "required": []}
    return {"type": "function", "name": name, "description": "A tool.", "parameters": parameters, "strict": False}


TOOLS = [
    tool("weather", city={"type": "string"}, units={"type": "string", "default": "metric"}, days={"type": "integer"}),
    tool("time", city={"type": "string"}),
]
OSLO = {"name": "weather", "arguments": {"city": "Oslo", "days": 2}}
RIGA = {"name": "weather", "arguments": {"city": "Riga", "days": 2}}
LIMA = {"name": "time", "arguments": {"city": "Lima"}}


def row(*expected, **more):
    params = {"input": [message("The weather in Oslo?")], "tools": TOOLS, "parallel_tool_calls": True}
    return {"responses_create_params": params, "expected_answers": list(expected)} | more


def said(*calls, text=None):
    items = [function_call(call["name"], call["arguments"]) for call in calls]
    return items + ([assistant_message(text)] if text is not None else [])


def with_arguments(call, **arguments):
    return call | {"arguments": call["arguments"] | arguments}


CASES = [
    # right: expected, action, reward, strict, names_ok
    ([OSLO], said(OSLO), 1, 1, 1),
    ([OSLO], said(with_arguments(OSLO, days=2.0)), 1, 1, 1),
    ([OSLO, LIMA], said(LIMA, OSLO), 1, 1, 1),
    ([OSLO, OSLO], said(OSLO, OSLO), 1, 1, 1),
    ([OSLO], said(OSLO, text="One moment."), 1, 1, 1),
    ([OSLO], said(with_arguments(OSLO, units="metric")), 1, 1, 1),
    ([], said(text="Nothing to do."), 1, 1, 1),
    # right, with something invented
    ([OSLO], said(with_arguments(OSLO, units="imperial")), 1, 0, 1),
    ([OSLO], said(with_arguments(OSLO, mood="sunny")), 1, 0, 1),
    # wrong
    ([OSLO], said(LIMA), 0, 0, 0),
    ([OSLO], said(text="It is sunny."), 0, 0, 0),
    ([], said(OSLO), 0, 0, 0),
    ([], said(text=" "), 0, 0, 0),
    ([OSLO], said(text=""), 0, 0, 0),
    # nearly right
    ([OSLO, RIGA], said(OSLO), 0, 0, 0),
    ([OSLO], said(OSLO, OSLO), 0, 0, 0),
    ([OSLO, RIGA], said(OSLO, OSLO), 0, 0, 1),
    ([OSLO], said(RIGA), 0, 0, 1),
    ([OSLO], said(with_arguments(OSLO, city="oslo")), 0, 0, 1),
    ([OSLO], said(with_arguments(OSLO, days="2")), 0, 0, 1),
    ([OSLO], said({"name": "weather", "arguments": {"city": "Oslo"}}), 0, 0, 1),
    # tricked
    ([OSLO], said(OSLO, RIGA, LIMA), 0, 0, 0),
    ([OSLO], said(text=json.dumps(OSLO)), 0, 0, 0),
    ([OSLO], said({"name": "Weather", "arguments": OSLO["arguments"]}), 0, 0, 0),
    ([OSLO], said({"name": "weather", "arguments": '{"city": "Oslo", "days": 2'}), 0, 0, 1),
    ([OSLO], said({"name": "weather", "arguments": '{"city": "Riga", "city": "Oslo", "days": 2}'}), 0, 0, 1),
    ([OSLO], said({"name": "weather", "arguments": json.dumps([OSLO["arguments"]])}), 0, 0, 1),
    ([{"name": "time"}], said({"name": "time", "arguments": "not JSON"}), 0, 0, 1),
    ([{"name": "time"}], said({"name": "time", "arguments": ""}), 1, 1, 1),
]


@pytest.mark.parametrize(("expected", "action", "reward", "strict", "names"), CASES)
def test_cases(play, expected, action, reward, strict, names):
    found = play("XlamFC", row(*expected), action)
    assert found["reward"] == reward
    assert found["rewards"] == {"correct": reward, "strict": strict, "names_ok": names}
    assert found["num_expected"] == len(expected)
    assert play("XlamFC", row(*expected), action, strict=True)["reward"] == strict


def test_true_is_not_one(play):
    expected = {"name": "time", "arguments": {"exact": 1, "zones": [True]}}
    assert play("XlamFC", row(expected), said(expected))["reward"] == 1
    for changes in ({"exact": True}, {"zones": [1]}):
        assert play("XlamFC", row(expected), said(with_arguments(expected, **changes)))["reward"] == 0


def test_a_loose_call_does_not_take_a_strict_ones_place(play):
    loose, exact = {"name": "time", "arguments": {}}, LIMA
    for expected, made in itertools.product(itertools.permutations([loose, exact]), repeat=2):
        assert play("XlamFC", row(*expected), said(*made))["reward"] == 1


def test_what_is_counted(play):
    made = said(
        with_arguments(OSLO, mood="x"), {"name": "weather", "arguments": "["}, {"name": "dance", "arguments": {}}
    )
    found = play("XlamFC", row(OSLO, RIGA), made)
    assert (found["num_expected"], found["num_predicted"], found["num_correct"]) == (2, 3, 1)
    assert (found["invented_arguments"], found["invented"]) == (1, ["weather.mood"])
    assert (found["invalid_arguments"], found["unknown_tools"]) == (1, 1)
    assert found["predicted_calls"][1] == {"name": "weather", "arguments": None}


def make(given):
    env = gymnasium.make("gym_llm/XlamFC-v0", dataset=[given])
    env.reset(seed=0)
    return env


def test_the_first_calls_end_the_episode_and_are_answered():
    made = [*said(OSLO), function_call("dance", {}, "c2"), function_call("weather", "{", "c3")]
    observation, _, terminated, truncated, info = make(row(OSLO)).step(made)
    assert (terminated, truncated, info["end_reason"]) == (True, False, "verified")
    outputs = [json.loads(item["output"]) for item in observation[-3:]]
    assert outputs[0] == {"status": "recorded"}
    assert "unknown tool 'dance'" in outputs[1]["error"]
    assert "not valid JSON" in outputs[2]["error"]
    assert (info["tool_calls"], info["tool_errors"]) == (3, 2)


def test_reasoning_alone_goes_on_and_a_cut_off_response_truncates():
    env = make(row(OSLO))
    assert env.step([reasoning("hm")])[2:4] == (False, False)
    assert env.step(said(OSLO))[1:4] == (1, True, False)
    env = make(row(OSLO))
    response = {"output": said(OSLO), "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    _, reward, terminated, truncated, _ = env.step(response)
    assert (reward, terminated, truncated) == (0, False, True)


def test_the_rows_tools_are_offered():
    env = gymnasium.make("gym_llm/XlamFC-v0", dataset=[row(OSLO)])
    assert env.reset(seed=0)[1]["responses_create_params"]["tools"] == TOOLS


def test_rows_with_arguments_as_text_and_without_expected_answers(play):
    as_text = {"name": "weather", "arguments": json.dumps(OSLO["arguments"]), "id": "x"}
    assert play("XlamFC", row(as_text), said(OSLO))["reward"] == 1
    given = row()
    del given["expected_answers"]
    assert play("XlamFC", given, "Nothing to do.")["reward"] == 1


@pytest.mark.parametrize(
    "expected", [{"arguments": {}}, {"name": "f", "arguments": "{"}, {"name": "f", "arguments": [1]}]
)
def test_bad_rows_are_refused(expected):
    with pytest.raises(TaskError, match="expected_answers"):
        make(row(expected))


def test_thousands_of_calls_are_judged_in_time(play):
    begun = time.monotonic()
    expected = [with_arguments(OSLO, days=number) for number in range(6)]
    found = play("XlamFC", row(*expected), said(*[OSLO] * 20_000))
    assert (found["reward"], found["num_predicted"], found["num_correct"]) == (0, 20_000, 1)
    assert len(found["predicted_calls"]) == 20
    assert time.monotonic() - begun < 10


def test_matching_is_the_largest():
    rng = np.random.default_rng(4)
    for _ in range(300):
        calls = [
            Call("f", {key: int(rng.integers(2)) for key in "abc" if rng.random() < share})
            for share in [0.9] * 4 + [0.4] * 4
        ]
        made, expected = calls[:4], calls[4:]
        best = max(
            sum(satisfies(made[place], wanted) for place, wanted in zip(order, expected, strict=True))
            for order in itertools.permutations(range(4))
        )
        pairs = matched(made, expected)
        assert len(pairs) == len(set(pairs.values())) == best
        assert all(satisfies(made[place], expected[number]) for number, place in pairs.items())


def test_there_are_many_families():
    names = [spec["name"] for specs in requests.families().values() for spec in specs]
    assert len(requests.families()) >= 25
    assert len(names) == len(set(names))
    for specs in requests.families().values():
        for spec in specs:
            declared = requests.declaration(spec)
            jsonschema.Draft202012Validator.check_schema(declared["parameters"])
            assert all(f"{{{key}}}" in text for text in spec["requests"] for key in spec["parameters"])


@pytest.mark.parametrize("kind", [*requests.KINDS, "mixed"])
def test_generated_requests_say_what_is_expected(play, kind):
    env = gymnasium.make("gym_llm/XlamFC-v0", dataset={"num_tasks": 60, "seed": 1, "kind": kind})
    kinds = set()
    for task in env.unwrapped.tasks:
        kinds.add(task.kind)
        tools = {tool["name"]: tool["parameters"] for tool in task.create_params["tools"]}
        asked = task.prompt[0]["content"]
        assert len(tools) == 6
        assert {"single": 1, "irrelevant": 0, "no_call": 0}.get(task.kind) in (None, len(task.expected_answers))
        for call in task.expected_answers:
            jsonschema.validate(call.arguments, tools[call.name])
            values = [v for value in call.arguments.values() for v in (value if isinstance(value, list) else [value])]
            assert all(str(value) in asked for value in values)
        assert play("XlamFC", task.model_dump(), env.unwrapped.solve(task)[0], strict=True)["reward"] == 1
    assert kinds == ({kind} if kind != "mixed" else set(requests.KINDS))


def test_an_irrelevant_request_has_no_tool_of_its_family():
    families = {spec["name"]: family for family, specs in requests.families().items() for spec in specs}
    for seed in range(40):
        made = XlamFC.generate(np.random.default_rng(seed), kind="irrelevant", num_tools=20)
        asked = made["responses_create_params"]["input"][0]["content"]
        offered = {families[tool["name"]] for tool in made["responses_create_params"]["tools"]}
        beginnings = {
            family for family, specs in requests.families().items() for spec in specs for text in spec["requests"]
            if asked.startswith(text.partition("{")[0]) and text.partition("{")[0]
        }  # fmt: skip
        assert beginnings - offered


def test_generation_follows_the_seed():
    made = [XlamFC.generate(np.random.default_rng(seed)) for seed in (7, 7, 8)]
    assert made[0] == made[1] != made[2]


@pytest.mark.parametrize("knobs", [{"kind": "double"}, {"num_tools": 0}, {"num_tools": 21}, {"num_calls": 1}])
def test_bad_knobs_are_refused(knobs):
    with pytest.raises(ConfigError, match=r"the kinds are|give 1 to 20"):
        XlamFC.generate(np.random.default_rng(0), **knobs)
