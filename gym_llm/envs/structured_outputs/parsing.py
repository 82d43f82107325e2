"""Reading a payload in five formats, safely: depth and size are capped, aliases and entities cannot explode.

What JSON Schema knows nothing of is not read either: NaN, infinities, and numbers that Python does not print.

Values come out as the format's usual reader gives them: XML as nested dictionaries with `@attribute` and `#text`,
CSV as a list of rows. Judges nothing.
"""

from __future__ import annotations

import csv
import io
import math
import re
import tomllib
import xml.parsers.expat
from typing import Any

from gym_llm.items import ModelJSONError, parse_model_json

FORMATS = ("json", "yaml", "xml", "toml", "csv")
MAX_CHARS, MAX_DEPTH, MAX_NODES, MAX_MERGES = 200_000, 64, 100_000, 32
MAX_BITS = 14_000
"""Longest whole number, in bits: Python refuses to print those of more than 4,300 digits."""

_LONG_KEY = re.compile(rf"(?<![\w.-])(?:[\w-]++\s*+\.\s*+){{{MAX_DEPTH + 1}}}")


class Unreadable(ValueError):
    """A payload that cannot be read, or is too large to be looked at."""


def parse(kind: str, text: str) -> Any:
    """Return what a text says.

    Raises:
        Unreadable: With the reason.

    >>> parse("xml", "<a id='1'><b>x</b><b/></a>")
    {'a': {'@id': '1', 'b': ['x', None]}}
    """
    if len(text) > MAX_CHARS:
        raise Unreadable(f"{len(text)} characters, at most {MAX_CHARS} are read")
    try:
        value = _PARSERS[kind](text)
    except Unreadable:
        raise
    except (RecursionError, MemoryError):
        raise Unreadable(f"nested deeper than {MAX_DEPTH}") from None
    except Exception as error:  # boundary: whatever a parser says of a model's text is a reason
        raise Unreadable(f"{type(error).__name__}: {str(error)[:200]}") from None
    _check_size(value)
    return value


_HOLDERS = (dict, list, tuple, set)
"""What may hold other values; YAML's `!!pairs` makes tuples, its `!!set` sets."""


def _check_size(value: Any) -> None:
    """Refuse what is deep or large once every alias is written out, and numbers that are no finite ones."""
    left, todo = MAX_NODES, [(value, 1)]
    while todo:
        node, depth = todo.pop()
        inner = [*node, *node.values()] if isinstance(node, dict) else node if isinstance(node, _HOLDERS) else (node,)
        left -= 1 + len(inner)
        if depth > MAX_DEPTH:
            raise Unreadable(f"nested deeper than {MAX_DEPTH}")
        if left < 0:
            raise Unreadable(f"more than {MAX_NODES} values")
        for child in inner:
            if isinstance(child, _HOLDERS):
                todo.append((child, depth + 1))
            elif isinstance(child, float) and not math.isfinite(child):
                raise Unreadable("NaN and infinities are no numbers of a document")
            elif isinstance(child, int) and child.bit_length() > MAX_BITS:
                raise Unreadable(f"a whole number of more than {MAX_BITS} bits")


def _yaml(text: str) -> Any:
    import yaml  # the other formats do not pay for it

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = merges = 0
    for event in yaml.parse(text, Loader=loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        merges += isinstance(event, yaml.ScalarEvent) and event.value == "<<"
        if depth > MAX_DEPTH:
            raise Unreadable(f"nested deeper than {MAX_DEPTH}")
    if merges:
        _check_merges(yaml.compose(text, Loader=loader), merges)
    return yaml.load(text, Loader=loader)  # both are safe loaders


def _check_merges(node: Any, merges: int) -> None:
    """Refuse merge keys that multiply: each may name one mapping, and there may be few of them."""
    if merges > MAX_MERGES:
        raise Unreadable(f"more than {MAX_MERGES} merge keys")
    todo, seen = [node], set()
    while todo:
        node = todo.pop()
        if id(node) in seen or not isinstance(node.value, list):
            continue
        seen.add(id(node))
        for part in node.value:
            key, value = part if isinstance(part, tuple) else (None, part)
            merging = key is not None and key.tag == "tag:yaml.org,2002:merge" and isinstance(value.value, list)
            if merging and not all(isinstance(inner, tuple) for inner in value.value):
                raise Unreadable("a merge key may name one mapping only")
            todo += [inner for inner in (key, value) if inner is not None]


class _Element:
    """An XML element that is being read."""

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name, self.text = name, [""]
        self.children: dict[str, Any] = {f"@{key}": value for key, value in attributes.items()}
        self.repeated: set[str] = set()

    def add(self, name: str, value: Any) -> None:
        if name not in self.children:
            self.children[name] = value
        elif name in self.repeated:
            self.children[name].append(value)
        else:
            self.repeated.add(name)
            self.children[name] = [self.children[name], value]

    def value(self) -> Any:
        text = "".join(self.text).strip() or None
        if self.children and text is not None:
            self.children["#text"] = text
        return self.children or text


def _xml(text: str) -> Any:
    stack = [_Element("", {})]
    parser = xml.parsers.expat.ParserCreate()

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(stack) > MAX_DEPTH:
            raise Unreadable(f"nested deeper than {MAX_DEPTH}")
        stack.append(_Element(name, attributes))

    def end(name: str) -> None:
        element = stack.pop()
        stack[-1].add(name, element.value())

    def doctype(*_: Any) -> None:
        raise Unreadable("a document type is not read: it could define entities")

    def characters(data: str) -> None:
        stack[-1].text.append(data)

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = doctype
    parser.Parse(text.strip().encode("utf-8", "replace"), True)
    return stack[0].children


def _json(text: str) -> Any:
    try:
        return parse_model_json(text, max_chars=MAX_CHARS, max_depth=MAX_DEPTH)
    except ModelJSONError as error:
        raise Unreadable(str(error)[:200]) from None


def _csv(text: str) -> list[dict[str, Any]]:
    rows = []
    for number, row in enumerate(csv.DictReader(io.StringIO(text)), start=1):
        if None in row:
            raise Unreadable(f"row {number} has more cells than the header")
        rows.append(row)
    return rows


def _toml(text: str) -> Any:
    if _LONG_KEY.search(text):
        raise Unreadable(f"a key of more than {MAX_DEPTH} parts")
    return tomllib.loads(text)


_PARSERS: dict[str, Any] = {"json": _json, "yaml": _yaml, "xml": _xml, "toml": _toml, "csv": _csv}
