r"""Reading grids from what a model wrote: JSON or lines of digits, inside `\boxed{}` or not.

The last grids count, boxed ones before all others. Time is linear in the text: no pattern backtracks.
"""

from __future__ import annotations

import re

from gym_llm.envs.arc_agi.grids import Grid, grid_problem

_MAX_CHARS = 200_000
_JSON = r"\[\s*+(?:\[[\s\d,]*+\][\s,]*+)++\]"
_LINES = r"(?:^[ \t|]*+\d[\d \t,|]*+$\n?+)++"
_BOX = re.compile(rf"\\boxed\s*+\{{\s*+(?:\\text\s*+\{{\s*+)?+(?:(?P<json>{_JSON})|(?P<lines>[\d\s,|]++))\s*+\}}")
_ANY = re.compile(rf"(?P<json>{_JSON})|(?P<lines>{_LINES})", re.MULTILINE)


def grids(text: str, number: int) -> list[Grid] | None:
    r"""Return the last `number` grids of a text, or None when there are fewer.

    >>> grids("Not [[1]], I think. \\boxed{[[0, 1], [1, 0]]}", 1)
    [[[0, 1], [1, 0]]]
    >>> grids("The output:\n0 1\n1 0", 1)
    [[[0, 1], [1, 0]]]
    """
    seen = text[-_MAX_CHARS:].rpartition("</think>")[2].replace("\r\n", "\n")
    for pattern, fewest in ((_BOX, 1), (_ANY, 2)):
        found = [grid for match in pattern.finditer(seen) if (grid := _read(match, fewest)) is not None]
        if len(found) >= number:
            return found[-number:]
    return None


def _read(match: re.Match[str], fewest: int) -> Grid | None:
    """Return a grid, or None when it is malformed; bare lines of digits need `fewest` rows."""
    if match["json"] is not None:
        rows = re.findall(r"\[([\s\d,]*+)\]", match["json"][1:-1])
    else:
        rows = [line for line in match["lines"].split("\n") if line.strip()]
        if len(rows) < fewest:
            return None
    grid = [_cells(row, json=match["json"] is not None) for row in rows]
    return None if grid_problem(grid) else grid


def _cells(row: str, *, json: bool) -> list[int]:
    """Return the colours of a row; a number too large becomes -1. Lines may leave the separators out."""
    words = re.findall(r"\d+", row)
    if not json and len(words) == 1:
        words = list(words[0])
    return [int(word) if len(word) == 1 else -1 for word in words]
