"""The rules: what a move does to the falling piece, when it locks, what a full line does.

A piece locks as soon as it rests on something after a move. Rows are numbered from the top, and a row is a bit mask
of its columns. Cells above the board are allowed while a piece falls, and lost when it locks there.
"""

from __future__ import annotations

import copy

from gym_llm.envs.tetris.pieces import Shape, turned

MOVES = ("left", "right", "rotate", "down")


class Game:
    """One game.

    Args:
        width: Columns.
        height: Rows.
        order: The pieces and the columns that they appear in.
        goal: Lines that end the game.

    Attributes:
        lines: Lines cleared.
        moves: Moves made.
        bumps: Moves that changed nothing.
        placed: Pieces that locked.
        lost: Whether a locked piece reached the top row.
    """

    def __init__(self, width: int, height: int, order: list[tuple[Shape, int]], goal: int) -> None:
        self.width, self.height, self.goal, self._order = width, height, goal, order
        self.rows = [0] * height
        self.lines = self.moves = self.bumps = self.placed = 0
        self.lost = False
        self.shape, self.x, self.y = *order[0], 0

    def copy(self) -> Game:
        """Return a game that goes on by itself."""
        other = copy.copy(self)
        other.rows = list(self.rows)
        return other

    @property
    def won(self) -> bool:
        """Whether the goal is reached."""
        return self.lines >= self.goal

    @property
    def over(self) -> bool:
        """Whether the game has ended: won, lost, or out of pieces."""
        return self.won or self.lost or self.placed >= len(self._order)

    @property
    def game_return(self) -> float:
        """The sum of the rules' rewards: 10 a line, -0.1 a move."""
        return round(10 * self.lines - 0.1 * self.moves, 6)

    @property
    def next_piece(self) -> Shape | None:
        """The shape that comes after the falling one."""
        return self._order[self.placed + 1][0] if self.placed + 1 < len(self._order) else None

    @property
    def holes(self) -> int:
        """Empty cells with a locked one somewhere above them."""
        covered = holes = 0
        for row in self.rows:
            holes += (covered & ~row).bit_count()
            covered |= row
        return holes

    def text(self) -> str:
        """Return the board: _ empty, # locked, X the falling piece."""
        grid = [["#" if row >> column & 1 else "_" for column in range(self.width)] for row in self.rows]
        for x, y in [] if self.over else self._cells(self.shape, self.x, self.y):
            if y >= 0:
                grid[y][x] = "X"
        return "\n".join(map("".join, grid))

    def move(self, name: str) -> None:
        """Make one move; the piece locks when it rests afterwards."""
        x = self.x + {"left": -1, "right": 1}.get(name, 0)
        y = self.y + (name == "down")
        shape = turned(self.shape) if name == "rotate" else self.shape
        self.moves += 1
        if self.free(shape, x, y):
            self.bumps += set(self._cells(shape, x, y)) == set(self._cells(self.shape, self.x, self.y))
            self.shape, self.x, self.y = shape, x, y
        else:
            self.bumps += 1
        if not self.free(self.shape, self.x, self.y + 1):
            self._lock()

    def free(self, shape: Shape, x: int, y: int) -> bool:
        """Whether a piece fits there."""
        return all(
            0 <= column < self.width and row < self.height and (row < 0 or not self.rows[row] >> column & 1)
            for column, row in self._cells(shape, x, y)
        )

    def _cells(self, shape: Shape, x: int, y: int) -> list[tuple[int, int]]:
        return [(x + right, y + down) for right, down in shape]

    def _lock(self) -> None:
        for x, y in self._cells(self.shape, self.x, self.y):
            if y >= 0:
                self.rows[y] |= 1 << x
        full = (1 << self.width) - 1
        left = [row for row in self.rows if row != full]
        self.lines += self.height - len(left)
        self.rows = [0] * (self.height - len(left)) + left
        self.placed += 1
        self.lost = self.rows[0] != 0 and not self.won
        if not self.over:
            self.shape, self.x, self.y = *self._order[self.placed], 0
