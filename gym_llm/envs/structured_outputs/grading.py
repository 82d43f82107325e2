"""Judging one payload: can it be read, does it satisfy the schema, does it say what the document says.

Runs in a worker process of the pool, since a schema's regexes and a format's parser may take long. Plain data in
and out.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import jsonschema
import referencing

from gym_llm.envs.structured_outputs import coercion
from gym_llm.envs.structured_outputs.parsing import MAX_CHARS, Unreadable, parse

_TICKS = "```"


def schema_problem(schema_str: str) -> str | None:
    """Return why a text is no JSON Schema, also when it is made strict; None when it is one."""
    try:
        schema = json.loads(schema_str)
    except (ValueError, RecursionError) as error:
        return f"no JSON: {error}"
    if not isinstance(schema, dict | bool):
        return "neither an object nor a boolean"
    return _invalid(schema) and _invalid(strictified(schema))


def grade(
    text: str, kind: str, schema_str: str, strict: bool, fences: bool, coerce_xml: bool, formats: bool,
    gold: Any, source: str,
) -> dict[str, Any]:  # fmt: skip
    """Judge a payload.

    Returns:
        `parse_ok`, `schema_ok`, `no_extra_text`, `content` (None without gold), `grounded`, `error_type` and
        `error_message`.
    """
    found: dict[str, Any] = {
        "parse_ok": False, "schema_ok": False, "no_extra_text": False, "content": None if gold is None else 0.0,
        "grounded": 0.0, "error_type": None, "error_message": None,
    }  # fmt: skip
    if not text.strip():
        return found | {"error_type": "empty_response", "error_message": "there is no text"}
    try:
        value, bare = _read(kind, text, fences)
    except Unreadable as error:
        return found | {"error_type": "parse_error", "error_message": str(error)[:200]}
    validator = _validator(schema_str, strict, formats)
    schema: Any = validator.schema
    if kind == "xml" and coerce_xml:
        value = coercion.from_xml(value, schema)
    if kind == "csv":
        value = coercion.from_csv(value, schema)
    problem = _violation(value, validator)
    found |= {"parse_ok": True, "no_extra_text": bare, "schema_ok": problem is None}
    if gold is not None:
        found["content"] = _f1(value, gold)
    found["grounded"] = _grounded(value, source)
    if problem is not None:
        found |= {"error_type": "validation_error", "error_message": problem[:200]}
    elif not bare:
        found |= {"error_type": "extra_text", "error_message": "there is more than the payload"}
    return found


def strictified(schema: Any) -> Any:
    """Return a schema whose objects require all their properties and allow no others.

    Reaches into the branches of unions, and knows a property that is called "properties".
    """
    schema = copy.deepcopy(schema)
    todo = [schema]
    while todo:
        node = todo.pop()
        if isinstance(node, list):
            todo += node
        if not isinstance(node, dict):
            continue
        properties = node.get("properties")
        if isinstance(properties, dict):
            node["required"], node["additionalProperties"] = list(properties), False
        for key, inner in node.items():
            if key in ("properties", "$defs", "definitions", "patternProperties", "dependentSchemas"):
                todo += inner.values() if isinstance(inner, dict) else []
            elif key not in ("enum", "const", "default", "examples", "required"):
                todo.append(inner)
    return schema


def _read(kind: str, text: str, fences: bool) -> tuple[Any, bool]:
    """Return the value of a text, and whether the text is the payload alone; a fenced block counts as one in it."""
    if len(text) > MAX_CHARS:
        raise Unreadable(f"{len(text)} characters, at most {MAX_CHARS} are read")
    block, whole = _fenced(text)
    if block is not None and whole and (fences or kind in ("csv", "yaml")):
        return parse(kind, block), fences
    try:
        return parse(kind, text), True
    except Unreadable:
        if block is None:
            raise
        return parse(kind, block), False


def _fenced(text: str) -> tuple[str | None, bool]:
    """Return what the first fenced block holds, and whether the text is that block alone."""
    text = text.strip()
    start = text.find(_TICKS)
    begin = text.find("\n", start) + 1
    end = text.find(_TICKS, begin)
    if start < 0 or not begin or end < 0:
        return None, False
    return text[begin:end], start == 0 and end + len(_TICKS) == len(text)


def _invalid(schema: Any) -> str | None:
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        return error.message[:300]
    return None


@lru_cache(maxsize=256)
def _validator(schema_str: str, strict: bool, formats: bool) -> jsonschema.Draft202012Validator:
    """Return what validates under a schema, made strict if asked or invalid otherwise; fetches no reference."""
    schema = json.loads(schema_str)
    if strict or _invalid(schema):
        schema = strictified(schema)
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER if formats else None
    registry: Any = referencing.Registry()
    return jsonschema.Draft202012Validator(schema, format_checker=checker, registry=registry)


def _violation(value: Any, validator: jsonschema.Draft202012Validator) -> str | None:
    try:
        problem = next(validator.iter_errors(value), None)
    except RecursionError:
        return "it is nested too deeply for its schema"
    except (ArithmeticError, TypeError, ValueError) as error:
        return f"its schema cannot be applied to it: {error}"  # as a pattern to a name that is a number
    if problem is None:
        return None
    return f"{'.'.join(map(str, problem.absolute_path)) or 'payload'}: {problem.message}"


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every scalar and every empty array or object of a value with the path to it."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*path, str(key)))
    elif isinstance(value, list) and value:
        for place, inner in enumerate(value):
            yield from leaves(inner, (*path, str(place)))
    else:
        yield path, value


def _f1(value: Any, gold: Any) -> float:
    """Return the F1 of fields: a field is right when its path and its value are the expected ones."""
    wanted, given = dict(leaves(gold)), dict(leaves(value))
    right = sum(path in given and _same(given[path], expected) for path, expected in wanted.items())
    return 2 * right / (len(wanted) + len(given)) if wanted or given else 1.0


def _same(given: Any, expected: Any) -> bool:
    if isinstance(given, bool) or isinstance(expected, bool):
        return given is expected
    if isinstance(given, str) and isinstance(expected, str):
        return given.strip() == expected.strip()
    return bool(given == expected)


def _grounded(value: Any, source: str) -> float:
    """Return the share of texts and numbers that occur in the prompt as whole words; empty texts do not."""
    words = " ".join(source.casefold().split())
    written = Counter(
        forms for _, leaf in leaves(value)
        if isinstance(leaf, str | int | float) and not isinstance(leaf, bool) and (forms := _forms(leaf))
    )  # fmt: skip
    found = sum(times for forms, times in written.items() if any(_occurs(form, words) for form in forms))
    return found / written.total() if written else 0.0


def _forms(leaf: str | float) -> tuple[str, ...]:
    """Return the ways to write a value: 1200 also as 1,200, and 30.0 as 30."""
    if isinstance(leaf, float) and leaf.is_integer():
        leaf = int(leaf)
    return (" ".join(str(leaf).casefold().split()), *((f"{leaf:,}",) if isinstance(leaf, int) else ()))


def _occurs(text: str, words: str) -> bool:
    place = words.find(text) if text else -1
    while place >= 0:
        before, after = words[place - 1 : place], words[place + len(text) : place + len(text) + 1]
        if not (_spaced(before) and _spaced(text[0])) and not (_spaced(after) and _spaced(text[-1])):
            return True
        place = words.find(text, place + 1)
    return False


def _spaced(char: str) -> bool:
    """Whether a character is of a script that sets words apart by spaces: a digit, or a letter that has case."""
    return char.isdecimal() or char.upper() != char.lower()
