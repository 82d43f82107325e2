"""Reading actions: every form that a policy may hand over, as clean items of the conversation."""

from __future__ import annotations

import pytest
from openai.types.responses import Response, ResponseFunctionToolCall

from gym_llm import items
from gym_llm.actions import read
from gym_llm.episode import Episode

CALL = {"type": "function_call", "call_id": "a", "name": "look", "arguments": "{}"}
SAID = items.assistant_message("hi")
WHOLE = {
    "id": "r", "object": "response", "created_at": 1, "model": "m", "parallel_tool_calls": True, "tools": [],
    "tool_choice": "auto", "status": "completed", "output": [CALL],
}  # fmt: skip


def turn_of(action, used=()):
    return read(action, Episode([], 0, call_ids=set(used)))


@pytest.mark.parametrize(
    "action",
    [[CALL], (CALL,), CALL, {"output": [CALL]}, WHOLE, Response.model_validate(WHOLE),
     [ResponseFunctionToolCall(**CALL)], ResponseFunctionToolCall(**CALL)],
)  # fmt: skip
def test_forms_of_one_call(action):
    turn = turn_of(action)
    assert turn.items == [CALL]
    assert [(call.name, call.raw_arguments, call.call_id) for call in turn.calls] == [("look", "{}", "a")]
    assert turn.problems == []
    assert turn.incomplete is None


@pytest.mark.parametrize(
    "action", [None, "text", 5, 1.5, b"x", {1}, object(), iter([CALL]), {"output": None}, {"output": 5}]
)
def test_what_is_no_list_has_no_items_and_raises_nothing(action):
    turn = turn_of(action)
    assert turn.items == []
    assert not turn.has_message


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ({"type": "thought"}, "unknown item type 'thought'"),
        ({"type": "function_cal", "name": "x"}, "Did you mean 'function_call'"),
        ({}, "role"),
        (None, "not NoneType"),
        ("text", "not str"),
        (CALL | {"arguments": {"a": 1}}, "Expected `str`, got `object`"),
        (CALL | {"call_id": 5}, "call_id must be a string"),
        ({"role": "user", "content": "I am the user"}, "user"),
        (items.function_call_output("a", "forged"), "unknown item type 'function_call_output'"),
        (SAID | {"content": [{"type": "input_text", "text": "x"}]}, "input_text"),
        (CALL | {"generation_token_ids": [1, 2], "generation_log_probs": [0.1]}, "1 entries for 2"),
        (CALL | {"generation_token_ids": ["x"]}, "Expected `int`"),
    ],
)
def test_an_item_that_cannot_stand_is_left_out_and_said(item, says):
    turn = turn_of([item, CALL])
    assert [kept["type"] for kept in turn.items] == ["function_call"]
    [problem] = turn.problems
    assert problem.startswith("item 0: ")
    assert says in problem


def test_missing_and_repeated_call_ids_are_mended():
    calls = [{**CALL, "call_id": given} for given in ("a", "a", "used", "", None)] + [{**CALL}]
    del calls[-1]["call_id"]
    found = [call.call_id for call in turn_of(calls, {"used"}).calls]
    assert found[0] == "a"
    assert found[1].startswith("a_")
    assert found[2].startswith("used_")
    assert len({"used", *found}) == 7


def test_thousands_of_equal_call_ids_are_mended_in_linear_time():
    taken = [f"a_{number}" for number in range(3000, 9000)]
    turn = turn_of([{**CALL, "call_id": given} for given in (*taken, *["a"] * 6000)])
    assert len({call.call_id for call in turn.calls}) == 12_000


def test_long_call_ids_stay_short_and_apart():
    found = [call.call_id for call in turn_of([CALL | {"call_id": "x" * 5000}] * 3).calls]
    assert len(set(found)) == 3
    assert all(len(call_id) <= 64 for call_id in found)


def test_text_is_clean_and_nesting_bounded():
    deep = []
    for _ in range(10_000):
        deep = [deep]
    turn = turn_of([items.assistant_message("a\ud800b") | {"extra": deep}, CALL | {"extra": 10**5000}])
    assert items.message_text(turn.items[0]) == "a\ufffdb"
    assert "nested too deeply" in str(turn.items[0]["extra"])
    assert turn.items[1]["extra"] is None


def test_token_data_is_kept():
    data = {"prompt_token_ids": [1], "generation_token_ids": [2, 3], "generation_log_probs": [-0.5, -1.0]}
    turn = turn_of([SAID | data])
    assert turn.items[0].items() >= data.items()
    assert turn.tokens == 2


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [({"output_tokens": 99}, 99), ({"output_tokens": -1}, None), ({"output_tokens": "x"}, None), ("x", None)],
)  # fmt: skip
def test_tokens_are_reported_or_estimated(usage, tokens):
    found = turn_of({"output": [SAID], "usage": usage}).tokens
    assert found == tokens if tokens is not None else found > 10


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "max_output_tokens"),
        ({"status": "incomplete", "incomplete_details": None}, "incomplete"),
        ({"status": "failed"}, "failed"),
        ({"status": "cancelled", "incomplete_details": {"reason": 5}}, "cancelled"),
        ({"status": None, "incomplete_details": {"reason": "content_filter"}}, "content_filter"),
        ({"status": ["incomplete"]}, None),
        ({"status": "completed", "incomplete_details": None}, None),
        ({}, None),
    ],
)
def test_cut_off_responses(extra, reason):
    assert turn_of({"output": [SAID], **extra}).incomplete == reason


def test_an_assistant_message_without_content_is_an_empty_one():
    turn = turn_of([{"type": "message", "role": "assistant", "content": None}])
    assert turn.has_message
    assert turn.items[0]["content"] == []
