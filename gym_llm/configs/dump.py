"""Checked settings as YAML: secrets masked by the type that the schema gives them, each value with its origin."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydantic
import yaml

from gym_llm.configs import explain
from gym_llm.configs.compose import Composed
from gym_llm.configs.layers import Path_
from gym_llm.configs.resolve import leaves, resolve
from gym_llm.errors import ConfigError

MASK = "****"
_COLUMN = 40


_SECRET_NAME = re.compile(r"(?:^|_)(?:key|token|secret|password|credentials?)$", re.IGNORECASE)


def dump(composed: Composed, checked: pydantic.BaseModel, *, origin: bool = False) -> str:
    """Return what a command sees, as YAML.

    Args:
        composed: The settings as they were composed.
        checked: The same, checked.
        origin: Whether each value is followed by a comment that says where it was written.
    """
    plain = _plain(checked)
    secrets = {secret.get_secret_value() for _, secret in leaves(plain) if isinstance(secret, pydantic.SecretStr)}
    secrets |= _placeholder(composed)
    masked = _masked(plain, sorted(filter(None, secrets), key=len, reverse=True))
    return "\n".join(_lines(masked, composed, (), origin=origin))


def _plain(value: Any) -> Any:
    """Return a model as mappings and lists, with whatever must not be shown as `SecretStr`."""
    if isinstance(value, pydantic.BaseModel):
        fields = type(value).model_fields
        return {
            field.alias or name: _hidden(getattr(value, name)) if not field.repr else _plain(getattr(value, name))
            for name, field in fields.items()
        }
    if isinstance(value, dict):  # keys that no schema knows: of an environment, of a server
        return {
            str(key): _hidden(inner) if _SECRET_NAME.search(str(key)) else _plain(inner) for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, Path) else value


def _hidden(value: Any) -> Any:
    return pydantic.SecretStr(value) if isinstance(value, str) else value


def _placeholder(composed: Composed) -> set[str]:
    try:
        key = resolve(composed.written, ["policy_api_key"])["policy_api_key"]
    except ConfigError:  # then no setting can have it
        return set()
    return {key} if isinstance(key, str) else set()


def _masked(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, dict):
        return {_masked(key, secrets): _masked(inner, secrets) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner, secrets) for inner in value]
    if isinstance(value, pydantic.SecretStr):
        return MASK
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, MASK)
    return value


def _lines(settings: dict[str, Any], composed: Composed, path: Path_, *, origin: bool) -> Iterator[str]:
    for key, value in settings.items():
        own = (*path, key)
        start = "  " * len(path) + _scalar(key) + ":"
        if isinstance(value, dict) and value:
            yield start
            yield from _lines(value, composed, own, origin=origin)
            continue
        line = f"{start} {_scalar(value)}"
        yield f"{line:<{_COLUMN}}  # {explain.place(composed.written, own)}" if origin else line


def _scalar(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=float("inf"), allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")
