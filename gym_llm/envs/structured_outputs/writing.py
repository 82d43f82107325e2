"""Writing a value in one of the five formats: the reference solution's side of `parsing.py`."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from xml.sax.saxutils import escape


def write(kind: str, value: Any) -> str:
    r"""Return a value as text.

    >>> write("toml", {"name": "Ann", "tags": ["a"]})
    'name = "Ann"\ntags = ["a"]\n'
    """
    if kind == "json":
        return json.dumps(value)
    if kind == "yaml":
        import yaml  # the other formats do not pay for it

        return str(yaml.safe_dump(value, sort_keys=False))
    if kind == "xml":
        return "".join(_element(key, inner) for key, inner in value.items())
    if kind == "toml":
        return "".join(f"{_key(key)} = {_toml(inner)}\n" for key, inner in value.items())
    return _table(value)


def _element(name: str, value: Any) -> str:
    if isinstance(value, dict):
        inner = "".join(_element(key, part) for key, part in value.items())
    elif isinstance(value, list):
        inner = "".join(_element("item", part) for part in value)
    else:
        inner = "" if value is None else escape(value if isinstance(value, str) else json.dumps(value))
    return f"<{name}>{inner}</{name}>"


def _key(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)[1:-1] if name.replace("_", "").isalnum() else json.dumps(name)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _table(rows: list[dict[str, Any]]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: json.dumps(v) if isinstance(v, bool) else v for key, v in row.items()} for row in rows)
    return file.getvalue()
