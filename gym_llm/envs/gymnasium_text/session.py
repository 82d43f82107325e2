"""One game being played: what is shown, what was earned, what could not be read. Decides no reward."""

from __future__ import annotations

import re
from typing import Any

from gym_llm.envs.gymnasium_text import wording
from gym_llm.envs.gymnasium_text.games import Env, Game

_TAG = re.compile(r"<action>([^<]{0,200})</action>", re.IGNORECASE)


class Session:
    """A game from its reset to its end.

    Args:
        env: The game; reset here, and used by one session at a time.
        game: Its description.
        seed: Seed of its reset.

    Attributes:
        total: The return so far.
        over: Whether the game has ended, by its own rules or its own limit of steps.
        steps: Actions taken.
        unread: How often no action could be read.
        failure: What the game raised, which ended it; None when it did not.
    """

    def __init__(self, env: Env, game: Game, seed: int) -> None:
        self.env, self.game = env, game
        self.seen, _ = env.reset(seed=seed)
        self.total, self.over, self.steps, self.unread = 0.0, False, 0, 0
        self.failure: Exception | None = None

    @property
    def shown(self) -> str:
        """The last observation in words."""
        return self.game.show(self.env, self.seen)

    def opening(self, how: str) -> str:
        """Return the rules, how to act and the first observation."""
        actions = wording.action_rules(self.env.action_space, self.game.actions)
        return f"{self.game.rules(self.env)}\n{actions} {how}\n\n{self.shown}"

    def read(self, text: str) -> Any:
        """Return the action that a text names; counts those that name none."""
        action = wording.read_action(self.env.action_space, self.game.actions, text)
        self.unread += action is None
        return action

    def take(self, action: Any) -> str:
        """Take an action and say what came of it."""
        try:
            self.seen, reward, terminated, truncated, _ = self.env.step(action)
        except Exception as error:  # boundary: any game may be played, and a model's action must not raise
            self.failure, self.over = error, True
            return "The game broke down; this is no fault of yours."
        self.total += float(reward)
        self.steps += 1
        self.over = bool(terminated or truncated)
        end = f"\nThe game is over. Its return is {self.total:g}." if self.over else ""
        return f"{self.shown}\nReward: {float(reward):g}.{end}"

    def refusal(self) -> str:
        """Say that no action was read, and which there are."""
        return "No action could be read. " + wording.action_rules(self.env.action_space, self.game.actions)


def tagged(text: str) -> str:
    """Return what stands in the last action tag of a text; empty when there is none.

    >>> tagged("Perhaps <action>hit</action>? No: <action>stick</action>")
    'stick'
    """
    found = _TAG.findall(text[-100_000:])
    return found[-1] if found else ""
