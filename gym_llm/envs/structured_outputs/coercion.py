"""Types for the two formats whose values are all text: XML and CSV, by what the schema asks for.

A text that is no such value stays text, so that validation says so.
"""

from __future__ import annotations

import math
from typing import Any


def from_xml(value: Any, schema: Any) -> Any:
    """Return a read XML value with the types of a schema.

    An array may be written as one element around repeated ones; an empty element is an empty text where a text is
    asked for.
    """
    kind = schema.get("type") if isinstance(schema, dict) else None
    if kind == "object" and isinstance(value, dict):
        known = schema.get("properties", {})
        return {key: from_xml(inner, known.get(key)) for key, inner in value.items()}
    if kind == "array":
        if isinstance(value, dict) and len(value) == 1:
            value = next(iter(value.values()))
        items = value if isinstance(value, list) else [] if value is None else [value]
        return [from_xml(item, schema.get("items")) for item in items]
    if kind == "string" and value is None:
        return ""
    return _scalar(value, kind)


def from_csv(rows: list[dict[Any, Any]], schema: Any) -> list[dict[Any, Any]]:
    """Return read CSV rows with the types of the schema's columns."""
    items = schema.get("items", schema) if isinstance(schema, dict) else {}
    columns = items.get("properties", {}) if isinstance(items, dict) else {}
    return [{key: _cell(value, columns.get(key)) for key, value in row.items()} for row in rows]


def _cell(value: Any, schema: Any) -> Any:
    kinds = schema.get("type", "string") if isinstance(schema, dict) else "string"
    if not isinstance(kinds, list):
        return _scalar(value, kinds)
    if value in (None, "") and "null" in kinds:
        return None
    for kind in kinds:
        read = _scalar(value, kind)
        if not isinstance(read, str) or kind == "string":
            return read
    return value


def _scalar(value: Any, kind: Any) -> Any:
    if not isinstance(value, str) or not value:
        return value
    try:
        if kind == "integer":
            return int(value)
        if kind == "number":
            number = float(value)
            return number if math.isfinite(number) else value
    except ValueError:
        return value
    if kind == "boolean":
        return {"true": True, "1": True, "false": False, "0": False}.get(value.lower(), value)
    return value
