"""The YAML files of commands and groups: which there are, in the package and in folders of the user's.

Not composition: choosing options, precedence and interpolation are in `sources.py` and `compose.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from gym_llm.configs import documents
from gym_llm.configs.layers import Layer
from gym_llm.errors import ConfigError, did_you_mean

FOLDER = Path(__file__).parent
AT_ROOT = ("env", "collect")
"""Groups whose options set keys of the command itself; those of the others set keys under the group's name."""


@cache
def groups() -> dict[str, tuple[str, ...]]:
    """Return the groups and, sorted, their packaged options; of `env` there are only the user's.

    >>> groups()["policy"]
    ('azure', 'chat', 'mock', 'openai', 'random', 'scripted')
    """
    packaged = {path.name for path in FOLDER.iterdir() if any(path.glob("*.yaml"))}
    return {group: options(group) for group in sorted({*AT_ROOT, *packaged})}


def options(group: str, folders: Sequence[Path] = ()) -> tuple[str, ...]:
    """Return, sorted, the options of a group in the package and in folders of the user's."""
    return tuple(sorted({path.stem for folder in (FOLDER, *folders) for path in (folder / group).glob("*.yaml")}))


@cache
def command_keys() -> frozenset[str]:
    """Return the keys that some command has: one file may serve several commands."""
    return frozenset(key for path in FOLDER.glob("*.yaml") for key in documents.read(path, path.name).data)


def read(name: str) -> dict[str, Any]:
    """Return a packaged file's contents, such as `collect` or `policy/openai`, with interpolations as they stand."""
    return packaged(name).data


def packaged(name: str) -> Layer:
    """Return a packaged file as a layer."""
    return documents.read(FOLDER / f"{name}.yaml", f"packaged {name}.yaml")


def option(group: str, name: str, folders: Sequence[Path], where: str) -> Layer:
    """Return an option of a group, laid over those of the same group that its own `defaults` name.

    Args:
        group: The group.
        name: The option.
        folders: Folders of the user's; a later one wins over an earlier one, all over the package.
        where: Where it was chosen, for messages.

    Raises:
        ConfigError: There is no such option, or options include each other.
    """
    return _option(group, name, folders, where, ())


def _option(group: str, name: str, folders: Sequence[Path], where: str, above: tuple[str, ...]) -> Layer:
    known = options(group, folders)
    if name not in known:
        there = ", ".join(known) or "none"
        raise ConfigError(f"{group}={name} ({where}): no such option.{did_you_mean(name, known)} There are: {there}")
    if name in above:
        raise ConfigError(f"{group}={name} ({where}) includes itself: {' > '.join((*above, name))}; take one out")
    paths = (folder / group / f"{name}.yaml" for folder in (*reversed(folders), FOLDER))
    path = next(path for path in paths if path.is_file())
    own = packaged(f"{group}/{name}") if path.parent.parent == FOLDER else documents.read(path, shown(path))
    below = Layer(own.label)
    for entry in own.data.pop("defaults", []):
        if entry != "_self_":
            below.lay(_option(group, str(entry), folders, own.label, (*above, name)))
    below.lay(own)
    return below


def chosen(contents: dict[str, Any]) -> dict[str, str | None]:
    """Return the option that a file's defaults list chooses in each group.

    >>> chosen({"defaults": [{"policy": "mock"}, "_self_"]})
    {'policy': 'mock'}
    """
    entries = (entry for entry in contents.get("defaults", []) if isinstance(entry, dict))
    return {group: option for entry in entries for group, option in entry.items()}


def shown(path: Path) -> str:
    """Return a path as messages show it: from the working folder when it lies therein."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
