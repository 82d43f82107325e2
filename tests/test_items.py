"""Items: built, read and cleaned; JSON that models write; text for terminals."""

from __future__ import annotations

import json
import math

import pytest
from openai.types.responses import Response

from gym_llm import items
from gym_llm.schemas import input_problem, output_problem


def test_built_items_are_valid():
    assert input_problem(items.message("x")) is None
    assert input_problem(items.function_call_output("c", "x")) is None
    for item in (items.assistant_message("x"), items.function_call("f", {"a": 1}), items.reasoning("x")):
        assert output_problem(item) is None
        assert input_problem(item) is None


def test_text_is_joined_as_the_openai_package_joins_it():
    output = [
        items.reasoning("hidden"),
        items.assistant_message("a")
        | {"content": [{"type": "output_text", "text": t, "annotations": []} for t in "bc"]},
        items.function_call("f", {}) | {"id": "i"},
        items.assistant_message("d"),
    ]
    response = Response.model_validate(
        {"id": "r", "object": "response", "created_at": 1, "model": "m", "parallel_tool_calls": True, "tools": [],
         "tool_choice": "auto", "output": output}
    )  # fmt: skip
    assert items.output_text(output) == response.output_text == "bcd"


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ({"role": "user", "content": "x"}, "x"),
        ({"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}, "no"),
        ({"role": "assistant", "content": []}, ""),
        ({"role": "assistant", "content": [{"type": "output_text", "text": None}, "stray"]}, ""),
        ({"role": "assistant"}, ""),
    ],
)
def test_message_text(item, text):
    assert items.message_text(item) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        (' {"a": [1, 2.5, null, true]} ', {"a": [1, 2.5, None, True]}),
        ('{"a": "\\ud83d\\ude00"}', {"a": "\U0001f600"}),
        ('{"a": "\\ud800"}', {"a": "\ufffd"}),
        ('{"\ud800": 1}', {"\ufffd": 1}),
        ('"' + "[" * 200 + '"', "[" * 200),
        ("[" * 64 + "]" * 64, None),
        ('{"a": 1, "b": {"a": 1}}', {"a": 1, "b": {"a": 1}}),
    ],
)
def test_json_of_a_model(text, value):
    found = items.parse_model_json(text)
    assert value is None or found == value


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Expecting value"),
        ("{'a': 1}", "property name enclosed in double quotes"),
        ('{"a": 1} x', "Extra data"),
        ('{"a": 1, "a": 1}', 'duplicate key "a"'),
        ('{"b": {"' + "k" * 500 + '": 1, "' + "k" * 500 + '": 2}}', "duplicate key"),
        ("NaN", "NaN is not JSON"),
        ("[-Infinity]", "-Infinity is not JSON"),
        ("1e999", "too large"),
        ("9" * 5000, "4300"),
        ("[" * 65 + "]" * 65, "nested deeper than 64"),
        ("[" * 100_000, "nested deeper than 64"),
        ('{"a":' * 100_000, "nested deeper than 64"),
        (" " * 1_000_001, "at most 1000000"),
        (None, "got NoneType"),
        (b"{}", "got bytes"),
    ],
)
def test_json_that_is_refused(text, says):
    with pytest.raises(items.ModelJSONError, match=says) as caught:
        items.parse_model_json(text)
    assert len(str(caught.value)) < 300


def test_limits_of_size_and_depth():
    assert items.parse_model_json("[[1]]", max_depth=2, max_chars=5) == [[1]]
    for limits in ({"max_depth": 1}, {"max_chars": 4}):
        with pytest.raises(items.ModelJSONError):
            items.parse_model_json("[[1]]", **limits)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ({"a": (1, math.nan, -math.inf)}, {"a": [1, None, None]}),
        ({1: object(), None: b"x"}, {"(int)": "(object)", "(NoneType)": "(bytes)"}),
        ("\ud83d\ude00\ud800", "\U0001f600\ufffd"),
        (10**100, 10**100),
        (True, True),
    ],
)
def test_scrubbed_values_are_plain(value, plain):
    assert items.scrub(value) == plain
    json.dumps(items.scrub(value), allow_nan=False, ensure_ascii=False).encode()


def test_integers_too_long_to_be_written_are_null():
    assert items.scrub([10**5000, -(10**5000)]) == [None, None]


def test_scrubbing_bounds_depth_and_survives_cycles():
    endless = []
    endless.append(endless)
    assert "nested too deeply" in json.dumps(items.scrub(endless))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain \u00e9 \u4e2d\n\t", "plain \u00e9 \u4e2d\n\t"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\x00b\r\x7f\x9b", "a\\x00b\\r\\x7f\\x9b"),
        ("\u202eabc\u2066", "\\u202eabc\\u2066"),
        ("\ud800", "\\ud800"),
        ("\u2028", "\\u2028"),
    ],
)
def test_printable(text, shown):
    assert items.printable(text) == shown
