"""Procedural tasks: requests in plain words, the tools that are offered for them, and the calls that are right.

Makes rows for `XlamFC.generate`. The tools, by family, and the words of requests stand in `data/tools.json`.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gym_llm.errors import ConfigError
from gym_llm.items import message

KINDS = ("single", "parallel", "irrelevant", "no_call")
_SHARES = (0.45, 0.3, 0.15, 0.1)
_JOINS = (" ", " Also: ", " And then: ", " Besides that: ")

Spec = dict[str, Any]


def row(
    rng: np.random.Generator, *, kind: str = "mixed", num_tools: int = 6, num_calls: int | None = None
) -> dict[str, Any]:
    """Return a row.

    Args:
        rng: Source of randomness.
        kind: `single` call, `parallel` calls, `irrelevant` (none of the offered tools fits), `no_call` (nothing
            is to be done), or `mixed` for any of them.
        num_tools: Tools that are offered, 1 to 20; more when the calls need more.
        num_calls: Calls of a `parallel` row, 2 to 6; 2 to 4 when left out.

    Raises:
        ConfigError: For a knob out of range.
    """
    if kind not in (*KINDS, "mixed"):
        raise ConfigError(f"kind={kind!r}: the kinds are {', '.join(KINDS)} and mixed")
    if not (1 <= num_tools <= 20 and (num_calls is None or 2 <= num_calls <= 6)):
        raise ConfigError(f"num_tools={num_tools}, num_calls={num_calls}: give 1 to 20, and 2 to 6")
    if kind == "mixed":
        kind = KINDS[int(rng.choice(len(KINDS), p=_SHARES))]
    if kind == "no_call":
        asked, calls, needed, banned = _any(rng, _data()["no_call"]), list[Spec](), list[Spec](), ""
    else:
        number = (num_calls or int(rng.integers(2, 5))) if kind == "parallel" else 1
        asked, calls, needed, banned = _asked(rng, number)
    if kind == "irrelevant":
        calls, needed = [], []
    else:
        banned = ""
    return {
        "responses_create_params": {
            "input": [message(asked)], "tools": _offered(rng, needed, banned, num_tools), "tool_choice": "auto",
            "parallel_tool_calls": True,
        },
        "expected_answers": calls, "kind": kind,
    }  # fmt: skip


def families() -> dict[str, list[Spec]]:
    """Return the specifications of all tools by family."""
    found: dict[str, list[Spec]] = _data()["families"]
    return found


def declaration(spec: Spec) -> dict[str, Any]:
    """Return a tool as a Responses create call declares it."""
    required = {key: _schema(kind, text, source) for key, (kind, text, source) in spec["parameters"].items()}
    optional = {
        key: {"type": kind, "description": text, "default": default}
        for key, (kind, text, default) in spec.get("optional", {}).items()
    }
    return {
        "type": "function", "name": spec["name"], "description": spec["description"], "strict": False,
        "parameters": {
            "type": "object", "properties": required | optional, "required": list(required),
            "additionalProperties": False,
        },
    }  # fmt: skip


def _schema(kind: str, text: str, source: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": kind, "description": text}
    if kind == "array":
        schema["items"] = {"type": "string" if isinstance(source, str) else "integer"}
    elif isinstance(source, list) and isinstance(source[0], str):
        schema["enum"] = source
    return schema


def _asked(rng: np.random.Generator, number: int) -> tuple[str, list[Spec], list[Spec], str]:
    """Return a request for distinct calls, the calls, their tools, and the family of the last."""
    sentences: list[str] = []
    calls: list[Spec] = []
    specs: list[Spec] = []
    family = ""
    while len(calls) < number:
        if not specs or rng.random() < 0.6:
            family = _any(rng, list(families()))
            spec = _any(rng, families()[family])
        arguments, shown = _arguments(rng, spec)
        call = {"name": spec["name"], "arguments": arguments}
        if call in calls:
            continue
        calls.append(call)
        specs.append(spec)
        sentences.append(_any(rng, spec["requests"]).format(**shown))
    return _any(rng, list(_JOINS)).join(sentences), calls, specs, family


def _arguments(rng: np.random.Generator, spec: Spec) -> tuple[dict[str, Any], dict[str, str]]:
    """Return arguments, and how a request says them; values from one pool are distinct within a call."""
    arguments: dict[str, Any] = {}
    for key, (kind, _, source) in spec["parameters"].items():
        value = _value(rng, kind, source)
        while isinstance(value, str) and value in arguments.values():
            value = _value(rng, kind, source)
        arguments[key] = value
    return arguments, {key: _shown(value) for key, value in arguments.items()}


def _value(rng: np.random.Generator, kind: str, source: Any) -> Any:
    pools = _data()["pools"]
    if isinstance(source, str) and kind == "array":
        return rng.choice(pools[source.removesuffix("*")], size=int(rng.integers(2, 5)), replace=False).tolist()
    if isinstance(source, str) or isinstance(source[0], str):
        return _any(rng, pools[source] if isinstance(source, str) else source)
    low, high = source
    if kind == "array":
        return rng.integers(low, high + 1, size=int(rng.integers(4, 8))).tolist()
    if kind == "number":
        return int(rng.integers(100 * low, 100 * high)) / 100
    return int(rng.integers(low, high + 1))


def _shown(value: Any) -> str:
    if not isinstance(value, list):
        return str(value)
    texts = list(map(str, value))
    return f"{', '.join(texts[:-1])} and {texts[-1]}"


def _offered(rng: np.random.Generator, needed: list[Spec], banned: str, number: int) -> list[dict[str, Any]]:
    """Return the needed tools among others of families that are not banned, in random order."""
    chosen = {spec["name"]: spec for spec in needed}
    others = [spec for family, specs in families().items() if family != banned for spec in specs]
    for place in rng.permutation(len(others)).tolist():
        if len(chosen) >= number:
            break
        chosen.setdefault(others[place]["name"], others[place])
    listed = list(chosen.values())
    return [declaration(listed[place]) for place in rng.permutation(len(listed)).tolist()]


def _any(rng: np.random.Generator, values: list[Any]) -> Any:
    return values[int(rng.integers(len(values)))]


@cache
def _data() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "tools.json").read_text("utf-8"))
    return loaded
