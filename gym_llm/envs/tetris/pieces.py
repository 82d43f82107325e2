"""The shapes, and the order in which a seed gives them.

A shape is the offsets (right, down) of its cells from its anchor; no cell lies below the anchor when it appears.
"""

from __future__ import annotations

import numpy as np

Shape = tuple[tuple[int, int], ...]

_SMALL: dict[str, Shape] = {
    "dot": ((0, 0),),
    "upright domino": ((0, 0), (0, -1)),
    "flat domino": ((0, 0), (-1, 0)),
    "square": ((0, 0), (-1, 0), (0, -1), (-1, -1)),
}
_FOUR: dict[str, Shape] = {
    "I": ((0, 0), (-1, 0), (1, 0), (2, 0)),
    "O": ((0, 0), (1, 0), (0, -1), (1, -1)),
    "T": ((0, 0), (-1, 0), (1, 0), (0, -1)),
    "S": ((0, 0), (-1, 0), (0, -1), (1, -1)),
    "Z": ((0, 0), (1, 0), (0, -1), (-1, -1)),
    "J": ((0, 0), (-1, 0), (1, 0), (-1, -1)),
    "L": ((0, 0), (-1, 0), (1, 0), (1, -1)),
}
KINDS: tuple[dict[str, Shape], ...] = (
    {"dot": _SMALL["dot"]}, {"dot": _SMALL["dot"]},
    {name: _SMALL[name] for name in ("upright domino", "flat domino")},
    {name: _SMALL[name] for name in ("upright domino", "flat domino", "square")},
    _FOUR,
)  # fmt: skip
"""The shapes of each `box_type`: 0 and 1 single cells, 2 dominoes, 3 with squares, 4 the seven of four cells."""


def drawn(seed: int, width: int, height: int, box_type: int) -> list[tuple[Shape, int]]:
    """Return the pieces of a game, with the columns that their anchors appear in: one more than the board's cells."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, width, height, box_type]))
    shapes = list(KINDS[box_type].values())
    order = []
    for _ in range(width * height + 1):
        shape = shapes[int(rng.integers(len(shapes)))]
        left, right = -min(x for x, _ in shape), width - max(x for x, _ in shape)
        order.append((shape, int(rng.integers(left, right))))
    return order


def turned(shape: Shape) -> Shape:
    """Return a shape turned clockwise by a quarter about its anchor."""
    return tuple((-y, x) for x, y in shape)


def name_of(shape: Shape, box_type: int) -> str:
    """Return the name of a shape that was not turned."""
    return next(name for name, known in KINDS[box_type].items() if known == shape)
