"""The spaces: exact on the schemas of the `openai` package, seeded, equal, picklable."""

from __future__ import annotations

import json
import pickle

import gymnasium
import jsonschema
import numpy as np
import pytest
from openai.types.responses import ResponseInputItemParam, ResponseOutputItem
from pydantic import TypeAdapter, ValidationError

from gym_llm import items
from gym_llm.schemas import input_problem, output_problem
from gym_llm.spaces import InputItems, OutputItems

PART = {"type": "output_text", "text": "x", "annotations": []}
MESSAGE = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [PART]}
CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
REASONING = {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "x"}]}
TOOL = {
    "type": "function", "name": "look",
    "parameters": {"type": "object", "properties": {"far": {"type": "integer", "minimum": 3}}, "required": ["far"]},
}  # fmt: skip

OUTPUT = {
    "message": MESSAGE,
    "message, refusal": MESSAGE | {"content": [{"type": "refusal", "refusal": "no"}]},
    "message, empty": MESSAGE | {"content": []},
    "message, two parts": MESSAGE | {"content": [PART, PART]},
    "message, no content": {k: v for k, v in MESSAGE.items() if k != "content"},
    "message, text as int": MESSAGE | {"content": [PART | {"text": 5}]},
    "message, wrong part": MESSAGE | {"content": [{"type": "input_text", "text": "x"}]},
    "message, part without type": MESSAGE | {"content": [{"text": "x"}]},
    "message, wrong role": MESSAGE | {"role": "user"},
    "message, wrong status": MESSAGE | {"status": "done"},
    "call": CALL,
    "call, extras": CALL | {"id": "i", "status": "completed", "more": [1]},
    "call, object arguments": CALL | {"arguments": {}},
    "call, no arguments": {k: v for k, v in CALL.items() if k != "arguments"},
    "call, no name": {k: v for k, v in CALL.items() if k != "name"},
    "call, no id": {k: v for k, v in CALL.items() if k != "call_id"},
    "call, id as int": CALL | {"call_id": 5},
    "call, wrong status": CALL | {"status": 5},
    "reasoning": REASONING,
    "reasoning, empty": REASONING | {"summary": []},
    "reasoning, content": REASONING | {"content": [{"type": "reasoning_text", "text": "x"}]},
    "reasoning, no summary": {"type": "reasoning", "id": "r"},
    "reasoning, summary as text": REASONING | {"summary": "x"},
    "unknown type": {"type": "thought"},
}
INPUT = OUTPUT | {
    "user": {"role": "user", "content": "x"},
    "user, typed": {"type": "message", "role": "user", "content": "x"},
    "developer, parts": {"role": "developer", "content": [{"type": "input_text", "text": "x"}]},
    "user, image": {"role": "user", "content": [{"type": "input_image", "detail": "auto", "image_url": "data:,"}]},
    "user, content as int": {"role": "user", "content": 5},
    "user, no content": {"role": "user"},
    "user, wrong role": {"role": "narrator", "content": "x"},
    "answer": {"type": "function_call_output", "call_id": "c", "output": "x"},
    "answer, parts": {
        "type": "function_call_output",
        "call_id": "c",
        "output": [{"type": "input_text", "text": "x"}],
    },
    "answer, no id": {"type": "function_call_output", "output": "x"},
    "answer, object": {"type": "function_call_output", "call_id": "c", "output": {"a": 1}},
}


# Where the package's TypedDicts say yes and servers say no, we do as servers do.
STRICTER = {
    "message, wrong part": "servers take output_text and refusal from an assistant",
    "reasoning, summary as text": "a str is an Iterable, which is all that the package asks",
    "answer, no id": "an answer without its call is refused",
}


def accepted(adapter, item):
    try:
        value = adapter.validate_python(item, strict=False)
        for inner in value.get("content") or [] if isinstance(value, dict) else []:
            json.dumps(inner, default=list)  # lazy iterables of the package's TypedDicts are read, so checked
    except ValidationError:
        return False
    return True


OUTPUT_ADAPTER, INPUT_ADAPTER = TypeAdapter(ResponseOutputItem), TypeAdapter(ResponseInputItemParam)


@pytest.mark.parametrize("name", OUTPUT)
def test_output_items_are_the_packages(name):
    assert (output_problem(OUTPUT[name]) is None) == accepted(OUTPUT_ADAPTER, OUTPUT[name])


@pytest.mark.parametrize("name", INPUT)
def test_input_items_are_the_packages(name):
    expected = accepted(INPUT_ADAPTER, INPUT[name]) and name not in STRICTER
    assert (input_problem(INPUT[name]) is None) == expected


def test_servers_leave_out_ids_and_statuses_and_add_keys():
    for item in ({"role": "assistant", "content": "x"}, {"type": "reasoning", "summary": []}, CALL | {"new": 1}):
        assert [item] in OutputItems()


@pytest.mark.parametrize("x", [None, 5, "text", {}, {1}, [None], [[]], ["x"], np.zeros(2)], ids=repr)
def test_other_things_are_outside(x):
    for space in (InputItems(), OutputItems()):
        assert x not in space
        assert space.problem(x)


def test_the_problem_names_the_item_and_the_field():
    assert InputItems().problem([items.message("x"), CALL | {"name": 5}]) == (
        "item 1: function_call: Expected `str`, got `int` - at `$.name`"
    )


@pytest.mark.parametrize("space", [InputItems(seed=3), OutputItems([TOOL], seed=3), OutputItems(seed=3)], ids=repr)
def test_samples_are_seeded_valid_and_json(space):
    space.seed(5)
    samples = [space.sample() for _ in range(200)]
    assert all(sample in space for sample in samples)
    space.seed(5)
    assert [space.sample() for _ in range(200)] == samples
    assert space.from_jsonable(json.loads(json.dumps(space.to_jsonable(samples)))) == samples
    assert len({str(sample) for sample in samples}) > 100


def test_sampled_calls_satisfy_the_tools_schema():
    calls = [
        item for _ in range(200) for item in OutputItems([TOOL], seed=0).sample() if item["type"] == "function_call"
    ]
    assert {item["name"] for item in calls} <= {"look"}
    for item in calls:
        jsonschema.validate(json.loads(item["arguments"]), TOOL["parameters"])


def test_spaces_are_equal_by_their_tools_and_survive_pickling():
    assert InputItems(seed=1) == InputItems(seed=2)
    assert OutputItems([TOOL]) == OutputItems([TOOL])
    assert OutputItems([TOOL]) != OutputItems()
    assert InputItems() != OutputItems()
    for space in (InputItems(seed=1), OutputItems([TOOL], seed=1)):
        again = pickle.loads(pickle.dumps(space))
        assert again == space
        assert hash(again) == hash(space)
        assert again.sample() == space.sample()


def test_what_has_no_array_form_says_what_to_do():
    assert not InputItems().is_np_flattenable
    with pytest.raises(NotImplementedError, match="TextObservation"):
        gymnasium.spaces.utils.flatdim(InputItems())
    with pytest.raises(ValueError, match="mask"):
        OutputItems().sample(mask=())


def test_spaces_batch_for_vector_environments():
    batched = gymnasium.vector.utils.batch_space(OutputItems([TOOL], seed=0), 3)
    assert len(batched.sample()) == 3
    assert all(sample in OutputItems([TOOL]) for sample in batched.sample())
