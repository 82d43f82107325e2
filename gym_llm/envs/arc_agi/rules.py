"""Rules from grid to grid, and their names. A puzzle's rule is some of them, one after the other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Array = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
Rule = Callable[[Array], Array]


def fall(grid: Array) -> Array:
    """Let every coloured cell sink to the bottom of its column."""
    sunk = np.zeros_like(grid)
    for column in range(grid.shape[1]):
        cells = grid[grid[:, column] > 0, column]
        if len(cells):
            sunk[-len(cells) :, column] = cells
    return sunk


def crop(grid: Array) -> Array:
    """Cut away the empty border."""
    rows, columns = np.flatnonzero(grid.any(axis=1)), np.flatnonzero(grid.any(axis=0))
    return grid[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else grid


def frame(grid: Array) -> Array:
    """Put a border around, in the commonest colour."""
    return np.pad(grid, 1, constant_values=commonest(grid))


def commonest(grid: Array) -> int:
    """Return the commonest colour but 0; the smallest of several."""
    return int(np.bincount(grid.ravel(), minlength=10)[1:].argmax()) + 1


def drop_rarest(grid: Array) -> Array:
    """Empty the cells of the rarest colour, the smallest of several."""
    counts = np.bincount(grid.ravel(), minlength=10)
    present = [colour for colour in range(1, 10) if counts[colour]]
    rarest = min(present, key=lambda colour: counts[colour], default=0)
    return np.where(grid == rarest, 0, grid)


def stripes(grid: Array) -> Array:
    """Fill each row that holds something with its first colour, where it is empty."""
    filled = grid.copy()
    for row in filled:
        colours = row[row > 0]
        if len(colours):
            row[row == 0] = colours[0]
    return filled


RULES: dict[str, Rule] = {
    "turn": lambda grid: np.rot90(grid, -1),
    "turn twice": lambda grid: np.rot90(grid, 2),
    "turn back": np.rot90,
    "flip sideways": np.fliplr,
    "flip over": np.flipud,
    "transpose": np.transpose,
    "fall": fall,
    "crop": crop,
    "frame": frame,
    "drop rarest": drop_rarest,
    "stripes": stripes,
    "double": lambda grid: np.kron(grid, np.ones((2, 2), dtype=np.int64)),
    "mirror right": lambda grid: np.hstack([grid, np.fliplr(grid)]),
    "mirror below": lambda grid: np.vstack([grid, np.flipud(grid)]),
    "shift": lambda grid: np.roll(grid, 1, axis=1),
    "hollow": lambda grid: np.where(_enclosed(grid), 0, grid),
}


def _enclosed(grid: Array) -> Array:
    """Return where a coloured cell has coloured cells on all four sides."""
    full = np.pad(grid > 0, 1)
    sides = full[:-2, 1:-1] & full[2:, 1:-1] & full[1:-1, :-2] & full[1:-1, 2:]
    return np.asarray(sides & (grid > 0))


def recoloured(mapping: Array) -> Rule:
    """Return the rule that maps every colour to `mapping[colour]`."""
    return lambda grid: mapping[grid]


def applied(rules: list[Rule], grid: Array) -> Array:
    """Return what the rules make of a grid, one after the other."""
    for rule in rules:
        grid = rule(grid)
    return grid
