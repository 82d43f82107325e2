"""Items: the plain dicts that observations and actions are lists of.

An item is one element of the `input` or `output` of an OpenAI Responses call. This module builds, reads and
cleans items, and parses the JSON that a model writes. Which items are valid is said in `schemas.py`.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

Item = dict[str, Any]
Action = Any
"""What `step` accepts: a list of output items (dicts or `openai` objects), or a whole Response."""

MAX_DEPTH = 64
_MAX_INT_BITS = 14_000  # Python writes integers of up to 4300 digits
_SURROGATES = re.compile("[\ud800-\udfff]")
_PAIRS = re.compile("[\ud800-\udbff][\udc00-\udfff]")


class ModelJSONError(ValueError):
    """JSON written by a model that cannot be used."""


def message(text: str, role: str = "user") -> Item:
    """Build an input message.

    >>> message("Hello")
    {'role': 'user', 'content': 'Hello'}
    """
    return {"role": role, "content": text}


def assistant_message(text: str) -> Item:
    """Build an output message, as a model call returns it."""
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "id": "msg_0", "role": "assistant", "status": "completed", "content": [part]}


def function_call(name: str, arguments: dict[str, Any] | str, call_id: str | None = None) -> Item:
    """Build a tool call. A `call_id` used twice in an episode is renamed by the environment.

    >>> function_call("get_weather", {"city": "Oslo"})["arguments"]
    '{"city": "Oslo"}'
    """
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"type": "function_call", "call_id": call_id or f"call_{name}", "name": name, "arguments": text}


def function_call_output(call_id: str, output: str) -> Item:
    """Build the answer to a tool call."""
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def reasoning(text: str) -> Item:
    """Build a reasoning item with one summary."""
    return {"type": "reasoning", "id": "rs_0", "summary": [{"type": "summary_text", "text": text}]}


def item_type(item: Item) -> str:
    """Return the item's type; an input message may leave it out."""
    kind = item.get("type", "message")
    return kind if isinstance(kind, str) else ""


def message_text(item: Item) -> str:
    """Return the text of a message's parts (refusals included), joined without separator."""
    content = item.get("content", "")
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or part.get("refusal") or "" for part in content if isinstance(part, dict))


def output_text(items: Iterable[Item]) -> str:
    """Return the text of all assistant messages, as `openai`'s `Response.output_text` joins it."""
    return "".join(message_text(item) for item in items if is_assistant_message(item))


def is_assistant_message(item: Item) -> bool:
    """Whether the item is a message of the model's."""
    return item_type(item) == "message" and item.get("role") == "assistant"


def is_environment_item(item: Item) -> bool:
    """Whether an item after the first observation came from the environment and not from the model."""
    kind = item_type(item)
    return kind == "function_call_output" or (kind == "message" and item.get("role") != "assistant")


def scrub_text(text: str) -> str:
    r"""Join surrogate pairs and replace lone surrogates, which no UTF-8 file or request can hold.

    >>> scrub_text("a\ud800b")
    'a\ufffdb'
    """
    if text.isascii() or not _SURROGATES.search(text):
        return text
    joined = _PAIRS.sub(lambda pair: pair.group().encode("utf-16", "surrogatepass").decode("utf-16"), text)
    return _SURROGATES.sub("\ufffd", joined)


def scrub(value: Any, max_depth: int = MAX_DEPTH) -> Any:
    """Return a copy that is plain JSON data: text scrubbed, NaN as null, depth capped, other values as text."""
    if isinstance(value, str):
        return scrub_text(str(value))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if value.bit_length() <= _MAX_INT_BITS else None
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if max_depth <= 0:
        return "(nested too deeply)"
    if isinstance(value, dict):
        return {scrub_text(_shown(key)): scrub(inner, max_depth - 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [scrub(inner, max_depth - 1) for inner in value]
    return scrub_text(_shown(value))


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else f"({type(value).__name__})"


def parse_model_json(text: str, *, max_chars: int = 1_000_000, max_depth: int = MAX_DEPTH) -> Any:
    """Parse JSON that a model wrote.

    Refuses what parsers disagree on or choke on: duplicate keys, NaN and infinities, deep nesting, over-long
    text and numbers. Lone surrogates are replaced.

    Args:
        text: The JSON text.
        max_chars: Longest text that is looked at, in characters.
        max_depth: Deepest nesting of arrays and objects.

    Raises:
        ModelJSONError: With a reason that the model can read.

    >>> parse_model_json('{"a": 1}')
    {'a': 1}
    >>> parse_model_json('{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ...
    gym_llm.items.ModelJSONError: duplicate key "a"
    """
    if not isinstance(text, str):
        raise ModelJSONError(f"expected a JSON text, got {type(text).__name__}")
    if len(text) > max_chars:
        raise ModelJSONError(f"{len(text)} characters of JSON, at most {max_chars} are accepted")
    if text.count("[") + text.count("{") > max_depth:
        _check_depth(text, max_depth)
    try:
        value = _json.decode(text)
    except ModelJSONError:
        raise
    except RecursionError:
        raise ModelJSONError(f"nested deeper than {max_depth}") from None
    except ValueError as error:
        raise ModelJSONError(scrub_text(str(error))) from None
    return value if text.isascii() and "\\u" not in text else scrub(value, max_depth + 1)


def _check_depth(text: str, max_depth: int) -> None:
    depth = 0
    for token in re.finditer(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', text, re.DOTALL):
        first = token.group()[0]
        depth += (first in "[{") - (first in "]}")
        if depth > max_depth:
            raise ModelJSONError(f"nested deeper than {max_depth}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ModelJSONError(f"duplicate key {json.dumps(twice[:80])}")
    return found


def _no_constant(name: str) -> Any:
    raise ModelJSONError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ModelJSONError(f"number {text[:40]} is too large")
    return value


_json = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)


def printable(text: str) -> str:
    r"""Escape what could drive a terminal: control characters (newline and tab stay), bidi overrides, surrogates.

    >>> printable("red \x1b[31m")
    'red \\x1b[31m'
    """
    return "".join(char if char in "\n\t" or _harmless(char) else _escaped(char) for char in text)


def _harmless(char: str) -> bool:
    return " " <= char <= "~" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")
