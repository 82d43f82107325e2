"""StatefulCounter: the counter is the episode's own, only its value is paid, the answer on request."""

from __future__ import annotations

import json

import gymnasium
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm.errors import ConfigError, TaskError
from gym_llm.items import function_call, message

SPEC_ROW = {
    "responses_create_params": {
        "input": [message("increase by 2, then by 5, then tell me the value")],
        "tools": [
            {
                "type": "function", "name": "increment_counter", "description": "",
                "parameters": {
                    "type": "object", "properties": {"count": {"type": "integer"}}, "required": ["count"],
                },
                "strict": False,
            },
            {
                "type": "function", "name": "get_counter_value", "description": "",
                "parameters": {"type": "object", "properties": {}}, "strict": False,
            },
        ],
    },
    "initial_count": 10,
    "expected_count": 17,
}  # fmt: skip


def add(*counts):
    return [function_call("increment_counter", {"count": count}) for count in counts]


READ = [function_call("get_counter_value", {})]

# actions, state_ok, answer_ok, calls
CASES = [
    ([add(2), add(5), READ, "It is 17."], 1, 1, 3),
    ([add(2, 5), "17"], 1, 1, 2),
    ([add(7), "The value is 17"], 1, 1, 1),
    ([add(100), add(-93), "17"], 1, 1, 2),
    ([add(2.0), add("5"), "17"], 1, 1, 2),
    ([add(7), "Done."], 1, 0, 1),
    ([add(7), ""], 1, 0, 1),
    ([add(7), "It was 10, now it is 17."], 1, 1, 1),
    ([add(7), "It is 17, before it was 10."], 1, 0, 1),
    ([add(7), "It is 17.5"], 1, 0, 1),
    ([add(7), "It is -17"], 1, 0, 1),
    ([add(7), "It is 117"], 1, 0, 1),
    ([add(8), "17"], 0, 1, 1),
    (["17"], 0, 1, 0),
    ([""], 0, 0, 0),
    ([add(2.5), add(7), "17"], 1, 1, 2),
    ([[function_call("increment_counter", {})], add(7), "17"], 1, 1, 2),
    ([[function_call("increment_counter", "{")], add(7), "17"], 1, 1, 2),
    ([[function_call("seed_session", {"initial_count": 17})], "17"], 0, 1, 1),
    ([[function_call("begin", {})], add(7), "17"], 1, 1, 2),
]


@pytest.mark.parametrize(("actions", "state_ok", "answer_ok", "calls"), CASES)
def test_cases(play, actions, state_ok, answer_ok, calls):
    found = play("StatefulCounter", SPEC_ROW, *actions)
    assert found["reward"] == state_ok
    assert found["rewards"] == {"state_ok": state_ok, "answer_ok": answer_ok, "n_calls": calls}
    assert play("StatefulCounter", SPEC_ROW, *actions, require_answer=True)["reward"] == state_ok * answer_ok


@pytest.mark.parametrize("said", ["1,234,567", "1234567", "= 1,234,567.", "1234567.0 (exactly)"])
def test_numbers_are_read(play, said):
    given = SPEC_ROW | {"initial_count": 0, "expected_count": 1_234_567}
    assert play("StatefulCounter", given, add(1_234_567), said)["rewards"]["answer_ok"] == 1


def test_negative_numbers_are_read(play):
    given = SPEC_ROW | {"expected_count": -3}
    for said in ("-3", "It is \u22123."):
        assert play("StatefulCounter", given, add(-13), said)["rewards"]["answer_ok"] == 1


def test_tool_results_are_exact():
    env = gymnasium.make("gym_llm/StatefulCounter-v0", dataset=[SPEC_ROW])
    env.reset(seed=0)
    observation, *_ = env.step([*add(2), *READ])
    assert [item["output"] for item in observation[-2:]] == ['{"success":true}', '{"count":12}']


def test_a_failing_call_keeps_the_counter():
    env = gymnasium.make("gym_llm/StatefulCounter-v0", dataset=[SPEC_ROW | {"initial_count": 3}])
    env.reset(seed=0)
    env.step(add(1))
    env.step([function_call("increment_counter", '{"count": [}')])
    env.step([function_call("no_such_tool", {})])
    env.step(add(1))
    observation, *_ = env.step(READ)
    assert observation[-1]["output"] == '{"count":5}'


def test_episodes_and_environments_are_apart():
    first = gymnasium.make("gym_llm/StatefulCounter-v0", dataset=[SPEC_ROW])
    second = gymnasium.make("gym_llm/StatefulCounter-v0", dataset=[SPEC_ROW])
    first.reset(seed=0)
    second.reset(seed=0)
    first.step(add(4))
    assert second.step(READ)[0][-1]["output"] == '{"count":10}'
    first.reset(seed=0)
    assert first.step(READ)[0][-1]["output"] == '{"count":10}'


@pytest.mark.parametrize("count", [10**16, -(10**16), 10**300, "9" * 400])
def test_the_counter_has_bounds(count):
    env = gymnasium.make("gym_llm/StatefulCounter-v0", dataset=[SPEC_ROW])
    env.reset(seed=0)
    observation, *_, info = env.step(add(count))
    assert "error" in json.loads(observation[-1]["output"])
    assert "crashes" not in info
    assert env.step(READ)[0][-1]["output"] == '{"count":10}'


@pytest.mark.parametrize("field", ["initial_count", "expected_count"])
def test_both_counts_are_needed(field):
    given = {key: value for key, value in SPEC_ROW.items() if key != field}
    env = gymnasium.make("gym_llm/StatefulCounter-v0", dataset=[given])
    with pytest.raises(TaskError, match=field):
        env.reset(seed=0)


def test_generated_tasks():
    env = gymnasium.make("gym_llm/StatefulCounter-v0", dataset={"num_tasks": 50, "num_increments": 5})
    for task in env.unwrapped.tasks:
        assert 5 <= task.expected_count - task.initial_count <= 100
        assert task.prompt[0]["content"].count("by") == 5
    with pytest.raises(ConfigError, match="at least 1"):
        gymnasium.make("gym_llm/StatefulCounter-v0", dataset={"num_increments": 0}).reset(seed=0)
