"""New levels by reverse play: boxes begin on their targets and are pulled away, so that every level has a solution."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from gym_llm.envs.sokoban import search
from gym_llm.envs.sokoban.board import MOVES, Level
from gym_llm.errors import ConfigError
from gym_llm.items import message

SIDES, _TRIES = (4, 10), 400
_ASK = "Solve this Sokoban level of {boxes} in {height} rows and {width} columns{name}. Fewer moves pay more."


def row(
    rng: np.random.Generator, *, height: int = 7, width: int = 7, num_boxes: int = 1, walls: float = 0.15,
    min_moves: int = 6,
) -> dict[str, Any]:  # fmt: skip
    """Return a row.

    Args:
        rng: Source of randomness.
        height: Rows, walls around included, 4 to 10.
        width: Columns, the same.
        num_boxes: Boxes, 1 to 3.
        walls: Share of the inner squares that are walls, 0 to 0.4.
        min_moves: Fewest moves that a solution takes, at least; 1 to 40.

    Raises:
        ConfigError: For a knob out of range, or when no such level was found.
    """
    if not (SIDES[0] <= min(height, width) and max(height, width) <= SIDES[1] and 1 <= num_boxes <= 3):
        raise ConfigError(f"height={height}, width={width}, num_boxes={num_boxes}: give 4 to 10, 4 to 10 and 1 to 3")
    if not (0 <= walls <= 0.4 and 1 <= min_moves <= 40):
        raise ConfigError(f"walls={walls}, min_moves={min_moves}: give 0 to 0.4 and 1 to 40")
    level, moves = found(rng, height, width, num_boxes, walls, min_moves)
    boxes = f"{num_boxes} box{'es' * (num_boxes > 1)}"
    name = f", number {int(rng.integers(1 << 31))}"
    return {
        "responses_create_params": {
            "input": [message(_ASK.format(boxes=boxes, height=height, width=width, name=name))],
        },
        "level": level.text(level.player, level.boxes).split("\n"), "min_moves": moves,
    }  # fmt: skip


def found(
    rng: np.random.Generator, height: int, width: int, num_boxes: int, walls: float, min_moves: int
) -> tuple[Level, int]:
    """Return a level and the fewest moves that solve it.

    Raises:
        ConfigError: When none was found in 400 tries.
    """
    for _ in range(_TRIES):
        level = _drawn(rng, height, width, num_boxes, walls)
        if level is None:
            continue
        moves = search.solution(level)
        if moves is not None and len(moves) >= min_moves:
            return level, len(moves)
    raise ConfigError(
        f"no level of {height} x {width} with {num_boxes} boxes, walls={walls} and min_moves={min_moves} was found: "
        "give more room, fewer walls or fewer moves"
    )


@lru_cache(maxsize=64)
def seeded(seed: int, height: int, width: int, num_boxes: int) -> Level:
    """Return the level that a seed and a size stand for."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, height, width, num_boxes]))
    return found(rng, height, width, num_boxes, walls=0.1, min_moves=2)[0]


def _drawn(rng: np.random.Generator, height: int, width: int, num_boxes: int, walls: float) -> Level | None:
    solid = rng.random((height, width)) < walls
    solid[[0, -1], :] = solid[:, [0, -1]] = True
    border = frozenset(int(square) for square in np.flatnonzero(solid))
    floor = _largest_room(height, width, border)
    if len(floor) < num_boxes + 2:
        return None
    targets = frozenset(int(square) for square in rng.choice(floor, size=num_boxes, replace=False))
    free = [square for square in floor if square not in targets]
    level = Level(height, width, frozenset(range(height * width)) - set(floor), targets, targets, free[0])
    player, boxes = _pulled(rng, level, free[int(rng.integers(len(free)))])
    if boxes & targets:
        return None
    return Level(height, width, level.walls, targets, boxes, player)


def _pulled(rng: np.random.Generator, level: Level, player: int) -> tuple[int, frozenset[int]]:
    """Walk at random, pulling a box along whenever one is behind."""
    boxes = level.boxes
    for _ in range(int(rng.integers(40, 160))):
        step = level.step(MOVES[int(rng.integers(4))])
        ahead, behind = player + step, player - step
        if ahead in level.walls or ahead in boxes:
            continue
        if behind in boxes and rng.random() < 0.8:
            boxes = boxes - {behind} | {player}
        player = ahead
    return player, boxes


def _largest_room(height: int, width: int, walls: frozenset[int]) -> list[int]:
    left = set(range(height * width)) - walls
    rooms: list[list[int]] = []
    while left:
        room, waiting = [], [min(left)]
        left.discard(waiting[0])
        while waiting:
            square = waiting.pop()
            room.append(square)
            near = {square - 1, square + 1, square - width, square + width} & left
            left -= near
            waiting += sorted(near)
        rooms.append(sorted(room))
    return max(rooms, key=len, default=[])
