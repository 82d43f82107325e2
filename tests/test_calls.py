"""One tool call: whatever happens inside, it ends as an answer."""

from __future__ import annotations

import json

import pytest

from gym_llm import calls, tool
from gym_llm.episode import ToolCall
from gym_llm.errors import ToolError
from gym_llm.tools import tools_of


class Box:
    @tool
    def add(self, a: int, b: int = 1) -> int:
        """Add."""
        return a + b

    @tool
    async def wait(self) -> dict:
        """Wait."""
        return {"done": True}

    @tool
    def leave(self) -> None:
        """Leave."""
        raise SystemExit(1)

    @tool
    def deep(self) -> list:
        """Return something that is no JSON."""
        return [{1, 2}, object(), float("nan"), "\ud800", 10**5000]

    @tool
    def parts(self) -> list:
        """Return content parts."""
        return [{"type": "input_text", "text": "seen"}]

    @tool
    def refuse(self) -> None:
        """Refuse."""
        raise ToolError("no \ud800 way")


def ran(name, arguments="{}", offered=None, max_chars=1000):
    call = ToolCall(name, arguments, "c")
    crash = calls.run(call, Box(), tools_of(Box), tools_of(Box) if offered is None else offered, 5.0, max_chars)
    return call, crash


@pytest.mark.parametrize(
    ("name", "arguments", "output"),
    [
        ("add", '{"a": 1}', "2"),
        ("add", '{"a": "2", "b": null}', "3"),
        ("wait", "", '{"done":true}'),
        ("deep", "{}", '["(set)","(object)",null,"\ufffd",null]'),
        ("parts", "{}", [{"type": "input_text", "text": "seen"}]),
    ],
)
def test_answers(name, arguments, output):
    call, crash = ran(name, arguments)
    assert (call.output, call.error, crash) == (output, None, None)


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("add", "{}", "a: Field required"),
        ("add", '{"a": 1, "c": 2}', "c: Extra inputs are not permitted"),
        ("add", '{"a": 1.5}', "a: Input should be a valid integer"),
        ("add", "[1]", "expected a JSON object"),
        ("add", '{"a": 1, "a": 2}', 'duplicate key "a"'),
        ("add", '{"a": NaN}', "NaN is not JSON"),
        ("add", "[" * 100_000, "nested deeper"),
        ("sub", "{}", "unknown tool 'sub'"),
        ("refuse", "{}", "no \ufffd way"),
    ],
)
def test_refusals_are_told_to_the_model(name, arguments, says):
    call, crash = ran(name, arguments)
    assert crash is None
    assert says in call.error
    assert json.loads(call.output) == {"error": call.error}


def test_a_crash_says_little_to_the_model_and_all_to_the_author():
    call, crash = ran("leave")
    assert call.error == "leave failed: SystemExit"
    assert crash["type"] == "SystemExit"
    assert "test_calls.py" in crash["traceback"]


def test_a_tool_that_the_task_does_not_offer_is_unknown():
    assert "There are no tools." in ran("add", offered=())[0].error


def test_long_names_and_answers_are_cut():
    assert len(ran("x" * 100_000)[0].error) < 300
    assert ran("deep", max_chars=3)[0].output.startswith('["(\n(cut: 3 of ')
