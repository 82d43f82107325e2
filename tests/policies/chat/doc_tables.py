"""The tables of docs/conversion.md, read as test cases."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[3] / "docs" / "conversion.md"


def table(*columns: str) -> list[tuple[str, ...]]:
    """Return the rows of the table with exactly these columns."""
    lines = iter(PAGE.read_text("utf-8").splitlines())
    wanted = "| " + " | ".join(columns) + " |"
    assert wanted in lines, f"{PAGE.name} has no table {wanted}"
    next(lines)
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        assert len(cells) == len(columns), line
        rows.append(tuple(cells))
    return rows


def value(cell: str) -> Any:
    """Return the JSON value of a cell; an empty mapping when it is empty."""
    return json.loads(cell.strip("`")) if cell else {}
