"""StructuredOutputs: the schema as it is shown, five formats read safely, content that must be true."""

from __future__ import annotations

import json
import time

import gymnasium
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm.envs.structured_outputs.parsing import FORMATS, Unreadable, parse
from gym_llm.envs.structured_outputs.writing import write
from gym_llm.errors import ConfigError, TaskError
from gym_llm.items import assistant_message, function_call, message

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer"},
        "home": {"type": "object", "properties": {"town": {"type": "string"}}},
    },
}
LOOSE = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}
NAMED_SO = {"type": "object", "properties": {"properties": LOOSE}}
ANN = {"name": "Ann", "age": 30, "home": {"town": "Oslo"}}
ROOT = {"type": "object", "properties": {"person": PERSON}}
TABLE = {
    "type": "array",
    "items": {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": ["integer", "null"]}}},
}


def row(schema=PERSON, kind="json", **more):
    asked = "Doc: Ann is 30 and lives in Oslo. Answer in the format."
    return {
        "responses_create_params": {"input": [message(asked)]},
        "schema_str": schema if isinstance(schema, str) else json.dumps(schema),
        "schema_type": kind,
    } | more


def changed(**more):
    return {key: value for key, value in (ANN | more).items() if value is not None}


STRICT = [
    (changed(), 1, None),
    (changed(age=None), 0, "validation_error"),
    (changed(extra="x"), 0, "validation_error"),
    (changed(age="thirty"), 0, "validation_error"),
    (changed(age=True), 0, "validation_error"),
    (changed(home={"town": "Oslo", "zip": "1"}), 0, "validation_error"),
]


@pytest.mark.parametrize("kind", ["json", "yaml", "toml"])
@pytest.mark.parametrize(("value", "reward", "error"), STRICT)
def test_a_strict_schema(play, kind, value, reward, error):
    found = play("StructuredOutputs", row(kind=kind, strict=True), write(kind, value))
    assert (found["reward"], found["error_type"], found["schema_type"]) == (reward, error, kind)


@pytest.mark.parametrize(("value", "reward", "error"), STRICT)
def test_a_strict_schema_in_xml(play, value, reward, error):
    found = play("StructuredOutputs", row(ROOT, "xml", strict=True), write("xml", {"person": value}))
    assert (found["reward"], found["error_type"]) == (reward, error)


@pytest.mark.parametrize(
    ("given", "text", "reward", "error"),
    [
        (row(LOOSE), '{"name": "Ann"}', 1, None),
        (row(LOOSE), '{"name": "Ann", "more": 1}', 1, None),
        (row(LOOSE, strict=True), '{"name": "Ann", "age": 1.0}', 1, None),
        (row({"anyOf": [LOOSE, {"type": "null"}]}, strict=True), '{"name": "Ann"}', 0, "validation_error"),
        (row(NAMED_SO, strict=True), '{"properties": {"age": 1, "name": ""}}', 1, None),
        (row({"$ref": "#/$defs/p", "$defs": {"p": LOOSE}}, strict=True), '{"name": "Ann"}', 0, "validation_error"),
        (row({"$ref": "https://example.org/s.json"}), "{}", None, None),
        (row({"type": "string", "format": "ipv4"}), '"1.2.3.400"', 0, "validation_error"),
        (row({**LOOSE, "required": {}, "additionalProperties": "false"}), '{"name": "Ann"}', 0, "validation_error"),
        (row({**LOOSE, "required": {}, "additionalProperties": "false"}), '{"name": "Ann", "age": 3}', 1, None),
        (row(), '{"name": "Ann"', 0, "parse_error"),
        (row(), " \n", 0, "empty_response"),
        (row(LOOSE), '```json\n{"name": "Ann"}\n```', 0, "extra_text"),
        (row(LOOSE), 'Here: ```json\n{"name": "Ann"}\n``` done', 0, "extra_text"),
        (row(LOOSE, "yaml"), "name: Ann\nborn: 2001-01-01", 1, None),
        (row({"properties": {"d": {"type": "string"}}}, "yaml"), "d: 2001-01-01", 0, "validation_error"),
        (row(ROOT, "xml"), "<person><name>Ann</person>", 0, "parse_error"),
        (row(ROOT, "xml"), "<person><name/></person>", 1, None),
        (row(ROOT, "xml"), "<person><age>x</age></person>", 0, "validation_error"),
        (row(TABLE, "csv", strict=True), "name,age\nAnn,30\n", 1, None),
        (row(TABLE, "csv", strict=True), "name,age\nAnn,\n", 1, None),
        (row(TABLE, "csv", strict=True), "name\nAnn\n", 0, "validation_error"),
        (row(TABLE, "csv", strict=True), "name,age,x\nAnn,30,1\n", 0, "validation_error"),
        (row(TABLE, "csv", strict=True), "name,age\nAnn,not_a_number\n", 0, "validation_error"),
        (row(TABLE, "csv", strict=True), "", 0, "empty_response"),
        (row(LOOSE, "csv"), "name,age\nAnn,30\n", 0, "validation_error"),
        (row(LOOSE, "toml"), 'name = "Ann"\nname = "Bo"', 0, "parse_error"),
    ],
)  # fmt: skip
def test_cases(play, given, text, reward, error):
    if reward is None:
        env = gymnasium.make("gym_llm/StructuredOutputs-v0", dataset=[given]).unwrapped
        env.reset(seed=0)
        assert "Unresolvable" in env.step([assistant_message(text)])[-1]["error"]["message"]
        return
    found = play("StructuredOutputs", given, text)
    assert (found["reward"], found["error_type"]) == (reward, error)


def test_fences_may_be_tolerated_and_coercion_left_out(play):
    fenced = '```json\n{"name": "Ann"}\n```'
    assert play("StructuredOutputs", row(LOOSE), fenced, tolerate_fences=True)["reward"] == 1
    assert play("StructuredOutputs", row(LOOSE), "Sure. " + fenced, tolerate_fences=True)["reward"] == 0
    parts = play("StructuredOutputs", row(LOOSE), fenced)["rewards"]
    assert (parts["parse_ok"], parts["schema_ok"], parts["no_extra_text"]) == (1, 1, 0)
    text = "<person><age>3</age></person>"
    assert play("StructuredOutputs", row(ROOT, "xml"), text)["reward"] == 1
    assert play("StructuredOutputs", row(ROOT, "xml"), text, xml_coerce_types=False)["reward"] == 0


def test_content(play):
    given = row(gold=ANN)
    half = json.dumps(changed(age=31))
    assert play("StructuredOutputs", given, json.dumps(ANN))["reward"] == 1
    found = play("StructuredOutputs", given, half)
    assert (found["reward"], found["rewards"]["content"]) == (0, pytest.approx(2 / 3))
    assert play("StructuredOutputs", given, half, content="f1")["reward"] == pytest.approx(2 / 3)
    assert play("StructuredOutputs", given, half, content="off")["reward"] == 1
    assert play("StructuredOutputs", given, '{"name": "", "age": 0}')["reward"] == 0
    assert play("StructuredOutputs", given, json.dumps(changed(more={})))["reward"] == 0


@pytest.mark.parametrize(
    ("text", "reward"), [('{"name": "ann"}', 1), ('{"name": ""}', 0), ('{"name": "Bo"}', 0), ("{}", 0),
     ('{"name": "a"}', 0), ('{"name": "Ann", "age": 3}', 0), ('{"name": "Oslo", "age": 30.0}', 1)],
)  # fmt: skip
def test_grounded(play, text, reward):
    assert play("StructuredOutputs", row(LOOSE), text, grounded=True)["reward"] == reward


TOOL = {"response_mode": "tool_call", "tool_name": "save", "strict": True}


@pytest.mark.parametrize(
    ("more", "action", "reward", "error"),
    [
        ({}, [function_call("save", ANN)], 1, None),
        ({"tool_payload_key": "data"}, [function_call("save", {"data": ANN, "note": 1})], 1, None),
        ({"tool_payload_key": "data"}, [function_call("save", ANN)], 0, "missing_tool_payload_key"),
        ({}, [function_call("save", {"name": "Ann"})], 0, "validation_error"),
        ({}, [function_call("save", "{")], 0, "tool_arguments_parse_error"),
        ({}, [function_call("save", "[" * 100_000)], 0, "tool_arguments_parse_error"),
        ({}, [function_call("load", ANN)], 0, "wrong_tool_name"),
        ({}, [function_call("save", ANN), function_call("save", ANN)], 0, "multiple_tool_calls"),
        ({}, [assistant_message(json.dumps(ANN))], 0, "missing_tool_call"),
    ],
)
def test_tool_mode(play, more, action, reward, error):
    found = play("StructuredOutputs", row(**TOOL, **more, tool_schema_mode="direct"), action)
    assert (found["reward"], found["error_type"], found["tool_schema_mode"]) == (reward, error, "direct")


def laughs(levels=9):
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    return "\n".join(lines + [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)])


def merges(levels=9):
    lines = ["m0: &m0 {a: 1, b: 2}"]
    return "\n".join(lines + [f"m{n}: &m{n}\n  <<: [{','.join([f'*m{n - 1}'] * 10)}]" for n in range(1, levels)])


ENTITIES = '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>'
HOSTILE = [
    ("json", "[" * 100_000), ("json", "[" * 70 + "]" * 70), ("json", '{"a":' * 50_000), ("json", "9" * 10_000),
    ("json", "x" * 200_001), ("yaml", "[" * 100_000), ("yaml", "- " * 90_000), ("yaml", "{" * 100_000),
    ("yaml", laughs()), ("yaml", merges()), ("yaml", "a: &a [*a]"), ("yaml", "!!python/object/apply:os.system [ls]"),
    ("yaml", "? " * 50_000), ("xml", "<a>" * 60_000), ("xml", ENTITIES),
    ("xml", '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'), ("toml", "a = " + "[" * 100_000),
    ("toml", "a." * 90_000 + "a = 1"), ("csv", '"' + "x" * 150_000), ("json", "```x\n" + " " * 190_000),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "text"), HOSTILE, ids=[f"{kind}-{number}" for number, (kind, _) in enumerate(HOSTILE)]
)
def test_hostile_payloads_are_refused_fast(kind, text):
    begun = time.monotonic()
    with pytest.raises(Unreadable):
        parse(kind, text)
    assert time.monotonic() - begun < 3


HEX = "0x" + "f" * 6000
NUMBER = {"type": "object", "properties": {"n": {"type": "number", "minimum": 0, "multipleOf": 0.5}}}
FORBIDDING = {"type": "object", "patternProperties": {"^a": {"type": "string"}}, "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "kind", "text", "error"),
    [
        (NUMBER, "json", '{"n": NaN}', "parse_error"),
        (NUMBER, "json", '{"n": 1e999}', "parse_error"),
        (NUMBER, "json", '{"n": "x", "n": 1}', "parse_error"),
        (NUMBER, "json", '{"n": ' + "9" * 1000 + "}", "validation_error"),
        (NUMBER, "yaml", "n: .nan", "parse_error"),
        (NUMBER, "yaml", "n: -.inf", "parse_error"),
        (NUMBER, "yaml", f"n: {HEX}", "parse_error"),
        (NUMBER, "yaml", "n: 1" + ":1" * 5000, "parse_error"),
        ({}, "yaml", f"{HEX}: 1", "parse_error"),
        ({}, "yaml", f"!!set {{{HEX}}}", "parse_error"),
        (NUMBER, "toml", "n = nan", "parse_error"),
        (NUMBER, "toml", f"n = {HEX}", "parse_error"),
        ({"properties": {"a": NUMBER}}, "xml", "<a><n>nan</n></a>", "validation_error"),
        ({"type": "object", "properties": {"a": NUMBER}}, "xml", "<a><n>inf</n></a>", "validation_error"),
        (FORBIDDING, "yaml", "1: x", "validation_error"),
        (FORBIDDING, "yaml", "~: x", "validation_error"),
        (TABLE, "csv", "name,age\nAnn,30,more", "parse_error"),
    ],
)
def test_what_json_schema_knows_nothing_of_earns_nothing_and_is_no_failed_episode(play, schema, kind, text, error):
    found = play("StructuredOutputs", row(schema, kind), text)
    assert (found["reward"], found["error_type"]) == (0, error)


def test_a_yaml_bomb_of_pairs_is_not_read():
    levels = ["a0: &a0 !!pairs [x: 1]"]
    levels += [f"a{n}: &a{n} !!pairs [{','.join([f'x: *a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(Unreadable):
        parse("yaml", "\n".join(levels))


def test_ordinary_aliases_and_merges_are_read():
    assert parse("yaml", "a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n  e: 2") == {
        "a": {"b": 1},
        "c": {"b": 1},
        "d": {"b": 1, "e": 2},
    }


def test_hostile_text_is_worth_nothing(play):
    for kind, text in HOSTILE[::4]:
        assert play("StructuredOutputs", row({}, kind), text)["reward"] == 0


def test_a_regex_of_the_schema_that_does_not_end_is_an_error_and_no_reward():
    env = gymnasium.make(
        "gym_llm/StructuredOutputs-v0", dataset=[row({"type": "string", "pattern": "^(a+)+$"})], grade_timeout=0.5
    ).unwrapped
    env.reset(seed=0)
    _, reward, terminated, truncated, info = env.step([assistant_message('"' + "a" * 60 + '!"')])
    assert info["error"]["type"] == "PoolTimeout"
    assert (reward == reward, terminated, truncated) == (False, False, True)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (row("{"), "schema_str"),
        (row("3"), "schema_str"),
        (row({"type": "thing"}), "schema_str"),
        (row(kind="ini"), "schema_type"),
        (row(response_mode="tool_call"), "tool_name"),
    ],
)
def test_bad_rows_are_refused(given, field):
    with pytest.raises(TaskError) as caught:
        gymnasium.make("gym_llm/StructuredOutputs-v0", dataset=[given]).reset(seed=0)
    assert caught.value.field == field


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("num_fields", [1, 10])
def test_generated_rows_are_solved_and_differ_by_seed(kind, num_fields):
    prompts = set()
    for seed in (0, 1):
        knobs = {"num_tasks": 6, "seed": seed, "format": kind, "num_fields": num_fields}
        env = gymnasium.make("gym_llm/StructuredOutputs-v0", dataset=knobs)
        for index in range(6):
            env.reset(options={"task_index": index})
            (action,) = env.unwrapped.solve(env.unwrapped.task)
            _, reward, *_, info = env.step(action)
            assert (reward, info["verification"]["rewards"]["content"]) == (1, 1), info
            prompts.add(str(env.unwrapped.task.prompt))
            assert env.unwrapped.tasks.row(index) == env.unwrapped.tasks.row(index)
    assert len(prompts) == 12


@pytest.mark.parametrize("knobs", [{"format": "ini"}, {"num_fields": 0}, {"num_fields": 11}, {"response_mode": "x"}])
def test_bad_knobs_are_refused(knobs):
    with pytest.raises(ConfigError):
        gymnasium.make("gym_llm/StructuredOutputs-v0", dataset={"num_tasks": 2, **knobs}).reset(seed=0)


@pytest.mark.parametrize("settings", [{"content": "fuzzy"}, {"grade_timeout": 0}])
def test_bad_settings_are_refused(settings):
    with pytest.raises(ConfigError):
        gymnasium.make("gym_llm/StructuredOutputs-v0", **settings)
