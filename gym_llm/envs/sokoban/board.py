"""The rules: a level as text, and what a move does to it. Squares are numbered row by row.

Symbols: # wall, _ floor, O target, X box, √ box on a target, P player, S player on a target.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

MOVES = ("up", "down", "left", "right")
MAX_SIDE, MAX_BOXES = 20, 6
_XSB = str.maketrans({" ": "_", "-": "_", ".": "O", "$": "X", "*": "√", "@": "P", "+": "S"})
_STUCK = (("up", "left"), ("up", "right"), ("down", "left"), ("down", "right"))


@dataclass(frozen=True, slots=True)
class Level:
    """What does not move, and where the rest begins.

    Attributes:
        height: Rows.
        width: Columns.
        walls: Squares that nothing enters.
        targets: Squares where the boxes belong.
        boxes: Squares of the boxes at the beginning.
        player: The player's square at the beginning.
    """

    height: int
    width: int
    walls: frozenset[int]
    targets: frozenset[int]
    boxes: frozenset[int]
    player: int

    def step(self, name: str) -> int:
        """Return how a move changes a square's number."""
        return {"up": -self.width, "down": self.width, "left": -1, "right": 1}[name]

    def text(self, player: int, boxes: frozenset[int]) -> str:
        """Return the board as lines of symbols."""
        lines = []
        for row in range(self.height):
            squares = range(row * self.width, (row + 1) * self.width)
            lines.append("".join(self._symbol(square, player, boxes) for square in squares))
        return "\n".join(lines)

    def _symbol(self, square: int, player: int, boxes: frozenset[int]) -> str:
        if square in self.walls:
            return "#"
        on_target = square in self.targets
        if square == player:
            return "S" if on_target else "P"
        if square in boxes:
            return "√" if on_target else "X"
        return "O" if on_target else "_"

    def cornered(self, boxes: frozenset[int]) -> bool:
        """Whether a box stands in a corner of walls off its targets, so that the level is lost."""
        return any(
            all(box + self.step(side) in self.walls for side in corner)
            for box in boxes - self.targets for corner in _STUCK
        )  # fmt: skip


def parsed(lines: Sequence[str]) -> Level:
    """Read a level in our symbols, or in the usual ones of level files (` -.$*@+#`).

    Raises:
        ValueError: Saying what is wrong with it.
    """
    rows = [line.translate(_XSB) for line in lines]
    if not (3 <= len(rows) <= MAX_SIDE and len({*map(len, rows)}) == 1 and 3 <= len(rows[0]) <= MAX_SIDE):
        raise ValueError(f"a level has 3 to {MAX_SIDE} lines, all of one length from 3 to {MAX_SIDE}")
    height, width, cells = len(rows), len(rows[0]), "".join(rows)
    if odd := re.sub("[#_OX√PS]", "", cells):
        raise ValueError(f"unknown symbol {odd[0]!r}; the symbols are # _ O X √ P S")
    if set(rows[0] + rows[-1] + "".join(row[0] + row[-1] for row in rows)) != {"#"}:
        raise ValueError("the border of a level is all walls (#)")
    where = {symbol: [square for square, cell in enumerate(cells) if cell == symbol] for symbol in "#OX√PS"}
    boxes, targets = frozenset(where["X"] + where["√"]), frozenset(where["O"] + where["√"] + where["S"])
    players = where["P"] + where["S"]
    if len(players) != 1 or len(boxes) != len(targets) or not 1 <= len(boxes) <= MAX_BOXES:
        raise ValueError(
            f"{len(players)} players, {len(boxes)} boxes and {len(targets)} targets; "
            f"a level has one player and as many boxes as targets, 1 to {MAX_BOXES}"
        )
    if boxes == targets:
        raise ValueError("every box is on a target already")
    return Level(height, width, frozenset(where["#"]), targets, boxes, players[0])


class Board:
    """A level being played.

    Args:
        level: The level.

    Attributes:
        moves: Moves made, those against a wall included.
        pushes: Moves that pushed a box.
        bumps: Moves that changed nothing.
        landed: Boxes pushed onto a target, less those pushed off one.
    """

    def __init__(self, level: Level) -> None:
        self.level, self.player, self.boxes = level, level.player, level.boxes
        self.moves = self.pushes = self.bumps = self.landed = 0

    @property
    def solved(self) -> bool:
        """Whether every box is on a target."""
        return self.boxes == self.level.targets

    @property
    def game_return(self) -> float:
        """What gym-sokoban's rules sum to: -0.1 a move, 1 a box onto a target, -1 off it, 10 for the last one."""
        return round(self.landed - 0.1 * self.moves + 10 * self.solved, 6)

    def text(self) -> str:
        """Return the board as lines of symbols."""
        return self.level.text(self.player, self.boxes)

    def move(self, name: str) -> None:
        """Make one move."""
        step = self.level.step(name)
        ahead, beyond = self.player + step, self.player + 2 * step
        self.moves += 1
        if ahead in self.level.walls or (ahead in self.boxes and beyond in self.level.walls | self.boxes):
            self.bumps += 1
            return
        if ahead in self.boxes:
            self.boxes = self.boxes - {ahead} | {beyond}
            self.pushes += 1
            self.landed += (beyond in self.level.targets) - (ahead in self.level.targets)
        self.player = ahead
