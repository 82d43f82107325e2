"""Random values that satisfy a JSON Schema, for `OutputItems.sample`.

Covers what tool schemas are made of: objects, arrays, scalars with bounds, enum, const, unions and `$ref`. Not a
general schema fuzzer: `pattern`, `not` and conditionals are ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Schema = dict[str, Any]
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_MAX_DEPTH = 12


def word(rng: np.random.Generator) -> str:
    """Return a lower-case word of 3 to 8 letters."""
    return "".join(_LETTERS[i] for i in rng.integers(0, len(_LETTERS), size=int(rng.integers(3, 9))))


def text(rng: np.random.Generator) -> str:
    """Return one to eight random words."""
    return " ".join(word(rng) for _ in range(int(rng.integers(1, 9))))


def value(rng: np.random.Generator, schema: Schema, root: Schema | None = None, depth: int = 0) -> Any:
    """Return a random value that satisfies a JSON Schema.

    Args:
        rng: Source of randomness.
        schema: The schema.
        root: Where `$ref` looks definitions up; the schema itself when left out.
        depth: Depth of nesting so far; past 12 optional parts are left out.
    """
    root = schema if root is None else root
    if "$ref" in schema:
        return value(rng, _resolve(schema["$ref"], root), root, depth + 1)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][int(rng.integers(len(schema["enum"])))]
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return value(rng, _choice(rng, schema[union], depth), root, depth + 1)
    if "allOf" in schema:
        return value(rng, _merged(schema["allOf"], root), root, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = kind[int(rng.integers(len(kind)))]
    return _SAMPLERS[kind](rng, schema, root, depth)


def _choice(rng: np.random.Generator, options: list[Schema], depth: int) -> Schema:
    leaves = [option for option in options if option.get("type") in ("null", "string", "integer", "boolean")]
    pool = leaves if depth > _MAX_DEPTH and leaves else options
    return pool[int(rng.integers(len(pool)))]


def _resolve(ref: str, root: Schema) -> Schema:
    found: Any = root
    for part in ref.removeprefix("#").strip("/").split("/"):
        found = found[part] if part else found
    return dict(found)


def _merged(parts: list[Schema], root: Schema) -> Schema:
    merged: Schema = {}
    for part in parts:
        part = _resolve(part["$ref"], root) if "$ref" in part else part
        merged |= part | {"properties": merged.get("properties", {}) | part.get("properties", {})}
    return merged if merged["properties"] else {k: v for k, v in merged.items() if k != "properties"}


def _object(rng: np.random.Generator, schema: Schema, root: Schema, depth: int) -> dict[str, Any]:
    required = set(schema.get("required", ()))
    chosen = {
        name: inner
        for name, inner in schema.get("properties", {}).items()
        if name in required or (depth < _MAX_DEPTH and rng.random() < 0.5)
    }
    return {name: value(rng, inner, root, depth + 1) for name, inner in chosen.items()}


def _array(rng: np.random.Generator, schema: Schema, root: Schema, depth: int) -> list[Any]:
    prefix = [value(rng, inner, root, depth + 1) for inner in schema.get("prefixItems", ())]
    low = max(schema.get("minItems", 0) - len(prefix), 0)
    high = max(schema.get("maxItems", low + 3) - len(prefix), low)
    size = int(rng.integers(low, high + 1)) if depth < _MAX_DEPTH else low
    if schema.get("items") is False or (prefix and "items" not in schema):
        size = 0
    return prefix + [value(rng, schema.get("items") or {}, root, depth + 1) for _ in range(size)]


def _string(rng: np.random.Generator, schema: Schema, _: Schema, __: int) -> str:
    low, high = schema.get("minLength", 0), schema.get("maxLength")
    sample = text(rng)
    while len(sample) < low:
        sample += " " + text(rng)
    return sample[: high if high is not None else None]


def _bounds(schema: Schema, step: float) -> tuple[float, float]:
    low = schema.get("minimum", schema["exclusiveMinimum"] + step if "exclusiveMinimum" in schema else None)
    high = schema.get("maximum", schema["exclusiveMaximum"] - step if "exclusiveMaximum" in schema else None)
    if low is None:
        low = -1000 if high is None else high - 1000
    return low, low + 1000 if high is None else high


def _integer(rng: np.random.Generator, schema: Schema, _: Schema, __: int) -> int:
    low, high = _bounds(schema, 1)
    multiple = int(schema.get("multipleOf", 1))
    return int(rng.integers(-(-int(low) // multiple), int(high) // multiple + 1)) * multiple


def _number(rng: np.random.Generator, schema: Schema, _: Schema, __: int) -> float:
    low, high = _bounds(schema, 1e-6)
    return float(rng.uniform(low, high))


def _boolean(rng: np.random.Generator, *_: Any) -> bool:
    return bool(rng.integers(2))


def _null(*_: Any) -> None:
    return None


_SAMPLERS: dict[str, Callable[..., Any]] = {
    "object": _object, "array": _array, "string": _string, "integer": _integer, "number": _number,
    "boolean": _boolean, "null": _null,
}  # fmt: skip
