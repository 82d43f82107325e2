"""SimpleWeather: right, wrong, nearly right and tricked answers; rows without `cities`; the exact tool result."""

from __future__ import annotations

import json

import gymnasium
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm.items import function_call, message

SPEC_ROW = {
    "responses_create_params": {
        "input": [
            {"role": "developer", "content": "You answer weather questions."},
            {"role": "user", "content": "Do I need a coat in Oslo?"},
        ],
        "tools": [
            {
                "type": "function", "name": "get_weather", "description": "",
                "parameters": {
                    "type": "object", "properties": {"city": {"type": "string", "description": ""}},
                    "required": ["city"], "additionalProperties": False,
                },
                "strict": True,
            }
        ],
    }
}  # fmt: skip


def row(*cities):
    return {"responses_create_params": {"input": [message("Which weather is it there?")]}, "cities": list(cities)}


def calls(*cities):
    return [function_call("get_weather", {"city": city}) for city in cities]


COLD = "Yes: it is cold."

CASES = [
    ("right", row("Oslo"), [calls("Oslo"), COLD], 1),
    ("right, other spelling", row("Oslo"), [calls(" oslo, Norway"), "COLD!"], 1),
    ("right, two at once", row("Oslo", "Lima"), [calls("Lima", "Oslo"), COLD], 1),
    ("right, one after the other", row("Oslo", "Lima"), [calls("Lima"), calls("Oslo"), COLD], 1),
    ("one missing", row("Oslo", "Lima"), [calls("Lima"), COLD], 0),
    ("one too many", row("Oslo"), [calls("Lima", "Oslo"), COLD], 0),
    ("twice", row("Oslo"), [calls("Oslo", "Oslo"), COLD], 0),
    ("no call", row("Oslo"), [COLD], 0),
    ("no answer", row("Oslo"), [calls("Oslo"), ""], 0),
    ("wrong answer", row("Oslo"), [calls("Oslo"), "It is warm."], 0),
    ("negated", row("Oslo"), [calls("Oslo"), "It is not cold, it isn't cold, it is not very cold."], 0),
    ("inside a word", row("Oslo"), [calls("Oslo"), "He scolded me."], 0),
    ("a failed call", row("Oslo"), [[function_call("get_weather", {})], calls("Oslo"), COLD], 0),
    ("an extra argument", row("Oslo"), [[function_call("get_weather", {"city": "Oslo", "x": 1})], COLD], 0),
    ("an unknown tool", row("Oslo"), [[function_call("verify", {})], calls("Oslo"), COLD], 0),
    ("no city: asks", row(), ["Which city do you mean?"], 1),
    ("no city: asks without asking", row(), ["I do not know the city."], 0),
    ("no city: invents a call", row(), [calls("Oslo"), "Which city do you mean? Oslo is cold."], 0),
    ("no city: says nothing", row(), [""], 0),
    ("no city: repeats the question", row(), ["Which weather is it there? Which city?"], 0),
    ("no field: one call", SPEC_ROW, [calls("Oslo"), COLD], 1),
    ("no field: two calls", SPEC_ROW, [calls("Oslo", "Lima"), COLD], 1),
    ("no field: twice the same", SPEC_ROW, [calls("Oslo", "Oslo"), COLD], 0),
    ("no field: no call", SPEC_ROW, [COLD], 0),
    ("no field: asks back", SPEC_ROW, ["Which city?"], 0),
    ("no field: empty city", SPEC_ROW, [calls(""), COLD], 0),
    ("no field: empty answer", SPEC_ROW, [calls("Oslo"), ""], 0),
]


@pytest.mark.parametrize(("given", "actions", "reward"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_cases(play, given, actions, reward):
    found = play("SimpleWeather", given, *actions)
    assert found["reward"] == reward
    assert found["rewards"]["answered"] == reward
    assert play("SimpleWeather", given, *actions, compat=True)["reward"] == 1


def test_named_rewards_say_what_was_missing(play):
    assert play("SimpleWeather", row("Oslo"), calls("Oslo"), "Warm.")["rewards"] == {
        "called_tool": 1, "args_valid": 1, "answered": 0,
    }  # fmt: skip
    assert play("SimpleWeather", row("Oslo"), [function_call("get_weather", "{")], COLD)["rewards"] == {
        "called_tool": 0, "args_valid": 0, "answered": 0,
    }  # fmt: skip


@pytest.mark.parametrize("city", ["Oslo", "Zürich", 'a "quoted" \\ name', "東京"])
def test_the_result_is_exact(city):
    env = gymnasium.make("gym_llm/SimpleWeather-v0", dataset=[SPEC_ROW])
    env.reset(seed=0)
    observation, *_ = env.step(calls(city))
    assert observation[-1]["output"] == json.dumps(
        {"city": city, "weather_description": f"The weather in {city} is cold."},
        ensure_ascii=False, separators=(",", ":"),
    )  # fmt: skip


@pytest.mark.parametrize("arguments", ["{", "[]", '{"city": 5}', '{"city": null}', "{}", '{"town": "Oslo"}'])
def test_bad_arguments_are_answered(arguments):
    env = gymnasium.make("gym_llm/SimpleWeather-v0", dataset=[SPEC_ROW])
    env.reset(seed=0)
    observation, _, terminated, _, info = env.step([function_call("get_weather", arguments)])
    assert "error" in json.loads(observation[-1]["output"])
    assert (terminated, info["tool_errors"]) == (False, 1)
