"""The environment: what a row holds, how the model acts, the reward and the reference solution."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
import pydantic

from gym_llm import Episode, ResponsesEnv, Task, ToolError, Verification, tool
from gym_llm.envs.gymnasium_text import games, rows, solvers, wording
from gym_llm.envs.gymnasium_text.session import Session, tagged
from gym_llm.errors import ConfigError, VerifierError
from gym_llm.items import Item, assistant_message, function_call, message
from gym_llm.tasks import Dataset

_HOW = {
    "tools": "Call act with one action at a time. When the game is over, say so in a message.",
    "tags": "Write one action a message, its name or number between the tags <action> and </action>.",
}


def _as_text(value: Any) -> Any:
    return str(value) if type(value) is int and abs(value) < 10**9 else value


Action = Annotated[str, pydantic.BeforeValidator(_as_text)]
"""An action's name, or its number, which may be a number of JSON's too."""


class GameTask(Task):
    """A game, its seed and what its returns are worth."""

    game: str | None = None
    game_kwargs: dict[str, Any] = pydantic.Field(default_factory=dict)
    seed: int | None = pydantic.Field(None, ge=0)
    worst_return: float | None = pydantic.Field(None, allow_inf_nan=False)
    best_return: float | None = pydantic.Field(None, allow_inf_nan=False)

    @pydantic.field_validator("game")
    @classmethod
    def _is_no_import(cls, value: str | None) -> str | None:
        if value and ":" in value:
            raise ValueError("a row names a registered game; import its module in your program instead")
        return value

    @pydantic.model_validator(mode="after")
    def _ordered(self) -> GameTask:
        if not self.worst < self.best:
            raise ValueError(f"worst_return {self.worst:g} is not below best_return {self.best:g}")
        return self

    @property
    def worst(self) -> float:
        """The return that pays 0; by default one below the best."""
        default = -1.0 if self.best_return is None else self.best_return - 1.0
        return default if self.worst_return is None else self.worst_return

    @property
    def best(self) -> float:
        """The return that pays 1."""
        return 1.0 if self.best_return is None else self.best_return


class GymnasiumText(ResponsesEnv):
    """Play any discrete Gymnasium environment in words, by tool calls or tags.

    Tasks:
        `game`, an environment's id, or its name for the newest version; `game_kwargs`; `seed`, the game's, drawn
        from the episode's seed when missing; `worst_return` and `best_return`, which pay 0 and 1. Any environment
        with Discrete or MultiDiscrete actions and observations without Box works; Blackjack, FrozenLake, Taxi and
        CliffWalking are told in sentences, `games.register_game` adds others. Bundled: 8 games made by the
        generator, Apache-2.0. Unlimited, with the knobs `game`, `game_kwargs`, `any_seed`, `worst_return` and
        `best_return`. The generator keeps only seeds that the reference player wins without knowing what comes
        (value iteration; basic strategy in Blackjack), and its return is the row's `best_return`; so the games of
        chance among them are luckier than the average, unless `any_seed=True` is given.
    Tools:
        `act(action)` takes one action and returns what is seen then; none with `interface="tags"`.
    Reward:
        The game's return, scaled so that `worst_return` pays 0 and `best_return` 1, and kept between them; or the
        return itself with `return_range`. A game that was not brought to its end pays the lowest reward. Named
        rewards: `score`, which is the reward, `game_return`, `steps`, `unread_actions` and `finished`.
    Episode end:
        By tags, when the game is over; by tools, the first message without a call; or 64 turns.
    Known shortcuts:
        Nothing has to be said after the last call. Random play wins games of chance now and then.
    Version history:
        v0: first version.

    Args:
        game: The game of rows that name none; also the game of generated tasks, 1000 of them
            without a dataset.
        game_kwargs: Its arguments.
        interface: `"tools"` or `"tags"`.
        return_range: The lowest and highest return: pays the return itself, as Gymnasium would, kept between them.
        **settings: As for every environment: `dataset`, `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.

    Raises:
        ConfigError: For an unknown interface, an unknown game or one that is not discrete.
    """

    Task = GameTask
    domain = "games"
    max_turns = 64
    reward_weights = {"score": 1.0, "game_return": 0.0, "steps": 0.0, "unread_actions": 0.0, "finished": 0.0}  # noqa: RUF012
    known_shortcuts = {"paid-calls-only": "the game is played by calls; nothing has to be said at its end"}  # noqa: RUF012

    def __init__(
        self, *, game: str | None = None, game_kwargs: dict[str, Any] | None = None,
        interface: Literal["tools", "tags"] = "tools", return_range: Sequence[float] | None = None,
        dataset: Dataset | None = None, **settings: Any,
    ) -> None:  # fmt: skip
        if interface not in _HOW:
            raise ConfigError(f"interface={interface!r}: give one of {list(_HOW)}")
        if interface == "tags":
            self.tools = {}  # type: ignore[misc]  # this instance offers none
        if return_range is not None:
            self.reward_range = _bounds(return_range)  # type: ignore[misc]  # the range of this instance's game
        if game is not None and (dataset is None or (isinstance(dataset, Mapping) and "path" not in dataset)):
            dataset = {"game": game, "game_kwargs": game_kwargs, **(dataset or {})}
        super().__init__(dataset=dataset, **settings)
        self.interface, self.raw = interface, return_range is not None
        self._default = (game or "Blackjack", game_kwargs or {})
        self._made: dict[str, games.Env] = {}
        if game is not None:
            self._env(self._default)

    def begin(self, task: GameTask) -> None:
        """Deal the game."""
        self._seed = int(self.np_random.integers(1 << 31)) if task.seed is None else task.seed
        self.session = Session(*self._game(task), self._seed)

    def prompt(self, task: GameTask) -> list[Item]:
        """Return the row's input, the game's rules and its first observation."""
        session = self.session if task is self._task else self._fresh(task, task.seed or 0)
        return [*task.prompt, message(session.opening(_HOW[self.interface]))]

    @tool
    def act(self, action: Action) -> str:
        """Take one action in the game.

        Args:
            action: The action's name, or its number.
        """
        if self.session.over:
            raise ToolError("the game is over; say so in a message")
        chosen = self.session.read(action)
        if chosen is None:
            raise ToolError(self.session.refusal())
        return self.session.take(chosen)

    def respond(self, task: GameTask, episode: Episode) -> str | None:
        """Take the tagged action and show what is seen then; None when the game is over or there are no tags."""
        if self.interface == "tools" or not self._goes_on():
            return None
        chosen = self.session.read(tagged(episode.last_message))
        if chosen is None:
            return f"{self.session.refusal()} {_HOW['tags']}"
        shown = self.session.take(chosen)
        return shown if self._goes_on() else None

    def verify(self, task: GameTask, episode: Episode) -> Verification:
        """Scale the game's return."""
        played = self.session
        if played.failure is not None:
            raise VerifierError(f"the game raised {type(played.failure).__name__}: {played.failure}")
        low, high = self.reward_range if self.raw else (task.worst, task.best)
        kept = min(max(played.total, low), high) if played.over else low
        score = kept if self.raw else (kept - low) / (high - low)
        rewards = {
            "score": score, "game_return": played.total, "steps": played.steps, "unread_actions": played.unread,
            "finished": played.over,
        }  # fmt: skip
        return Verification(score, rewards=rewards, game=task.game or self._default[0], seed=str(self._seed))

    def solve(self, task: GameTask) -> list[list[Item]]:
        """Play as the reference player does."""
        env, game = self._game(task)
        seed = self._seed if task.seed is None else task.seed
        own = games.make(*self._named(task))
        actions, _ = solvers.played(own, game, solvers.player(own), seed, self.max_turns - 1)
        words = [wording.action_text(env.action_space, game.actions, action) for action in actions]
        if self.interface == "tags":
            return [[assistant_message(f"<action>{word}</action>")] for word in words]
        calls = [[function_call("act", {"action": word}, f"call_{number}")] for number, word in enumerate(words)]
        return [*calls, [assistant_message("The game is over.")]]

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: Any) -> dict[str, Any]:
        """Make a row; see `rows.row` for the knobs."""
        return rows.row(rng, **knobs)

    def _goes_on(self) -> bool:
        return not self.session.over

    def close(self) -> None:
        """Close the games."""
        for env in self._made.values():
            env.close()
        self._made = {}
        super().close()

    def _named(self, task: GameTask) -> tuple[str, dict[str, Any]]:
        return (task.game, task.game_kwargs) if task.game else self._default

    def _game(self, task: GameTask) -> tuple[games.Env, games.Game]:
        named = self._named(task)
        return self._env(named), games.described(named[0])

    def _env(self, named: tuple[str, dict[str, Any]]) -> games.Env:
        if repr(named) not in self._made:
            self._made = {repr(named): games.make(*named)}
        return self._made[repr(named)]

    def _fresh(self, task: GameTask, seed: int) -> Session:
        """Return a game of its own, which leaves the one being played alone."""
        named = self._named(task)
        return Session(games.make(*named), games.described(named[0]), seed)


def _bounds(given: Sequence[float]) -> tuple[float, float]:
    try:
        low, high = (float(bound) for bound in given)
    except (TypeError, ValueError):
        low = high = 0.0
    if not -math.inf < low < high < math.inf:
        raise ConfigError(f"return_range={given!r}: give the lowest return and a higher one")
    return low, high
