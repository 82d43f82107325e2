"""Worlds from the CSV tables of the WorkBench benchmark, as NeMo Gym distributes them.

Reads a folder once per process; nothing is read in an episode. Our own worlds are made in `worlds.py`.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

from gym_llm.envs.workplace_assistant import tables
from gym_llm.envs.workplace_assistant.tables import Row, Table, World
from gym_llm.errors import ConfigError

_FILES = {
    "emails": ("emails.csv", tables.EMAIL),
    "calendar": ("calendar_events.csv", tables.EVENT),
    "tasks": ("project_tasks.csv", tables.TASK),
    "customers": ("customer_relationship_manager_data.csv", tables.CUSTOMER),
}
_VISITS, _DIRECTORY = "analytics_data.csv", "email_addresses.csv"


@lru_cache(maxsize=4)
def load_world(folder: str) -> World:
    """Return the world of a folder.

    Args:
        folder: The folder `csv_data`, or the one that holds it; inside are `processed/` and `raw/`.

    Raises:
        ConfigError: When a table is missing or has other columns.
    """
    root = Path(folder)
    root = root / "csv_data" if (root / "csv_data").is_dir() else root
    found = {
        name: Table(columns, _rows(root / "processed" / file, columns)) for name, (file, columns) in _FILES.items()
    }
    visits = _rows(root / "processed" / _VISITS, tables.VISIT)
    # One of the addresses may stand in the file twice, with or without a last line break.
    addresses = dict.fromkeys(_text(root / "raw" / _DIRECTORY).split())
    return World(**found, visits=tuple(visits), directory=tuple(addresses))


def _rows(path: Path, columns: tuple[str, ...]) -> list[Row]:
    reader = csv.DictReader(_text(path).splitlines(keepends=True))
    if tuple(reader.fieldnames or ()) != columns:
        raise ConfigError(f"world: {path} has the columns {reader.fieldnames}; expected {list(columns)}")
    return [{name: value or None for name, value in row.items()} for row in reader]


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"world: {path}: {error.strerror}; give the folder of WorkBench's csv_data") from None
