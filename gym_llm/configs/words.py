"""The command line's `key=value` words as a layer. The grammar is Hydra's; its overrides are applied here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from gym_llm.configs import files
from gym_llm.configs.documents import check_text
from gym_llm.configs.layers import DELETE, Layer
from gym_llm.errors import ConfigError

LABEL = "command line"
_SIGNS = re.compile(r"\A(\+\+?|~)")


def layer(words: Sequence[str]) -> Layer:
    """Read words, each `key=value`, `+key=value` (the same) or `~key` (take it away).

    Raises:
        ConfigError: A word cannot be read. Its value, which may be a secret, is not repeated.
    """
    found = Layer(LABEL)
    if not words:
        return found
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser = OverridesParser.create()
    for word in words:
        try:
            (override,) = parser.parse_overrides([word])
            value: Any = override.value()
        except HydraException:
            raise ConfigError(_unreadable(word)) from None
        key = str(override.key_or_group)
        if override.package or override.is_sweep_override():
            raise ConfigError(f"{key}: packages (@) and sweeps (a,b) are not read; a list is written [a,b]")
        if key.split(".")[0] == "hydra":
            raise ConfigError(f"unknown key {key!r}: Hydra's own settings have no effect here; leave it out")
        value = DELETE if override.is_delete() else _plain(value, f"{key} ({LABEL})")
        if isinstance(value, str) and key in files.groups() and key not in files.AT_ROOT:
            found.chosen[key] = value
        else:
            found.put(tuple(key.split(".")), value)
    return found


def _plain(value: Any, where: str) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(inner, where) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner, where) for inner in value]
    if isinstance(value, str):
        check_text(value, where)
    return value


def _unreadable(word: str) -> str:
    key, equals, _ = _SIGNS.sub("", word).partition("=")
    if not equals:
        return f"cannot read {word!r}; settings are written key=value"
    return f"cannot read the value of {key!r}; quote one with special characters: '{key}=\"...\"'"
