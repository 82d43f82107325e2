"""Procedural tasks: a schema of some fields, a document that says their values among other things, and the gold.

Makes rows for `StructuredOutputs.generate`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from gym_llm.envs.structured_outputs.parsing import FORMATS
from gym_llm.errors import ConfigError
from gym_llm.items import message

_NAMES = ("Amara", "Bela", "Chidi", "Dagny", "Elif", "Farid", "Greta", "Hana", "Ivo", "Jun", "Kaja", "Luis")
_TOWNS = ("Bergen", "Cusco", "Dakar", "Graz", "Hobart", "Lviv", "Nara", "Porto", "Quito", "Tartu")
_GOODS = ("anvil", "basket", "candle", "drum", "easel", "flute", "globe", "hammock", "kettle", "lantern")
_COLOURS = ["amber", "black", "crimson", "green", "violet", "white"]
Made = tuple[dict[str, Any], Any, str]
"""A field's schema, its value, and what the document says of it."""


def _whole(noun: str, low: int, high: int) -> Callable[[np.random.Generator], Made]:
    def made(rng: np.random.Generator) -> Made:
        value = int(rng.integers(low, high))
        return {"type": "integer", "minimum": low}, value, f"The {noun} is {value}."

    return made


def _choice(noun: str, words: tuple[str, ...] | list[str], closed: bool) -> Callable[[np.random.Generator], Made]:
    def made(rng: np.random.Generator) -> Made:
        value = words[int(rng.integers(len(words)))]
        schema: dict[str, Any] = (
            {"type": "string", "enum": list(words)} if closed else {"type": "string", "minLength": 1}
        )
        return schema, value, f"The {noun} is {value}."

    return made


def _price(rng: np.random.Generator) -> Made:
    value = round(int(rng.integers(100, 9900)) / 100 + 0.005, 3)
    return {"type": "number", "exclusiveMinimum": 0}, value, f"The unit price is {value} crowns."


def _paid(rng: np.random.Generator) -> Made:
    value = bool(rng.integers(2))
    return {"type": "boolean"}, value, f"The bill has {'already' if value else 'not'} been paid."


def _code(rng: np.random.Generator) -> Made:
    value = f"{''.join('ABCDEFGHJK'[i] for i in rng.integers(10, size=2))}-{int(rng.integers(100, 1000))}"
    return {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"}, value, f"Its reference is {value}."


def _remarks(rng: np.random.Generator) -> Made:
    values = [str(word) for word in rng.choice(_GOODS, size=int(rng.integers(1, 4)), replace=False)]
    schema = {"type": "array", "items": {"type": "string"}, "minItems": 1}
    return schema, values, f"The parcel holds, in this order: {', '.join(values)}."


def _address(rng: np.random.Generator) -> Made:
    town, number = _TOWNS[int(rng.integers(len(_TOWNS)))], int(rng.integers(1, 200))
    schema = _object({"town": {"type": "string"}, "house_number": {"type": "integer"}})
    return schema, {"town": town, "house_number": number}, f"It goes to house number {number} in {town}."


_FIELDS: dict[str, Callable[[np.random.Generator], Made]] = {
    "customer": _choice("customer", _NAMES, False), "clerk": _choice("clerk", _NAMES, False),
    "origin": _choice("place of origin", _TOWNS, False), "colour": _choice("colour", _COLOURS, True),
    "quantity": _whole("quantity", 1, 500), "weight_grams": _whole("weight in grams", 10, 9000),
    "shelf": _whole("shelf number", 1, 80), "unit_price": _price, "paid": _paid, "reference": _code,
}  # fmt: skip
_NESTED: dict[str, Callable[[np.random.Generator], Made]] = {"contents": _remarks, "address": _address}
_ASIDES = (
    "The rain had stopped by noon.", "Nobody remembers who ordered the tea.", "The old ledger had 31 pages left.",
    "A cat slept on the counter.", "The door was painted twice last year.", "Lunch was late again.",
)  # fmt: skip


def row(
    rng: np.random.Generator, *, format: str = "any", num_fields: int = 5, nested: bool = True,  # noqa: A002
    response_mode: str = "text",
) -> dict[str, Any]:  # fmt: skip
    """Return a row.

    Args:
        rng: Source of randomness.
        format: `json`, `yaml`, `xml`, `toml`, `csv`, or `any`.
        num_fields: Fields of a record, 1 to 10.
        nested: Whether a record may also hold a list and an object; never in CSV.
        response_mode: `text`, or `tool_call` for a call whose arguments are the record (JSON).

    Raises:
        ConfigError: For a knob out of range.
    """
    if format not in (*FORMATS, "any") or not 1 <= num_fields <= len(_FIELDS):
        raise ConfigError(
            f"format={format!r}, num_fields={num_fields}: give {', '.join(FORMATS)} or any, and 1 to {len(_FIELDS)}"
        )
    if response_mode not in ("text", "tool_call"):
        raise ConfigError(f"response_mode={response_mode!r}: give 'text' or 'tool_call'")
    calls = response_mode == "tool_call"
    kind = "json" if calls else FORMATS[int(rng.integers(len(FORMATS)))] if format == "any" else format
    makers = {str(name): _FIELDS[str(name)] for name in rng.choice(list(_FIELDS), size=num_fields, replace=False)}
    if nested and kind != "csv":
        makers |= {name: maker for name, maker in _NESTED.items() if rng.random() < 0.5}
    schema, gold, document = _records(rng, makers) if kind == "csv" else _record(rng, makers)
    if kind == "xml":
        schema, gold = _object({"order": schema}), {"order": gold}
    params: dict[str, Any] = {"input": _prompt(kind, schema, document, calls)}
    more: dict[str, Any] = {}
    if calls:
        more = {"tool_name": "record_order", "tool_schema_mode": "direct"}
        params["tools"] = [{
            "type": "function", "name": "record_order", "description": "Record an order.", "parameters": schema,
            "strict": False,
        }]  # fmt: skip
    return {
        "responses_create_params": params, "schema_str": json.dumps(schema), "schema_type": kind,
        "response_mode": response_mode, "problem_type": "extraction", "gold": gold, **more,
    }  # fmt: skip


def _record(rng: np.random.Generator, makers: dict[str, Any]) -> Made:
    made = {name: maker(rng) for name, maker in makers.items()}
    asides = rng.choice(_ASIDES, size=2, replace=False)
    said = [*(sentence for *_, sentence in made.values()), *map(str, asides)]
    document = " ".join(said[int(place)] for place in rng.permutation(len(said)))
    return _object({name: part[0] for name, part in made.items()}), {n: part[1] for n, part in made.items()}, document


def _records(rng: np.random.Generator, makers: dict[str, Any]) -> Made:
    rows = [_record(rng, makers) for _ in range(int(rng.integers(2, 5)))]
    document = "\n".join(f"Order {number}: {said}" for number, (*_, said) in enumerate(rows, start=1))
    schema = {"type": "array", "items": rows[0][0], "minItems": len(rows), "maxItems": len(rows)}
    return schema, [record for _, record, _ in rows], document


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False,
    }  # fmt: skip


def _prompt(kind: str, schema: dict[str, Any], document: str, calls: bool) -> list[dict[str, Any]]:
    how = "Call record_order once with" if calls else f"Answer with nothing but a {kind.upper()} document that holds"
    shape = {"xml": " Write a list as one element with an <item> for each entry.", "csv": " Begin with a header line."}
    rules = f"{how} what the text says. It must satisfy this JSON Schema:\n{json.dumps(schema)}{shape.get(kind, '')}"
    return [message(rules, "system"), message(document)]
