"""pytest, for the whole repository: doctests see each module once.

In import mode `importlib`, pytest would execute a module that its own package imports a second time, and a class
would not be a subclass of its double.
"""

from __future__ import annotations

import importlib
from pathlib import Path

ROOT = Path(__file__).parent


def pytest_collect_file(file_path: Path) -> None:
    """Import a module of the package in the usual way before its doctests are collected."""
    if file_path.suffix == ".py" and file_path.is_relative_to(ROOT / "gym_llm"):
        parts = file_path.relative_to(ROOT).with_suffix("").parts
        if parts[-1] != "__main__":
            importlib.import_module(".".join(parts).removesuffix(".__init__"))
