"""From a command's name and `key=value` words to checked settings.

Three tiers, later wins: packaged files and those of `config_paths`, then `env.yaml`, then the command line. The
grammar of words and interpolation are Hydra's. Every mistake is a `ConfigError` that names the key, where it was
written, and the cure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pydantic

from gym_llm.configs import explain, files
from gym_llm.configs.layers import Layer
from gym_llm.configs.resolve import leaves, resolve
from gym_llm.configs.sources import ENV_FILE, Sources, gather
from gym_llm.configs.words import LABEL
from gym_llm.errors import ConfigError, did_you_mean

SchemaT = TypeVar("SchemaT", bound=pydantic.BaseModel)
RESERVED: dict[str, Any] = {
    "config_paths": [], "vars": {},
    "policy_base_url": None, "policy_api_key": None, "policy_model_name": "???",
}  # fmt: skip
"""Keys that every file may have, with their defaults: they are read by other keys, not by commands."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A command's settings before they are checked.

    Attributes:
        settings: Plain data, interpolations resolved, required ones left as `???`.
        written: The same with `RESERVED`, as written, and where.
        notes: What the user should know.
    """

    settings: dict[str, Any]
    written: Layer
    notes: tuple[str, ...]

    def checked(self, schema: type[SchemaT]) -> SchemaT:
        """Return the settings as the schema makes them.

        Raises:
            ConfigError: Keys are unknown or missing, or a value is wrong.
        """
        if missing := [path for path, value in leaves(self.settings) if value == "???"]:
            raise ConfigError(explain.missing(sorted(missing, key=len), self.written))
        try:
            return schema.model_validate(self.settings)
        except pydantic.ValidationError as error:
            raise ConfigError(explain.wrong(schema, self.settings, self.written, error)) from None


def load(
    command: str, schema: type[SchemaT], overrides: Sequence[str], given: Mapping[str, Any],
    search_dirs: Sequence[str] = (),
) -> SchemaT:  # fmt: skip
    """Compose and check a command's settings.

    Args:
        command: Name of the YAML file.
        schema: What the settings must satisfy.
        overrides: Words in Hydra's override grammar.
        given: Values that win over all others and are taken literally, such as the command's NAME.
        search_dirs: Folders with groups of the user's own.

    Raises:
        ConfigError: A word or a file cannot be read, a key is unknown, missing or has a wrong value.
    """
    return compose(command, schema, overrides, given, search_dirs).checked(schema)


def compose(
    command: str, schema: type[pydantic.BaseModel], overrides: Sequence[str] = (),
    given: Mapping[str, Any] | None = None, search_dirs: Sequence[str] = (),
) -> Composed:  # fmt: skip
    """Lay all layers over each other; see `load` for the arguments."""
    sources = gather(overrides, search_dirs)
    literal = Layer(LABEL)
    for key, value in (given or {}).items():
        literal.put((key,), value.replace("${", "\\${") if isinstance(value, str) else value)
    sources.layers.append(literal)
    settings = files.packaged(command)
    groups = files.chosen(settings.data)
    settings.drop(("defaults",))
    known = {field.alias or name for name, field in schema.model_fields.items()}
    _check_groups(sources, groups)
    for group, default in groups.items():
        _lay_option(settings, group, default, sources)
    for layer in sources.layers[:-2]:
        _pass_over(layer, known | groups.keys())
    below = Layer("packaged", dict(RESERVED))
    for layer in (settings, *sources.layers):
        below.lay(layer)
    resolved = resolve(below, below.data.keys() - RESERVED.keys())
    resolved |= {key: value for key, value in (given or {}).items() if key in literal.data}
    return Composed({key: resolved[key] for key in below.data if key in resolved}, below, tuple(sources.notes))


def _lay_option(settings: Layer, group: str, default: str | None, sources: Sources) -> None:
    """Lay the group's chosen option over the packaged settings, below everything of the user's."""
    name, where = _choice(group, default, sources)
    if name is None:
        return
    chosen = files.option(group, name, sources.folders, where)
    if group not in files.AT_ROOT:
        origins = {(group, *path): place for path, place in chosen.origins.items()}
        chosen = Layer(chosen.label, {group: chosen.data}, origins)
    else:
        _pass_over(chosen, settings.data.keys())
    settings.lay(chosen)


def _choice(group: str, default: str | None, sources: Sources) -> tuple[str | None, str]:
    """Return the option that stands in the highest layer, and where; layers then no longer name it.

    What files say for an option that they have chosen is dropped when a higher layer chooses another one.
    """
    name, where = default, "packaged"
    options = files.options(group, sources.folders)
    contexts: list[tuple[Layer, str | None]] = []
    for layer in sources.layers:
        value = layer.data.get(group)
        if group == "env" and isinstance(value, str) and value not in options:
            name = None
            continue
        own = value if isinstance(value, str) else layer.chosen.get(group)
        if own is not None:
            name, where = own, layer.origin((group,)) or layer.label
            _forget(sources.layers, layer, group)
        before = contexts[-1][1] if contexts and layer.label != ENV_FILE else None
        if layer.label != LABEL:
            contexts.append((layer, own or before))
    of_files = next((context for layer, context in contexts if context and layer.label != ENV_FILE), None)
    for layer, context in contexts:
        written_for = context or (of_files if layer.label != ENV_FILE else None)
        if group not in files.AT_ROOT and written_for not in (None, name):
            layer.drop((group,))
    return name, where


def _forget(layers: Sequence[Layer], highest: Layer, group: str) -> None:
    """Take the option's name, which is no setting itself, out of a layer and out of those below it."""
    for layer in layers[: layers.index(highest) + 1]:
        if isinstance(layer.data.get(group), str):
            layer.drop((group,))


def _pass_over(layer: Layer, known: Any) -> None:
    """Take out what a file says for other commands, so that one file may serve several."""
    if not layer.data:
        return
    others = files.command_keys() | files.groups().keys()
    for key in [key for key in layer.data if key in others and key not in known and key not in RESERVED]:
        layer.drop((key,))


def _check_groups(sources: Sources, used: Collection[str]) -> None:
    for layer in sources.layers:
        if layer.label == LABEL and (wrong := layer.chosen.keys() - used):
            raise ConfigError(f"unknown key {min(wrong)!r} ({LABEL}). See --help for all keys")
        for group in layer.chosen:
            if group not in files.groups():
                raise ConfigError(
                    f"defaults ({layer.label}): there is no group {group!r}."
                    f"{did_you_mean(group, files.groups())} There are: {', '.join(files.groups())}"
                )
