"""Reference players: value iteration where a game publishes its transitions, basic strategy for Blackjack.

They see what a model sees (the state and the rules), never the seed's future, so they may lose a game of chance.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gymnasium.envs.toy_text.blackjack import BlackjackEnv

from gym_llm.envs.gymnasium_text.games import Env, Game
from gym_llm.envs.gymnasium_text.session import Session
from gym_llm.errors import DefinitionError

Player = Callable[[Any], Any]
_DISCOUNT, _SWEEPS = 0.99, 1000


def played(env: Env, game: Game, choose: Player, seed: int, limit: int) -> tuple[list[Any], Session]:
    """Play a game.

    Args:
        env: The game.
        game: Its description.
        choose: Returns the action for an observation.
        seed: Seed of its reset.
        limit: Most actions that are taken.

    Returns:
        The actions, and the session as it was left.
    """
    session = Session(env, game, seed)
    actions: list[Any] = []
    while not session.over and len(actions) < limit:
        actions.append(choose(session.seen))
        session.take(actions[-1])
    return actions, session


def player(env: Env) -> Player:
    """Return the reference player of a game.

    Raises:
        DefinitionError: When none is known.
    """
    inner: Any = env.unwrapped
    if hasattr(inner, "P"):
        policy = value_iteration(inner.P)
        return lambda state: policy[int(state)]
    if isinstance(inner, BlackjackEnv):
        return basic_strategy
    raise DefinitionError(f"{inner.spec.id if inner.spec else inner} has no reference player: it publishes no P")


def basic_strategy(seen: Any) -> int:
    """Return 1 to hit and 0 to stick, by the published basic strategy without doubling and splitting."""
    total, dealer, usable = (int(part) for part in seen)
    strong = dealer == 1 or dealer >= 7
    if usable:
        return int(total <= 17 or (total == 18 and dealer in (1, 9, 10)))
    if total == 12:
        return int(dealer not in (4, 5, 6))
    return int(total < 12 or (total <= 16 and strong))


def value_iteration(transitions: Any) -> dict[int, int]:
    """Return the best action of each state; `transitions` is toy text's `P[state][action]`."""
    values = dict.fromkeys(transitions, 0.0)
    for _ in range(_SWEEPS):
        change = 0.0
        for state, actions in transitions.items():
            best = max(_worth(outcomes, values) for outcomes in actions.values())
            change, values[state] = max(change, abs(best - values[state])), best
        if change < 1e-9:
            break
    return {
        state: max((_worth(outcomes, values), -action) for action, outcomes in actions.items())[1] * -1
        for state, actions in transitions.items()
    }


def _worth(outcomes: Any, values: dict[int, float]) -> float:
    return sum(
        float(chance) * (float(reward) + (0.0 if ended else _DISCOUNT * values[int(state)]))
        for chance, state, reward, ended in outcomes
    )
