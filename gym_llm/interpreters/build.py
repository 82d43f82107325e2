"""Building one virtual environment in its final folder: environments cannot be moved once they are built.

A file written last says that it is complete. Guarding the folder against a second builder is `cache.py`'s.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from gym_llm.interpreters.installer import Installer
from gym_llm.interpreters.notice import Notice
from gym_llm.interpreters.recipe import Recipe

MARKER = "complete.json"
_PTH = "zzz_gym_llm.pth"  # read after every other .pth file: they are read in alphabetical order


def python_in(folder: Path) -> Path:
    """Return the path of an environment's interpreter."""
    return folder / "bin" / "python"


def build(recipe: Recipe, folder: Path, lock: int) -> None:
    """Build it, over whatever a killed process has left there.

    Raises:
        ConfigError: An installer failed, or gym_llm cannot be imported in what it made; nothing is left then.
        OSError: The folder cannot be written.
    """
    if folder.exists():
        shutil.rmtree(folder)
    installer = Installer(folder, lock, Notice(recipe.title, "is being built"))
    try:
        _install(recipe, folder, installer)
        _make_visible(recipe, folder)
        installer.check(python_in(folder))
        partial = folder / f"{MARKER}.partial"
        partial.write_bytes(msgspec.json.format(msgspec.json.encode(recipe)))
        partial.rename(folder / MARKER)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _install(recipe: Recipe, folder: Path, installer: Installer) -> None:
    wanted = [*recipe.requirements, *(recipe.needs if recipe.needs_installed else ())]
    installer.create(recipe.base, with_pip=bool(wanted or recipe.added))
    if wanted:
        installer.install(wanted, constraints=recipe.needs)
    if recipe.added:
        installer.install(recipe.added, target=_added(folder))


def _make_visible(recipe: Recipe, folder: Path) -> None:
    """Write the .pth file that arranges the search path.

    gym_llm is found through a folder that holds a link to it and nothing else, so that its neighbours (the rest of
    a site-packages or of a source tree) stay out. The last folders are merely appended: their own .pth
    files, and with them the editable installs of the environment that they belong to, are not processed.
    """
    alone = folder / "package"
    alone.mkdir()
    (alone / "gym_llm").symlink_to(recipe.package, target_is_directory=True)
    behind = [*([str(_added(folder))] if recipe.added else []), *recipe.behind]
    lines = [  # lines of Python, all ASCII: bare paths would be read in the encoding of the locale
        *(f"import site; site.addsitedir({entry!a})" for entry in recipe.sites),
        f"import sys; sys.path.insert(0, {str(alone)!a}); sys.path.extend({behind!a})",
    ]
    (_site_packages(recipe, folder) / _PTH).write_text("\n".join(lines) + "\n", "ascii")


def _added(folder: Path) -> Path:
    return folder / "added"


def _site_packages(recipe: Recipe, folder: Path) -> Path:
    pattern = "lib/python*/site-packages" if recipe.abi[0] == "cpython" else "lib/*/site-packages"
    return next(folder.glob(pattern))
