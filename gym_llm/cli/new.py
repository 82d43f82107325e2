"""`gym-llm new`."""

from __future__ import annotations

import keyword
from importlib.resources import files
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from gym_llm.errors import ConfigError, OutputError

if TYPE_CHECKING:
    from gym_llm.configs.schemas import NewConfig

_SUFFIX = ".txt"
_PACKAGE = ("__init__.py", "environment.py", "data/example.jsonl")


def run(config: NewConfig) -> int:
    """Start a package with an environment of your own.

    Makes a folder with an environment that works at once: one tool, a verifier, a reference solution, five example
    rows, tests and a page. It passes gym-llm check; replace its parts by your own one after the other.
    """
    folder = Path(config.name)
    if folder.exists() or folder.is_symlink():
        raise OutputError(f"{folder} is there already; choose another name, or remove it first")
    if keyword.iskeyword(config.name) or find_spec(config.name):
        raise ConfigError(f"{config.name!r} is a word or a module of Python's already; choose another name")
    words = names(config.name)
    for path, text in _templates(files("gym_llm.cli") / "templates"):
        target = folder / _place(path, config.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(Template(text).substitute(words), "utf-8")
    env = f"{config.name}:{words['class']}-v0"
    print(f"Made {folder}/ with the environment {env}\n\n  cd {folder}\n  gym-llm check {env}")
    return 0


def names(module: str) -> dict[str, str]:
    """Return the names that the templates are filled with.

    >>> names("my_env")
    {'module': 'my_env', 'class': 'MyEnv', 'distribution': 'my-env'}
    """
    parts = [part for part in module.split("_") if part]
    camel = "".join(part[0].upper() + part[1:] for part in parts)
    return {"module": module, "class": camel, "distribution": "-".join(parts)}


def _templates(folder: Traversable, prefix: str = "") -> list[tuple[str, str]]:
    """Return path (without the template's suffix) and text of every template."""
    found: list[tuple[str, str]] = []
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.is_dir():
            found += _templates(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            found.append((prefix + entry.name.removesuffix(_SUFFIX), entry.read_text("utf-8")))
    return found


def _place(path: str, module: str) -> Path:
    placed = Path(path.replace("test_module", f"test_{module}"))
    return Path(module) / placed if path in _PACKAGE else placed
