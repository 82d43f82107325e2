"""What a virtual environment is made of. Equal recipes have equal keys and share one folder; see `build.py`.

Whichever the recipe, the order of search is: this package alone, what was asked for, and behind it what gym_llm
needs, so that what was asked for always wins.
"""

from __future__ import annotations

import hashlib
from importlib import metadata

import msgspec
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from gym_llm.interpreters.facts import NEEDS
from gym_llm.interpreters.probe import PACKAGE, Python, minor, this
from gym_llm.interpreters.requirements import local_files

_SCHEME = 1  # raised when environments of the same recipe are built differently
_SHOWN = 4  # requirements in a title


class Recipe(msgspec.Struct, frozen=True):
    """A virtual environment to be.

    Attributes:
        base: Real path of the interpreter that it is made from.
        version: That interpreter's, as in `3.12.1`.
        abi: What its compiled packages are built for: implementation, ABI, platform.
        requirements: What is installed, as `requirements.read` returns it.
        local: State of the local files among them.
        needs: What gym_llm requires of the same resolution.
        needs_installed: Whether all of `needs` is installed (else it only bounds the versions of `requirements`).
        sites: Folders of another environment's packages, which come first, as that environment sees them.
        added: Packages installed behind those of `sites`.
        behind: Folders of packages that are searched last.
        package: gym_llm's folder.
        scheme: Version of the way in which it is built.
    """

    base: str
    version: str
    abi: tuple[str, str, str]
    requirements: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    needs_installed: bool = False
    sites: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    package: str = str(PACKAGE)
    scheme: int = _SCHEME

    @property
    def name(self) -> str:
        """Name of its folder: the Python's version and a hash over everything that it is made of."""
        digest = hashlib.sha256(msgspec.json.encode(self)).hexdigest()
        major, second = minor(self.version)
        return f"py{major}.{second}-{digest[:20]}"

    @property
    def title(self) -> str:
        """What a person calls it."""
        shown = list(self.requirements[:_SHOWN])
        if len(self.requirements) > _SHOWN:
            shown.append(f"{len(self.requirements) - _SHOWN} more")
        return f"Python {self.version}" + (f" with {', '.join(shown)}" if shown else "")


def fresh(python: Python, requirements: tuple[str, ...]) -> Recipe:
    """Return the environment that holds these requirements, and nothing else of `python`'s packages.

    What gym_llm itself needs is installed into it, in one resolution with the requirements. For a Python that can
    load the running interpreter's compiled packages that is spared: those serve from behind, with no download; the
    resolution only keeps to the versions that gym_llm supports.
    """
    running = this()
    shared = python.runs_packages_of(running)
    return Recipe(
        python.base, python.version, python.built_for, requirements=requirements, local=local_files(requirements),
        needs=_needs(NEEDS), needs_installed=not shared, behind=running.sites if shared else (),
    )  # fmt: skip


def layered(python: Python) -> Recipe:
    """Return the environment that shows all of `python`'s packages, and behind them what gym_llm misses there.

    Nothing is written into `python`'s own folders.
    """
    running = this()
    shared = python.runs_packages_of(running)
    return Recipe(
        python.base, python.version, python.built_for, sites=python.sites,
        added=() if shared else _needs(python.lacks), behind=running.sites if shared else (),
    )  # fmt: skip


def _needs(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return requirements for some of gym_llm's own dependencies, in the versions that its metadata asks for."""
    try:
        declared = [Requirement(line) for line in metadata.requires("gym-llm") or ()]
    except metadata.PackageNotFoundError:  # imported from a source tree that was never installed
        declared = []
    bounds = {canonicalize_name(one.name): str(one.specifier) for one in declared if not one.marker}
    return tuple(f"{name}{bounds.get(canonicalize_name(name), '')}" for name in names)
