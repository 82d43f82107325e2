"""Tools from functions: the derived schema, the checking of arguments, and what is refused at definition."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Annotated, Literal

import jsonschema
import numpy as np
import pydantic
import pytest

from gym_llm import sampling, tool
from gym_llm.errors import DefinitionError, ToolError
from gym_llm.tools import answer, tool_of, tools_of


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Point(pydantic.BaseModel):
    x: int
    y: float = 0.0


@tool
def paint(
    colour: Colour, points: list[Point], how: Literal["thick", "thin"] = "thin",
    width: Annotated[int, pydantic.Field(ge=1, le=9)] = 2, note: str | None = None,
) -> str:  # fmt: skip
    """Paint a line.

    It stays until it is wiped off.

    Args:
        colour: Its colour.
        points: Where it goes,
            in order.
        how (str): Its stroke.

    Returns:
        Nothing of interest.
    """
    return f"{colour.value} {len(points)} {how} {width} {note}"


def test_the_declaration_is_derived():
    made = tool_of(paint).declaration()
    assert (made["type"], made["name"], made["strict"]) == ("function", "paint", True)
    assert made["description"] == "Paint a line.\n\nIt stays until it is wiped off."
    schema = made["parameters"]
    assert schema["required"] == ["colour", "points", "how", "width", "note"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["points"]["description"] == "Where it goes, in order."
    assert schema["properties"]["how"]["description"] == "Its stroke. Default: 'thin'."
    assert {"type": "null"} in schema["properties"]["width"]["anyOf"]
    assert "title" not in str(schema)
    jsonschema.Draft202012Validator.check_schema(schema)


def test_every_object_in_a_strict_schema_is_closed():
    def objects(schema):
        if isinstance(schema, dict):
            yield from [schema] if schema.get("type") == "object" else []
            schema = list(schema.values())
        for inner in schema if isinstance(schema, list) else ():
            yield from objects(inner)

    found = list(objects(tool_of(paint).parameters))
    assert len(found) == 2
    assert all(one["additionalProperties"] is False and one["required"] == list(one["properties"]) for one in found)


def test_samples_of_the_schema_are_accepted_by_the_checking():
    rng = np.random.default_rng(0)
    made = tool_of(paint)
    for _ in range(300):
        arguments = sampling.value(rng, made.parameters)
        jsonschema.validate(arguments, made.parameters)
        made.function(**made.checked(arguments))


def test_arguments_become_what_the_hints_say():
    found = tool_of(paint).checked({"colour": "red", "points": [{"x": "3"}], "how": None, "width": 2.0})
    assert found["colour"] is Colour.RED
    assert found["points"] == [Point(x=3)]
    assert (found["how"], found["width"], found["note"]) == ("thin", 2, None)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "expected a JSON object"),
        ({}, "colour: Field required; points: Field required"),
        ({"colour": "green", "points": []}, "colour: Input should be 'red' or 'blue'"),
        ({"colour": "red", "points": [{}]}, "points.0.x: Field required"),
        ({"colour": "red", "points": [], "width": 10}, "width: Input should be less than or equal to 9"),
        ({"colour": "red", "points": [], "colr": 1}, "colr: Extra inputs are not permitted"),
        ({"colour": None, "points": []}, "colour"),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments, says):
    with pytest.raises(ToolError) as caught:
        tool_of(paint).checked(arguments)
    assert "invalid arguments for paint" in str(caught.value)
    assert says in str(caught.value)


def test_the_function_stays_itself():
    assert paint(Colour.BLUE, [], note="x") == "blue 0 thin 2 x"


def undocumented(a: int) -> int:
    return a


def unhinted(a):
    """Look."""


def starred(*args: int) -> None:
    """Look."""


def misdescribed(a: int) -> int:
    """Look.

    Args:
        b: What is not there.
    """


def unknown_hint(a: Nowhere) -> None:  # noqa: F821
    """Look."""


def no_schema(a: Callable[[int], int]) -> None:
    """Look."""


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (undocumented, "has no docstring"),
        (unhinted, "'a' has no type hint"),
        (starred, "'args' must be an ordinary one"),
        (misdescribed, r"describes \['b'\]"),
        (unknown_hint, "'Nowhere' is not defined in its type hints"),
        (no_schema, "has no JSON Schema"),
    ],
)
def test_what_cannot_be_a_tool_is_refused_at_definition(function, says):
    with pytest.raises(DefinitionError, match=says):
        tool(function)


def test_a_bad_name_is_refused():
    with pytest.raises(DefinitionError, match="get weather"):
        tool(name="get weather")(paint)


def test_an_explicit_schema_is_used_and_checked():
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}

    @tool(name="take", description="Take some.", parameters=schema)
    def grab(n):
        return n

    made = tool_of(grab)
    assert (made.name, made.description, made.parameters, made.strict) == ("take", "Take some.", schema, False)
    assert made.checked({"n": 3, "more": 1}) == {"n": 3, "more": 1}
    for wrong in ({}, {"n": 0}, {"n": "3"}):
        with pytest.raises(ToolError, match="invalid arguments for take"):
            made.checked(wrong)


def test_a_class_has_its_tools_and_the_inherited_ones_in_order():
    class First:
        @tool
        def a(self) -> None:
            """A."""

        @tool
        def b(self) -> None:
            """B."""

    class Second(First):
        @tool
        def c(self) -> None:
            """C."""

        a = None

    assert list(tools_of(First)) == ["a", "b"]
    assert list(tools_of(Second)) == ["b", "c"]


def test_what_is_no_tool_is_said():
    with pytest.raises(DefinitionError, match="decorate it with @tool"):
        tool_of(undocumented)


@pytest.mark.parametrize(
    ("result", "text"),
    [("a", "a"), ("\ud800", "\ufffd"), (None, "null"), ({"a": 1}, '{"a":1}'), (Point(x=1), '(Point)'), (1.5, "1.5"),
     ([], "[]"), (Colour.RED, '"red"'), ({"a": {1}}, '{"a":[1]}'), (float("inf"), "null")],
)  # fmt: skip
def test_answers_are_text(result, text):
    assert answer(result) in (text, f'"{text}"')
