"""The Python that an environment's workers run in: asked for by path, version and requirements.

It decides between the running interpreter, another one as it is, and one to be built; it builds nothing itself.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from gym_llm.interpreters import recipe, search
from gym_llm.interpreters.build import python_in
from gym_llm.interpreters.cache import ready
from gym_llm.interpreters.probe import Python, this
from gym_llm.interpreters.requirements import Requirements, read


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python in which `import gym_llm` works.

    Attributes:
        executable: Its path.
        version: As in `3.12.1`.
        programs: Folders of the programs that belong to it, for PATH; none for the running interpreter.

    >>> interpreter().command("gym_llm.cli", "list")[1:]
    ['-P', '-m', 'gym_llm.cli', 'list']
    """

    executable: Path
    version: str
    programs: tuple[Path, ...] = ()

    def command(self, module: str, *args: str) -> list[str]:
        """Return the command line that runs a module in it; the working folder is not on its search path."""
        return [str(self.executable), "-P", "-m", module, *args]

    def environ(self) -> dict[str, str]:
        """Return the environment variables to set over the present ones when it is started.

        PYTHONPATH stays as it is: what a user puts there is searched first, in every Python.
        """
        if not self.programs:
            return {}
        path = os.pathsep.join([*map(str, self.programs), os.environ.get("PATH", os.defpath)])
        return {"PATH": path, "VIRTUAL_ENV": str(self.programs[0].parent), "PYTHONHOME": ""}


def interpreter(python: str | os.PathLike[str] | None = None, requirements: Requirements | None = None) -> Interpreter:
    """Return a Python with these requirements, which is built if there is none in the cache.

    With requirements, it is a virtual environment that holds them and nothing else of `python`'s packages. Without,
    a path means that Python with the packages it has, and a version (or nothing) means a plain one.

    gym_llm is importable in it without being installed: it is found through a link to the running one's folder, so
    that both ends of a connection are the same code. What gym_llm itself needs (numpy, gymnasium, ...) is searched
    for last. For the same minor version of the same implementation that is the running interpreter's own packages:
    nothing to download, and a pin of the requirements wins over them. Another Python cannot load compiled packages
    built for this one: there, what a worker needs is installed, in the versions that gym_llm supports.

    Args:
        python: Path of an interpreter, or a version such as `3.12` that is on PATH, under pyenv's folder, or
            managed by uv; None is the running one. Nothing is downloaded.
        requirements: A list of requirement strings, or the path of a requirements file. uv installs them, or pip
            where there is no uv, by its ordinary configuration.

    Raises:
        ConfigError: There is no such Python, a requirement cannot be used (refused before anything is built), or
            the installer failed (with its output).
    """
    wanted = read(requirements)
    found = _find(python)
    if not wanted and (found.ready or found.is_environment_of(this())):
        return _as_it_is(found)
    plain = python is None or search.is_version(python)
    built = recipe.fresh(found, wanted) if wanted or plain else recipe.layered(found)
    folder = ready(built)
    programs = [python_in(folder).parent, *([Path(found.executable).parent] if built.sites else [])]
    return Interpreter(python_in(folder), found.version, tuple(programs))


def _find(python: str | os.PathLike[str] | None) -> Python:
    if python is None:
        return this()
    return search.by_version(str(python)) if search.is_version(python) else search.by_path(python)


def _as_it_is(found: Python) -> Interpreter:
    """Return an interpreter that needs nothing."""
    programs = () if found.is_environment_of(this()) else (Path(found.executable).parent,)
    return Interpreter(Path(found.executable), found.version, programs)
