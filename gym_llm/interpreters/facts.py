"""What one Python says about itself; run by the Python in question, so it needs the standard library only.

It imports neither gym_llm nor any package, and judges nothing: see `probe.py`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import sysconfig
from pathlib import Path

# What a worker imports at one time or another. Each is named alike as a package to install and as a module.
NEEDS = ("aiohttp", "greenlet", "gymnasium", "jsonschema", "msgspec", "multiprocess", "numpy", "pydantic")


def facts() -> dict[str, object]:
    """Return who this interpreter is, where its packages lie, and which of `NEEDS` it lacks."""
    base = getattr(sys, "_base_executable", None) or sys.executable
    package = importlib.util.find_spec("gym_llm")
    return {
        "executable": sys.executable,
        "base": os.path.realpath(base),
        "prefix": sys.prefix,
        "version": ".".join(map(str, sys.version_info[:3])),
        "implementation": sys.implementation.name,
        "abi": str(sysconfig.get_config_var("SOABI") or sys.implementation.cache_tag),
        "platform": sysconfig.get_platform(),
        "sites": [entry for entry in sys.path if _holds_packages(entry)],
        "package": str(Path(package.origin).resolve().parent) if package and package.origin else None,
        "lacks": [name for name in NEEDS if importlib.util.find_spec(name) is None],
    }


def _holds_packages(entry: str) -> bool:
    """Whether a search path entry is a folder of installed packages, or of one that a worker needs."""
    folder = Path(entry)
    if not folder.is_dir():
        return False
    return folder.name in ("site-packages", "dist-packages") or any((folder / name).is_dir() for name in NEEDS)


if __name__ == "__main__":
    sys.path[:] = [entry for entry in sys.path if entry]  # the working folder is not the interpreter's
    sys.stdout.write(json.dumps(facts()) + "\n")
