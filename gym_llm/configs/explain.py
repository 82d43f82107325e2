"""What is wrong with settings, in one line: key, value, where it was written, cure. No secret is repeated."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pydantic

from gym_llm.configs import files
from gym_llm.configs.keys import Key, key_at, keys
from gym_llm.configs.layers import Layer, Path_
from gym_llm.errors import did_you_mean

_REFERENCE = re.compile(r"\$\{(oc\.env:)?([\w.]+)")


def place(written: Layer, path: Path_) -> str:
    """Return where a value was written, and where what it interpolates was."""
    said = [written.origin(path) or "default"]
    value = _at(written.data, path)
    for variable, name in _REFERENCE.findall(value) if isinstance(value, str) else ():
        source = "the environment" if variable else written.origin(tuple(name.split(".")))
        said.append(f"{name} from {source}" if source else f"{name} is not set")
    return ", ".join(said)


def missing(paths: Sequence[Path_], written: Layer) -> str:
    """Return the message for values that must be given and are not."""
    named = ", ".join(f"{'.'.join(path)} ({place(written, path)})" for path in paths)
    return f"required: {named}; give {'.'.join(paths[0])}=VALUE"


def wrong(
    schema: type[pydantic.BaseModel], settings: Mapping[str, Any], written: Layer, error: pydantic.ValidationError
) -> str:
    """Return the message for the first problem that pydantic found; an unknown key comes before the others."""
    problems = error.errors(include_url=False)
    unknown = [problem for problem in problems if problem["type"] == "extra_forbidden"]
    first = max(unknown or problems, key=lambda problem: len(_located(settings, problem["loc"])))
    location = _located(settings, first["loc"])
    path = ".".join(location)
    where = place(written, location)
    if unknown:
        return _unknown(schema, settings, written, location)
    key = key_at(schema, settings, path)
    value = _as_written(settings, written, location)
    reason = first["msg"].removeprefix("Value error, ")
    if not path and first["type"] != "missing":
        about = reason.partition(" ")[0].rstrip(":")
        return f"{about} ({place(written, tuple(about.split('.')))}): {reason}"
    shown = f"{path}{_shown(key, value)} ({where})"
    meaning = f" {path}: {key.meaning}" if key and key.meaning and key.path == path else ""
    if first["type"] == "string_pattern_mismatch":
        return f"{shown}: {key.meaning if key else reason}"
    if first["type"] == "missing":
        lacking = ".".join((*location, str(first["loc"][-1])))
        return f"required: {lacking} ({where}); give {lacking}=VALUE"
    hint = _nearest(value, first)
    return f"{shown}: {reason[0].lower()}{reason[1:].rstrip('.')}.{hint}{meaning}"


def _unknown(
    schema: type[pydantic.BaseModel], settings: Mapping[str, Any], written: Layer, location: Path_
) -> str:  # fmt: skip
    where = place(written, location)
    listed = {key.path: key for key in keys(schema, settings)}
    path, parent = ".".join(location), ".".join(location[:-1])
    known = [*files.groups(), *listed]
    if location[0] in schema.model_fields and not any(name.startswith(f"{parent}.") for name in listed):
        known += [f"{parent}.{name}" for name in _nested(schema.model_fields[location[0]].annotation)]
    siblings = [name.removeprefix(f"{parent}.") for name in known if parent and name.startswith(f"{parent}.")]
    hint = did_you_mean(location[-1], siblings).replace("'", f"'{parent}.", 1) if parent else did_you_mean(path, known)
    near = listed.get(hint.partition("'")[2].partition("'")[0]) if hint else None
    value = _as_written(settings, written, location)
    plain = isinstance(value, bool | int | float) or (isinstance(value, str) and near is not None and not near.secret)
    shown = f" (value {value!r}, {where})" if plain else f" ({where})"
    kind = _at(settings, (location[0], "type")) if len(location) > 1 else None
    chosen = f" with {location[0]}={kind}" if isinstance(kind, str) else ""
    return f"unknown key {path!r}{chosen}{shown}.{hint} See --help for all keys"


def _as_written(settings: Mapping[str, Any], written: Layer, location: Path_) -> Any:
    """Return a value, but not what it interpolates, which may be a secret."""
    raw = _at(written.data, location)
    return raw if isinstance(raw, str) and "${" in raw else _at(settings, location)


def _nearest(value: Any, problem: Any) -> str:
    expected = re.findall(r"'([^']*)'", str(problem.get("ctx", {}).get("expected", "")))
    return did_you_mean(value, expected) if isinstance(value, str) else ""


def _nested(annotation: Any) -> Iterator[str]:
    """Yield the fields of the models that an annotation holds anywhere."""
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        for name, field in annotation.model_fields.items():
            yield name
            yield from _nested(field.annotation)
    for inner in typing.get_args(annotation):
        yield from _nested(inner)


def _shown(key: Key | None, value: Any) -> str:
    """Return `=value` for a plain value that is no secret; a mapping may hold one."""
    plain = value is None or isinstance(value, str | int | float)
    return f"={value!r}" if key and plain and not key.secret else ""


def _located(settings: Mapping[str, Any], location: Sequence[str | int]) -> Path_:
    """Return an error's path, without the tags of unions that pydantic puts in between."""
    path: list[str] = []
    value: Any = settings
    for part in location:
        inside = part in value if isinstance(value, Mapping) else isinstance(value, list) and isinstance(part, int)
        if inside:
            value = value[part]
            path.append(str(part))
    return tuple(path)


def _at(value: Any, path: Path_) -> Any:
    for part in path:
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value
