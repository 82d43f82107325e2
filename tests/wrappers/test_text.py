"""Plain strings in and out, and observations of new items only."""

from __future__ import annotations

import json

import gymnasium
import pytest

from gym_llm import items
from gym_llm.errors import ConfigError, DefinitionError
from gym_llm.wrappers import NewItems, TextAction, TextObservation

COUNTER = "gym_llm/StatefulCounter-v0"
LOOK = items.function_call("get_counter_value", {}, "a")


@pytest.fixture
def env():
    return gymnasium.make(COUNTER)


def test_new_items_are_what_the_environment_added(env):
    new, plain = NewItems(env), gymnasium.make(COUNTER)
    first, _ = new.reset(seed=0)
    conversation, _ = plain.reset(seed=0)
    assert first == conversation
    for action in ([LOOK, LOOK], [], [{"type": "thought"}], [items.assistant_message("done")]):
        added, *rest = new.step(action)
        whole, *others = plain.step(action)
        conversation = [*conversation, *new.unwrapped.episode.actions[-1], *added]
        assert conversation == whole
        assert rest == others
    assert added == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hello", ["hello"]),
        ("", [""]),
        ('<tool_call>{"name": "look", "arguments": {"a": 1}}</tool_call>', [("look", {"a": 1})]),
        ('I look.\n<tool_call>{"name": "look"}</tool_call>', ["I look.", ("look", {})]),
        ('<tool_call>{"name": "a"}</tool_call> <tool_call>{"name": "b"}</tool_call>', [("a", {}), ("b", {})]),
        ('<tool_call>{"name": "look"}', [("look", {})]),
        ('<tool_call>{"name": "look", "arguments": "{\\"a\\": 2}"}</tool_call>', [("look", {"a": 2})]),
        ("<tool_call>nonsense</tool_call>", [("unreadable", "nonsense")]),
        ("<tool_call>[1]</tool_call>", [("unreadable", "[1]")]),
        ('<tool_call>{"arguments": {}}</tool_call>', [("unnamed", {})]),
        ('<tool_call>{"name": 5, "arguments": 5}</tool_call>', [("unnamed", "5")]),
        ("</tool_call> alone", ["</tool_call> alone"]),
    ],
)
def test_a_text_is_read_as_messages_and_calls(text, expected):
    def shown(item):
        if item["type"] == "message":
            return items.message_text(item)
        try:
            return item["name"], json.loads(item["arguments"]) if item["arguments"] != "5" else "5"
        except ValueError:
            return item["name"], item["arguments"]

    found = [shown(item) for item in TextAction.parse(text)]
    assert found == [("unreadable", [1]) if one == ("unreadable", "[1]") else one for one in expected]


def test_calls_of_one_text_have_ids_of_their_own():
    calls = TextAction.parse('<tool_call>{"name": "a"}</tool_call>' * 3)
    assert len({call["call_id"] for call in calls}) == 3


def test_a_text_episode(env):
    env = TextObservation(TextAction(env), view="new")
    observation, _ = env.reset(options={"task_index": 0})
    assert observation.startswith(("developer: ", "system: ", "user: "))
    observation, *_ = env.step('<tool_call>{"name": "get_counter_value"}</tool_call>')
    assert observation.startswith('  -> {"count":')
    observation, *_ = env.step("<tool_call>nonsense</tool_call>")
    assert "unknown tool" in observation
    assert env.step("done")[2] is True


def test_the_whole_conversation_as_text_keeps_its_end(env):
    env = TextObservation(env, max_length=40)
    env.reset(seed=0)
    observation, *_ = env.step([LOOK])
    assert len(observation) == 40
    assert observation.endswith("}")
    assert observation in env.observation_space


def test_text_spaces_hold_any_text_and_sample_printable_ones(env):
    env = TextObservation(TextAction(env, max_length=50), max_length=50)
    env.action_space.seed(0)
    assert "\u4e2d\x00" in env.action_space
    assert "x" * 51 not in env.action_space
    assert all(env.action_space.sample() in env.action_space for _ in range(50))


def test_control_characters_are_escaped_in_text_observations():
    row = {"responses_create_params": {"input": "\x1b[31m\u202e"}, "initial_count": 0, "expected_count": 0}
    env = TextObservation(gymnasium.make(COUNTER, dataset=[row]))
    assert env.reset(seed=0)[0] == "user: \\x1b[31m\\u202e"


def test_what_cannot_be_wrapped_is_refused(env):
    with pytest.raises(ConfigError, match="view='old'"):
        TextObservation(env, view="old")
    with pytest.raises(DefinitionError, match="is no gym_llm environment"):
        NewItems(gymnasium.make("CartPole-v1"))
