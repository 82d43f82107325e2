"""The three tiers and the order among them: packaged files, `config_paths`, `env.yaml`, the command line.

Gathers the layers; what they come to is in `compose.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gym_llm.configs import documents, files, resolve, words
from gym_llm.configs.layers import Layer
from gym_llm.errors import ConfigError, did_you_mean

ENV_FILE = "env.yaml"


@dataclass(slots=True)
class Sources:
    """The user's layers, lowest first, and the folders that their groups are looked for in.

    Attributes:
        layers: Files of `config_paths`, then `env.yaml`, then the command line.
        folders: Folders of groups; a later one wins.
        notes: What the user should know, such as a file that is included twice.
    """

    layers: list[Layer] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def gather(overrides: Sequence[str], search_dirs: Sequence[str]) -> Sources:
    """Read the user's layers.

    Raises:
        ConfigError: A file is missing or wrong, files include each other, a word cannot be read.
    """
    typed = words.layer(overrides)
    here = Path(ENV_FILE).resolve()
    env = documents.read(here, ENV_FILE) if here.is_file() else Layer(ENV_FILE)
    both = Layer(ENV_FILE)
    for layer in (env, typed):
        both.lay(layer)
    found = Sources()
    _include(found, both, Path.cwd(), ())
    found.layers += [env, typed]
    for layer in found.layers[:-1]:
        _choose(layer)
    for name in search_dirs:
        folder = Path(name)
        if not folder.is_dir():
            raise ConfigError(f"--search-dir {name}: there is no such folder; give one that holds policy/, env/ ...")
        found.folders.append(folder.resolve())
    return found


def _include(found: Sources, layer: Layer, folder: Path, above: tuple[Path, ...]) -> None:
    """Read the files that a layer includes, in order, each above what it includes itself."""
    read = {each.label for each in found.layers}
    for path, where in _paths(layer, folder):
        label = files.shown(path)
        if path in above:
            loop = " > ".join(map(files.shown, (*above, path)))
            raise ConfigError(f"config_paths ({where}): files include each other: {loop}; take one out")
        if label in read:
            found.notes.append(f"{label} is included more than once (again by {where}); it is read once, at first")
            continue
        if not path.is_file():
            near = did_you_mean(path.name, (each.name for each in path.parent.glob("*.yaml")))
            raise ConfigError(f"config_paths ({where}): there is no file {label}.{near} Paths are from {_from(above)}")
        inner = documents.read(path, label)
        _include(found, inner, path.parent, (*above, path))
        read = {each.label for each in found.layers}
        inner.data.pop("config_paths", None)
        found.layers.append(inner)
        if path.parent not in found.folders:
            found.folders.append(path.parent)


def _paths(layer: Layer, folder: Path) -> Iterator[tuple[Path, str]]:
    where = layer.origin(("config_paths",))
    given: Any = layer.data.get("config_paths") or []
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"config_paths={given!r} ({where}): give a list of files, such as [run.yaml]")
    for name in names:
        yield (folder / resolve.text(name, f"config_paths ({where})")).resolve(), where


def _from(above: tuple[Path, ...]) -> str:
    return "the including file's folder" if above else "the working folder"


def _choose(layer: Layer) -> None:
    """Take the options that a file chooses by `defaults` or by a policy's `type` out of its data."""
    entries = layer.data.pop("defaults", [])
    for entry in entries if isinstance(entries, list) else [entries]:
        if isinstance(entry, dict) and all(isinstance(name, str | None) for name in entry.values()):
            layer.chosen |= {group: name for group, name in entry.items() if name is not None}
        elif entry != "_self_":
            raise ConfigError(f"defaults ({layer.origin(('defaults',))}): {entry!r} is no `group: option`")
    inner = layer.data.get("policy")
    kind = inner.get("type") if isinstance(inner, dict) else None
    if isinstance(kind, str) and kind in files.groups()["policy"]:
        layer.chosen.setdefault("policy", kind)
