"""The keys of a schema, flattened to dotted paths: what help texts, the page and error messages are made of."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pydantic
from pydantic.fields import FieldInfo

REQUIRED = "???"


@dataclass(frozen=True, slots=True)
class Key:
    """One setting.

    Attributes:
        path: Dotted path, as written on the command line.
        meaning: What it does, in a sentence or two.
        default: Its value when nothing is said; `???` when something must be.
        secret: Whether its value must never be shown.
    """

    path: str
    meaning: str
    default: Any = None
    secret: bool = False


def keys(schema: type[pydantic.BaseModel], settings: Mapping[str, Any], prefix: str = "") -> Iterator[Key]:
    """Yield the keys of a schema in order, with the values of `settings`, or else the schema's, as defaults.

    Of a union, the keys are those of the member that `settings` choose by `type`.
    """
    for name, field in schema.model_fields.items():
        key = field.alias or name
        given = settings.get(key, _own_default(field))
        inner = _inner(field, given)
        if inner is not None:
            yield from keys(inner, given if isinstance(given, Mapping) else {}, f"{prefix}{key}.")
        else:
            yield Key(prefix + key, " ".join((field.description or "").split()), given, _is_secret(field))


def key_at(schema: type[pydantic.BaseModel], settings: Mapping[str, Any], path: str) -> Key | None:
    """Return the key that a path is, or lies in."""
    return next((key for key in keys(schema, settings) if f"{path}.".startswith(f"{key.path}.")), None)


def _own_default(field: FieldInfo) -> Any:
    return REQUIRED if field.is_required() else field.get_default(call_default_factory=True)


def _inner(field: FieldInfo, given: Any) -> type[pydantic.BaseModel] | None:
    """Return the model that a field holds, if it holds one."""
    models = [each for each in _members(field) if isinstance(each, type) and issubclass(each, pydantic.BaseModel)]
    if field.discriminator is None:
        return models[0] if models else None
    kind = given.get("type") if isinstance(given, Mapping) else None
    return next((each for each in models if kind in typing.get_args(each.model_fields["type"].annotation)), None)


def _members(field: FieldInfo) -> tuple[Any, ...]:
    if typing.get_origin(field.annotation) in (list, tuple, dict):
        return ()
    return typing.get_args(field.annotation) or (field.annotation,)


def _is_secret(field: FieldInfo) -> bool:
    return pydantic.SecretStr in _members(field) or not field.repr
