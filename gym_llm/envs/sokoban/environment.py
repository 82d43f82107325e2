"""The environment: what a row holds, how moves are made, the reward and the reference solution."""

from __future__ import annotations

import re
from typing import Any, Literal

import numpy as np
import pydantic

from gym_llm import Episode, ResponsesEnv, Task, ToolError, Verification, tool
from gym_llm.envs.sokoban import board, levels, search
from gym_llm.errors import ConfigError, DefinitionError
from gym_llm.items import Item, assistant_message, function_call, message

_TAG = re.compile(r"<action>([^<]{0,2000})</action>", re.IGNORECASE)
_RULES = """You are P. Push every box X onto a target O. You can push one box at a time and cannot pull.
# is a wall, _ floor, O a target, X a box, √ a box on a target, P you, S you on a target.
The moves are up, down, left and right. Make several at once with the tool step, or write them in a message between
the tags <action> and </action>, separated by commas. You have {moves} moves. A message without moves ends the game.

{board}"""


class SokobanTask(Task):
    """A level, or the seed and the size that one is made from."""

    level: list[str] | None = None
    min_moves: int | None = pydantic.Field(None, ge=1)
    seed: int | None = pydantic.Field(None, ge=0)
    dim_room: tuple[int, int] = (7, 7)
    num_boxes: int = pydantic.Field(1, ge=1, le=3)

    @pydantic.model_validator(mode="after")
    def _playable(self) -> SokobanTask:
        low, high = levels.SIDES
        if self.level is not None:
            board.parsed(self.level)
        elif self.seed is None:
            raise ValueError("a row has a level, or a seed to make one from")
        elif not all(low <= side <= high for side in self.dim_room):
            raise ValueError(f"dim_room {self.dim_room}: rooms of {low} to {high} rows and columns are made")
        return self


class Sokoban(ResponsesEnv):
    """Push the boxes of a text grid onto their targets, several moves per turn.

    Tasks:
        `level`: lines of # _ O X √ P S, or of the usual symbols of level files; `min_moves`: the fewest moves that
        solve it. Or `seed`, `dim_room` and `num_boxes`, from which a level is made: rows of NeMo Gym's
        grl_sokoban server load unchanged, but their rooms are ours, as gym-sokoban draws them. Bundled: 8 levels
        made by the generator, Apache-2.0. Unlimited, with the knobs `height`, `width`, `num_boxes`, `walls` and
        `min_moves`; boxes are pulled away from their targets, so every level can be solved.
    Tools:
        `step(actions)` makes moves and returns the board; none are made from the first on that cannot be read.
        Moves may also be written in messages, as `<action>up, left</action>`.
    Reward:
        A solved level pays 1 less 0.01 for each move more than the fewest, and at least 0.1; anything else pays
        0. With `reward="return"` it pays the game's return whether solved or not. Named rewards: `score`;
        `game_return`, gym-sokoban's sum: -0.1 a move, 1 for a box onto a target, -1 off it, 10 for solving;
        `solved`; `boxes_on_target`, a share; `moves`, `pushes`, `bumps` (moves that changed nothing),
        `unread_moves`, and `deadlocked`, whether a box ended in a corner.
    Episode end:
        The level is solved and a message follows, a message without moves, no moves left, or 30 turns.
    Known shortcuts:
        Nothing has to be said after the last call.
    Version history:
        v0: first version.

    Args:
        reward: `"score"` or `"return"`.
        max_moves: Moves per episode, at most 1000.
        **settings: As for every environment: `dataset`, `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.
    """

    Task = SokobanTask
    domain = "games"
    max_turns = 30
    reward_weights = {  # noqa: RUF012
        "score": 1.0, "game_return": 0.0, "solved": 0.0, "boxes_on_target": 0.0, "moves": 0.0, "pushes": 0.0,
        "bumps": 0.0, "unread_moves": 0.0, "deadlocked": 0.0,
    }  # fmt: skip
    known_shortcuts = {"paid-calls-only": "the level is solved by calls; nothing has to be said at its end"}  # noqa: RUF012

    def __init__(self, *, reward: Literal["score", "return"] = "score", max_moves: int = 200, **settings: Any) -> None:
        if reward not in ("score", "return") or not 1 <= max_moves <= 1000:
            raise ConfigError(f"reward={reward!r}, max_moves={max_moves!r}: give 'score' or 'return', and 1 to 1000")
        if reward == "return":
            self.reward_range = (-board.MAX_BOXES - 0.1 * max_moves, 10.0 + board.MAX_BOXES)  # type: ignore[misc]
        self.paid, self.max_moves = reward, max_moves
        super().__init__(**settings)

    def begin(self, task: SokobanTask) -> None:
        """Set the board up."""
        self.board, self.unread = board.Board(_level(task)), 0

    def prompt(self, task: SokobanTask) -> list[Item]:
        """Return the row's input, then the rules and the board."""
        level = _level(task)
        shown = _RULES.format(moves=self.max_moves, board=level.text(level.player, level.boxes))
        return [*task.prompt, message(shown)]

    @tool(name="step")
    def make_moves(self, actions: list[str]) -> str:
        """Make moves in order; an empty list shows the board.

        Args:
            actions: Moves: up, down, left or right.
        """
        if self._over():
            raise ToolError("the game is over; say so in a message")
        return self._made(actions)

    def respond(self, task: SokobanTask, episode: Episode) -> str | None:
        """Make the moves of a message and show the board; None when there are none, or the game is over."""
        tags = _TAG.findall(episode.last_message[-100_000:].rpartition("</think>")[2])
        if self._over() or not tags:
            return None
        shown = self._made([word for tag in tags for word in re.split(r"[\s,|]+", tag) if word])
        return None if self._over() else shown

    def verify(self, task: SokobanTask, episode: Episode) -> Verification:
        """Pay a solved level by the moves it took."""
        played, score = self.board, 0.0
        if played.solved:
            score = max(0.1, round(1 - 0.01 * max(0, played.moves - _fewest(task, played.moves)), 6))
        on_target = len(played.boxes & played.level.targets) / len(played.boxes)
        rewards = {
            "score": score, "game_return": played.game_return, "solved": played.solved, "boxes_on_target": on_target,
            "moves": played.moves, "pushes": played.pushes, "bumps": played.bumps, "unread_moves": self.unread,
            "deadlocked": played.level.cornered(played.boxes),
        }  # fmt: skip
        return Verification(score if self.paid == "score" else played.game_return, rewards=rewards, board=played.text())

    def solve(self, task: SokobanTask) -> list[list[Item]]:
        """Make the fewest moves, eight a turn, and say so."""
        moves = search.solution(_level(task))
        if moves is None:
            raise DefinitionError(f"no solution was found within {search.MAX_STATES} states")
        calls = [
            [function_call("step", {"actions": moves[start : start + 8]}, f"call_{start}")]
            for start in range(0, len(moves), 8)
        ]
        return [*calls, [assistant_message("Every box is on a target.")]]

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: Any) -> dict[str, Any]:
        """Make a row; see `levels.row` for the knobs."""
        return levels.row(rng, **knobs)

    def _over(self) -> bool:
        return self.board.solved or self.board.moves >= self.max_moves

    def _made(self, words: list[str]) -> str:
        note = ""
        for place, word in enumerate(words):
            name = word[:20].strip().strip("\"'.").lower()
            if self._over():
                break
            if name not in board.MOVES:
                self.unread += 1
                note = f"Move {place + 1} is none of {', '.join(board.MOVES)}; it and those after it were not made.\n"
                break
            self.board.move(name)
        if self._over():
            note += "The level is solved.\n" if self.board.solved else "No moves are left.\n"
        return f"{self.board.text()}\n{note}{self.board.moves} of {self.max_moves} moves made."


def _level(task: SokobanTask) -> board.Level:
    if task.level is not None:
        return board.parsed(task.level)
    return levels.seeded(task.seed or 0, *task.dim_room, task.num_boxes)


def _fewest(task: SokobanTask, moves: int) -> int:
    """Return the fewest moves; those made when the search gives up."""
    if task.min_moves is not None:
        return task.min_moves
    found = search.solution(_level(task))
    return moves if found is None else len(found)
