"""The environment: what a row holds, how moves are made, the reward and the reference solution."""

from __future__ import annotations

import re
from typing import Any, Literal

import numpy as np
import pydantic

from gym_llm import Episode, ResponsesEnv, Task, ToolError, Verification, tool
from gym_llm.envs.tetris import pieces, search
from gym_llm.envs.tetris.game import MOVES, Game
from gym_llm.errors import ConfigError, DefinitionError
from gym_llm.items import Item, assistant_message, function_call, message

MAX_LINES, _TRIES = 10, 30
_TAG = re.compile(r"<action>([^<]{0,2000})</action>", re.IGNORECASE)
_RULES = """This is Tetris on {width} columns and {height} rows. Clear {lines}. _ is empty, # is locked, X is the piece.
The moves are left, right, rotate (a quarter clockwise) and down. The piece falls only by down, and locks as soon as
it rests on something after a move. A locked block in the top row loses the game. Make several moves at once with the
tool step, or write them in a message between the tags <action> and </action>, separated by commas. You have {moves}
moves. A message without moves ends the game.

{board}"""
_ASK = "Play Tetris, game number {seed} on a board of {width} x {height}, and clear {lines}."


class TetrisTask(Task):
    """A seed, the board's size, the kind of pieces and how many lines are to be cleared."""

    seed: int = pydantic.Field(ge=0)
    dim_board: tuple[int, int] = (6, 10)
    box_type: int = pydantic.Field(4, ge=0, lt=len(pieces.KINDS))
    goal_lines: int = pydantic.Field(1, ge=1, le=MAX_LINES)

    @pydantic.field_validator("dim_board")
    @classmethod
    def _playable(cls, given: tuple[int, int]) -> tuple[int, int]:
        if not (4 <= given[0] <= 10 and 4 <= given[1] <= 20):
            raise ValueError("a board has 4 to 10 columns and 4 to 20 rows")
        return given


class Tetris(ResponsesEnv):
    """Clear lines on a small text board, several moves per turn.

    Tasks:
        `seed`, which gives the pieces and where they appear; `dim_board`, columns and rows; `box_type`, the kind of
        pieces: 0 and 1 single cells, 2 dominoes, 3 dominoes and squares, 4 the seven shapes of four cells;
        `goal_lines`, lines that win, 1 when left out. Rows of NeMo Gym's grl_tetris server load unchanged, but
        their pieces come in our order. Bundled: 8 games made by the generator, Apache-2.0. Unlimited, with the
        knobs `width`, `height`, `box_type`, `goal_lines` and `max_moves`. The generator keeps seeds that the
        reference player wins; it knows all pieces to come, where the model sees the falling one and the next.
    Tools:
        `step(actions)` makes moves and returns the board; none are made from the first on that cannot be read.
        Moves may also be written in messages, as `<action>left, down</action>`.
    Reward:
        The share of `goal_lines` that was cleared. With `reward="return"` it pays the game's return. Named
        rewards: `score`, which is the share; `game_return`, 10 a line and -0.1 a move; `lines`, `won`, `lost`,
        `pieces`, `holes` (empty cells under locked ones at the end), `moves`, `bumps` (moves that changed nothing)
        and `unread_moves`.
    Episode end:
        The game is over and a message follows, a message without moves, no moves left, or 40 turns.
    Known shortcuts:
        Nothing has to be said after the last call. On narrow boards with single cells, random moves clear lines.
    Version history:
        v0: first version.

    Args:
        reward: `"score"` or `"return"`.
        max_moves: Moves per episode, at most 2000.
        **settings: As for every environment: `dataset`, `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.
    """

    Task = TetrisTask
    domain = "games"
    max_turns = 40
    reward_weights = {  # noqa: RUF012
        "score": 1.0, "game_return": 0.0, "lines": 0.0, "won": 0.0, "lost": 0.0, "pieces": 0.0, "holes": 0.0,
        "moves": 0.0, "bumps": 0.0, "unread_moves": 0.0,
    }  # fmt: skip
    known_shortcuts = {"paid-calls-only": "the lines are cleared by calls; nothing has to be said at the end"}  # noqa: RUF012

    def __init__(self, *, reward: Literal["score", "return"] = "score", max_moves: int = 300, **settings: Any) -> None:
        if reward not in ("score", "return") or not 1 <= max_moves <= 2000:
            raise ConfigError(f"reward={reward!r}, max_moves={max_moves!r}: give 'score' or 'return', and 1 to 2000")
        if reward == "return":
            self.reward_range = (-0.1 * max_moves, 10.0 * (MAX_LINES + 3))  # type: ignore[misc]
        self.paid, self.max_moves = reward, max_moves
        super().__init__(**settings)

    def begin(self, task: TetrisTask) -> None:
        """Set the first piece up."""
        self.game, self.unread = _game(task), 0

    def prompt(self, task: TetrisTask) -> list[Item]:
        """Return the row's input, then the rules and the board."""
        width, height = task.dim_board
        shown = _shown(_game(task), task)
        rules = _RULES.format(
            width=width, height=height, lines=_lines(task.goal_lines), moves=self.max_moves, board=shown
        )
        return [*task.prompt, message(rules)]

    @tool(name="step")
    def make_moves(self, actions: list[str]) -> str:
        """Make moves in order; an empty list shows the board.

        Args:
            actions: Moves: left, right, rotate or down.
        """
        if self._over():
            raise ToolError("the game is over; say so in a message")
        return self._made(actions)

    def respond(self, task: TetrisTask, episode: Episode) -> str | None:
        """Make the moves of a message and show the board; None when there are none, or the game is over."""
        tags = _TAG.findall(episode.last_message[-100_000:].rpartition("</think>")[2])
        if self._over() or not tags:
            return None
        shown = self._made([word for tag in tags for word in re.split(r"[\s,|]+", tag) if word])
        return None if self._over() else shown

    def verify(self, task: TetrisTask, episode: Episode) -> Verification:
        """Count the lines."""
        played = self.game
        score = min(1.0, played.lines / task.goal_lines)
        rewards = {
            "score": score, "game_return": played.game_return, "lines": played.lines, "won": played.won,
            "lost": played.lost, "pieces": played.placed, "holes": played.holes, "moves": played.moves,
            "bumps": played.bumps, "unread_moves": self.unread,
        }  # fmt: skip
        return Verification(score if self.paid == "score" else played.game_return, rewards=rewards, board=played.text())

    def solve(self, task: TetrisTask) -> list[list[Item]]:
        """Make the reference player's moves, ten a turn or more, and say so."""
        moves = search.solution(_game(task), self.max_moves)
        if moves is None:
            raise DefinitionError(f"no way to clear {_lines(task.goal_lines)} was found; give more rows or fewer lines")
        size = max(10, -(-len(moves) // (self.max_turns - 1)) if self.max_turns > 1 else len(moves))
        calls = [
            [function_call("step", {"actions": moves[start : start + size]}, f"call_{start}")]
            for start in range(0, len(moves), size)
        ]
        return [*calls, [assistant_message("The lines are cleared.")]]

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: int) -> dict[str, Any]:
        """Make a row: `width` (6), `height` (10), `box_type` (4), `goal_lines` (2), won in `max_moves` (300)."""
        return _row(rng, **knobs)

    def _over(self) -> bool:
        return self.game.over or self.game.moves >= self.max_moves

    def _made(self, words: list[str]) -> str:
        note, lines, placed = "", self.game.lines, self.game.placed
        for place, word in enumerate(words):
            name = word[:20].strip().strip("\"'.").lower()
            if self._over():
                break
            if name not in MOVES:
                self.unread += 1
                note = f"Move {place + 1} is none of {', '.join(MOVES)}; it and those after it were not made.\n"
                break
            self.game.move(name)
        note += f"Pieces locked: {self.game.placed - placed}. Lines cleared: {self.game.lines - lines}.\n"
        if self._over():
            ends = {True: "The game is lost: the top row is reached.\n", False: "No moves or pieces are left.\n"}
            note += "The game is won.\n" if self.game.won else ends[self.game.lost]
        return f"{_shown(self.game, self.task)}\n{note}{self.game.moves} of {self.max_moves} moves made."


def _game(task: TetrisTask) -> Game:
    return Game(*task.dim_board, pieces.drawn(task.seed, *task.dim_board, task.box_type), task.goal_lines)


def _shown(game: Game, task: TetrisTask) -> str:
    after = game.next_piece
    said = "" if game.over or after is None else f"\nThe next piece: {pieces.name_of(after, task.box_type)}."
    return game.text() + said


def _lines(number: int) -> str:
    return f"{number} line{'s' * (number > 1)}"


def _row(
    rng: np.random.Generator, *, width: int = 6, height: int = 10, box_type: int = 4, goal_lines: int = 2,
    max_moves: int = 300,
) -> dict[str, Any]:  # fmt: skip
    settings = {"dim_board": [width, height], "box_type": box_type, "goal_lines": goal_lines}
    for _ in range(_TRIES):
        seed = int(rng.integers(1 << 31))
        asked = _ASK.format(seed=seed, width=width, height=height, lines=_lines(goal_lines))
        row = {"responses_create_params": {"input": [message(asked)]}, "seed": seed, **settings}
        try:
            task = TetrisTask.model_validate(row)
        except pydantic.ValidationError as error:
            raise ConfigError(f"{settings}: {error.errors()[0]['msg']}") from None
        if search.solution(_game(task), max_moves) is not None:
            return row
    raise ConfigError(f"none of {_TRIES} games with {settings} was won in {max_moves} moves: give easier settings")
