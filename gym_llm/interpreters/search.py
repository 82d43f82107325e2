"""From what a user calls a Python (a path, a version, nothing) to an interpreter on this machine.

Nothing is downloaded. A version is looked for in this order: the running interpreter, the folders on PATH, pyenv's
versions, those that uv manages.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from gym_llm.errors import ConfigError
from gym_llm.interpreters.installer import find_uv
from gym_llm.interpreters.probe import OLDEST, Python, clean_environ, probe, this

_VERSION = re.compile(r"\d+\.\d+(\.\d+)?")
_UV_SECONDS = 30.0


def is_version(python: str | os.PathLike[str]) -> bool:
    """Whether it is a version such as `3.12` or `3.12.1`, not a path.

    >>> is_version("3.12"), is_version("python3.12"), is_version("/usr/bin/python3")
    (True, False, False)
    """
    return isinstance(python, str) and _VERSION.fullmatch(python) is not None


def by_path(python: str | os.PathLike[str]) -> Python:
    """Describe the interpreter at a path; a bare name is looked for on PATH.

    Raises:
        ConfigError: There is no such file, or it is not a usable Python.
    """
    path = Path(python).expanduser()
    command = shutil.which(path)
    if command is None:
        cure = f"; name the interpreter in it: {path / 'bin' / 'python'}" if path.is_dir() else ""
        raise ConfigError(f"python={os.fspath(python)!r} is neither an interpreter's path nor a version{cure}")
    return probe(Path(command).absolute())


def by_version(version: str) -> Python:
    """Describe an interpreter of this version; one with three numbers must match exactly.

    Raises:
        ConfigError: None was found; it lists those that were.
    """
    return _by_version(version, os.environ.get("PATH", ""), str(_pyenv()))


@functools.lru_cache(maxsize=64)
def _by_version(version: str, path: str, pyenv: str) -> Python:
    running = this()
    if _matches(running.version, version):
        return running
    minor_version = ".".join(version.split(".")[:2])
    for candidate in _candidates(minor_version, path, Path(pyenv)):
        found = _probed(candidate)
        if found and _matches(found.version, version):
            return found
    oldest = ".".join(map(str, OLDEST))
    raise ConfigError(
        f"No Python {version} was found (none is downloaded; gym_llm needs {oldest} or later). "
        f"{_listing(path, Path(pyenv))}"
    )


def _candidates(version: str, path: str, pyenv: Path) -> Iterator[Path]:
    """Yield the files that may be a Python of this version (two numbers), likeliest first."""
    for folder in _folders(path, pyenv):
        for name in (f"python{version}", "python3", "python"):
            if os.access(folder / name, os.X_OK):
                yield folder / name
    yield from _pyenv_pythons(pyenv, version)
    yield from _uv_python(version)


def _folders(path: str, pyenv: Path) -> list[Path]:
    """Return the folders on PATH but pyenv's shims: slow scripts for the versions that are looked up directly."""
    return [Path(entry) for entry in path.split(os.pathsep) if entry and Path(entry) != pyenv / "shims"]


def _pyenv() -> Path:
    return Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")


def _pyenv_pythons(pyenv: Path, version: str) -> list[Path]:
    """Return pyenv's interpreters whose version begins with these numbers, newest first."""
    folders = [folder for folder in (pyenv / "versions").glob(f"{version}*") if _matches(folder.name, version)]
    numbers = {folder: [int(number) for number in re.findall(r"\d+", folder.name)] for folder in folders}
    return [folder / "bin" / "python" for folder in sorted(folders, key=numbers.__getitem__, reverse=True)]


def _uv_python(version: str) -> list[Path]:
    uv = find_uv()
    if uv is None:
        return []
    words = [*uv, "python", "find", "--managed-python", "--no-python-downloads", "--offline", version]
    try:
        done = subprocess.run(
            words, env=clean_environ(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=_UV_SECONDS, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return []
    return [Path(done.stdout.strip())]


def _matches(found: str, wanted: str) -> bool:
    return found == wanted or found.startswith(f"{wanted}.")


def _probed(candidate: Path) -> Python | None:
    try:
        return probe(candidate)
    except ConfigError:
        return None


def _listing(path: str, pyenv: Path) -> str:
    """Say which interpreters there are, for an error message."""
    named = [file for folder in _folders(path, pyenv) for file in folder.glob("python3.*")]
    files = [file for file in named if re.fullmatch(r"python3\.\d+", file.name)]
    files += [Path(this().base), *_pyenv_pythons(pyenv, "3")]
    found = {one.base: one.version for one in map(_probed, dict.fromkeys(files)) if one}
    return "Found: " + ", ".join(f"{version} ({base})" for base, version in sorted(found.items())) + "."
