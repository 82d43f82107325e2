from __future__ import annotations

from typing import Any

import pytest

from gym_llm.errors import ConfigError, ModelError
from gym_llm.items import Item, assistant_message, function_call, message, output_text
from gym_llm.mock_model import Answer, MockModelConfig, Request
from gym_llm.mock_model.answers import ScriptAnswers, build_answerer


def ask(answerer: Any, items: list[Item], number: int = 1, tools: Any = ()) -> list[Item]:
    given = answerer(Request(items, list(tools), {}, "responses", number))
    return list(given.output if isinstance(given, Answer) else given)


def test_a_script_answers_turn_by_turn_whichever_conversation_asks() -> None:
    answerer = build_answerer(MockModelConfig(script=("one", [function_call("f", {})], {"output": "three"})))
    first = [message("a")]
    second = [*first, *ask(answerer, first), message("b")]
    third = [*second, *ask(answerer, second), message("c")]
    assert output_text(ask(answerer, first)) == "one"
    assert ask(answerer, second)[0]["type"] == "function_call"
    assert output_text(ask(answerer, third)) == "three"
    with pytest.raises(ModelError, match="script has 3 actions and turn 3"):
        ask(answerer, [*third, *ask(answerer, third), message("d")])


def test_a_script_can_say_how_a_generation_ended() -> None:
    answers = ScriptAnswers([{"output": "cut", "status": "incomplete"}, {"output": [], "reason": "content_filter"}])
    assert answers(Request([], [], {}, "chat", 1)).reason == "max_output_tokens"
    assert answers(Request([assistant_message("cut")], [], {}, "chat", 2)).reason == "content_filter"


def test_a_script_with_an_unknown_key_is_refused() -> None:
    with pytest.raises(ConfigError, match="outputt"):
        ScriptAnswers([{"outputt": "x"}])


def test_echo_repeats_the_last_item() -> None:
    answerer = build_answerer(MockModelConfig(answers="echo"))
    assert output_text(ask(answerer, [message("a"), message("b")])) == "b"


def test_random_answers_follow_the_seed_and_call_offered_tools() -> None:
    tools = [{"type": "function", "name": "f"}]
    runs = [
        [ask(build_answerer(MockModelConfig(answers="random", seed=seed)), [], number, tools) for number in range(40)]
        for seed in (1, 1, 2)
    ]
    assert runs[0] == runs[1] != runs[2]
    assert {output[0]["type"] for output in runs[0]} == {"message", "function_call"}
