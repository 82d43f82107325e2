"""Circles in named colours on white: where they go, and how they are drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pydantic

from gym_llm.envs.pictures.png import Pixels, data_url
from gym_llm.errors import ConfigError

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (214, 39, 40), "blue": (31, 90, 220), "green": (34, 150, 60), "yellow": (245, 205, 0),
    "purple": (130, 50, 160), "orange": (255, 127, 14), "cyan": (40, 200, 220), "black": (20, 20, 20),
}  # fmt: skip
_WHITE = (255, 255, 255)
_GAP, _TRIES = 6, 500


class Circle(pydantic.BaseModel):
    """A circle: its centre in pixels from the top left corner, its radius and its colour's name."""

    model_config = pydantic.ConfigDict(frozen=True)

    x: float
    y: float
    radius: float = pydantic.Field(gt=0)
    color: str

    def distance(self, x: float, y: float) -> float:
        """Return how far a point is from the centre, in pixels."""
        return math.hypot(x - self.x, y - self.y)


Picture = list[Circle]


def place(rng: np.random.Generator, colours: Sequence[str], size: int, radii: tuple[int, int]) -> Picture:
    """Return circles of the given colours that neither touch each other nor the edge.

    Args:
        rng: Source of randomness.
        colours: One per circle.
        size: Width and height in pixels.
        radii: Smallest and largest radius in pixels.

    Raises:
        ConfigError: When there is no room for them.
    """
    circles: Picture = []
    for colour in colours:
        circle = _fitting(rng, circles, colour, size, radii)
        if circle is None:
            raise ConfigError(
                f"{len(colours)} circles of radius {radii[0]} to {radii[1]} find no room on {size} x {size} pixels: "
                "give fewer or smaller ones"
            )
        circles.append(circle)
    return circles


def _fitting(
    rng: np.random.Generator, others: Picture, colour: str, size: int, radii: tuple[int, int]
) -> Circle | None:
    for _ in range(_TRIES):
        radius = int(rng.integers(radii[0], radii[1] + 1))
        low, high = radius + _GAP, size - radius - _GAP
        if low >= high:
            return None
        x, y = (int(part) for part in rng.integers(low, high, size=2))
        if all(other.distance(x, y) > other.radius + radius + _GAP for other in others):
            return Circle(x=x, y=y, radius=radius, color=colour)
    return None


def pixels(circles: Picture, size: int) -> Pixels:
    """Return the picture as places in the palette (0 is white), shape (size, size)."""
    names = list(COLOURS)
    shown = np.zeros((size, size), dtype=np.uint8)
    down, right = np.ogrid[:size, :size]
    for circle in circles:
        inside = (right - circle.x) ** 2 + (down - circle.y) ** 2 <= circle.radius**2
        shown[inside] = names.index(circle.color) + 1
    return shown


def drawn(circles: Picture, size: int) -> str:
    """Return the picture as a PNG's data URL."""
    return data_url(pixels(circles, size), [_WHITE, *COLOURS.values()])
