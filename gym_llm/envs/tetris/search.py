"""The reference player: a beam search over placements that knows the pieces to come.

Placements are turns, then shifts, then downs; tucking under an overhang is not tried. Beams widen until one wins.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from gym_llm.envs.tetris.game import Game

BEAMS = (1, 6)
_MAX_PLACED = 40


def solution(game: Game, max_moves: int) -> list[str] | None:
    """Return moves that reach the goal in at most `max_moves`, or None when no beam found any."""
    for beam in BEAMS:
        boards: list[tuple[Game, list[str]]] = [(game.copy(), [])]
        for _ in range(_MAX_PLACED):
            found = [
                (after, [*moves, *more])
                for before, moves in boards for after, more in placements(before)
                if after.moves <= max_moves and not after.lost
            ]  # fmt: skip
            won = [moves for after, moves in found if after.won]
            if won:
                return min(won, key=len)
            boards = sorted((one for one in found if not one[0].over), key=lambda one: roughness(one[0]))[:beam]
            if not boards:
                break
    return None


def placements(game: Game) -> Iterator[tuple[Game, list[str]]]:
    """Yield each way to place the falling piece: the game after it, and the moves."""
    for turns in range(4):
        for side in ("left", "right"):
            for shifts in range(0 if side == "left" else 1, game.width):
                tried = _placed(game, [*["rotate"] * turns, *[side] * shifts])
                if tried is not None:
                    yield tried


def _placed(game: Game, moves: list[str]) -> tuple[Game, list[str]] | None:
    """Make the moves and let the piece fall; None when one of them did nothing or the piece locked before them."""
    after, made = game.copy(), []
    for move in moves:
        if after.placed > game.placed:
            return None
        bumps = after.bumps
        after.move(move)
        made.append(move)
        if after.bumps > bumps:
            return None
    while after.placed == game.placed:
        after.move("down")
        made.append("down")
    return after, made


def roughness(game: Game) -> float:
    """Return how bad a board is: holes, height and steps between columns; a line cleared makes up for much."""
    heights = [0] * game.width
    for column in range(game.width):
        top = next((row for row in range(game.height) if game.rows[row] >> column & 1), game.height)
        heights[column] = game.height - top
    steps = sum(abs(one - other) for one, other in itertools.pairwise(heights))
    return 4 * game.holes + 0.5 * sum(heights) + 0.4 * steps + 0.3 * max(heights) - 8 * game.lines
