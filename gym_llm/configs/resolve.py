"""Interpolation: `${key}` and `${oc.env:NAME}` in settings, by OmegaConf. Nothing but settings comes here."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from gym_llm.configs.keys import REQUIRED
from gym_llm.configs.layers import Layer, Path_
from gym_llm.errors import ConfigError


def leaves(value: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    """Yield path and value of everything that is no mapping and no list."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if pairs is None:
        yield path, value
        return
    for key, inner in pairs:
        yield from leaves(inner, (*path, str(key)))


def resolve(settings: Layer, wanted: Collection[str]) -> dict[str, Any]:
    """Return the wanted keys with interpolations resolved; one to a required value is required itself.

    Raises:
        ConfigError: An interpolation leads nowhere, or cannot be read.
    """
    data = {key: settings.data[key] for key in wanted}
    if not any(isinstance(value, str) and "${" in value for _, value in leaves(data)):
        return data
    from omegaconf import OmegaConf
    from omegaconf.errors import InterpolationToMissingValueError, OmegaConfBaseException

    try:
        tree = OmegaConf.create(settings.data)
        while True:
            try:
                return {key: _resolved(tree, key, data[key]) for key in data}
            except InterpolationToMissingValueError as error:
                OmegaConf.update(tree, str(error.full_key), REQUIRED)
    except OmegaConfBaseException as error:
        key = str(error.full_key or "")
        place = settings.origin(tuple(key.replace("[", ".").replace("]", "").split(".")))
        raise ConfigError(f"{key} ({place}): {_told(error)}") from None


def text(value: str, where: str) -> str:
    """Resolve the environment's variables in one text.

    Raises:
        ConfigError: One is not set, or something else is interpolated.
    """
    if "${" not in value:
        return value
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        return str(OmegaConf.create({"value": value})["value"])
    except OmegaConfBaseException as error:
        raise ConfigError(f"{where}: {_told(error)}") from None


def _resolved(tree: Any, key: str, raw: Any) -> Any:
    from omegaconf import OmegaConf

    if isinstance(raw, dict | list):
        return OmegaConf.to_container(tree[key], resolve=True)
    return raw if OmegaConf.is_missing(tree, key) else tree[key]


def _told(error: Exception) -> str:
    """Return a cure for what OmegaConf says, without repeating values: one may be a secret."""
    from omegaconf.errors import InterpolationKeyError

    said = str(error).splitlines()[0]
    if isinstance(error, InterpolationKeyError):
        return f"{said[0].lower()}{said[1:]}; define it under `vars:` and write ${{vars.NAME}}, or correct the name"
    if "Environment variable" in said:
        lacking = said[said.index("Environment variable") :].rstrip('"').removesuffix(" not found")
        return f"{lacking} is not set; set it, or give a default: ${{oc.env:NAME,default}}"
    return "the interpolation cannot be read; write ${key} or ${oc.env:NAME}, or \\${ for the text itself"
