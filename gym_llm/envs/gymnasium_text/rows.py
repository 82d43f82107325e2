"""New games: draws a seed, and keeps it when the reference player wins with it. Makes rows for `generate`."""

from __future__ import annotations

from typing import Any

import numpy as np

from gym_llm.envs.gymnasium_text import games, solvers
from gym_llm.errors import ConfigError
from gym_llm.items import message

TOY_TEXT = ("Blackjack", "FrozenLake", "Taxi", "CliffWalking")
_MAX_STEPS, _TRIES = 40, 200


def row(
    rng: np.random.Generator, *, game: str | None = None, game_kwargs: dict[str, Any] | None = None,
    any_seed: bool = False, worst_return: float | None = None, best_return: float | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return a row.

    Args:
        rng: Source of randomness.
        game: An id, or its name without the version; one of the toy-text family at random when left out.
        game_kwargs: Arguments of the game; FrozenLake gets a new lake of 4 to 6 squares a side when left out.
        any_seed: Keep a seed that the reference player loses with, too; `solve` may then earn less than 1.
        worst_return: Return that pays nothing; the description's when left out.
        best_return: Return that pays 1; what the reference player earns when left out.

    Raises:
        ConfigError: When no seed is won by the reference player, or a bound is needed and was not given.
    """
    name = game or TOY_TEXT[int(rng.integers(len(TOY_TEXT)))]
    kwargs = _lake(rng) if game_kwargs is None and name.startswith("FrozenLake") else dict(game_kwargs or {})
    env, about = games.make(name, kwargs), games.described(name)
    seed = int(rng.integers(1 << 31))
    if best_return is None:
        seed, best_return = _won(rng, env, about, any_seed)
    if worst_return is None:
        worst_return = best_return - about.span if about.worst is None else about.worst
    asked = f"Let us play {name}, game number {seed}. Play as well as you can."
    return {
        "responses_create_params": {"input": [message(asked)]},
        "game": name, "game_kwargs": kwargs, "seed": seed,
        "worst_return": float(worst_return), "best_return": float(best_return),
    }  # fmt: skip


def _won(rng: np.random.Generator, env: games.Env, about: games.Game, any_seed: bool) -> tuple[int, float]:
    choose = solvers.player(env)
    for _ in range(_TRIES):
        seed = int(rng.integers(1 << 31))
        _, session = solvers.played(env, about, choose, seed, _MAX_STEPS)
        won = session.over and (about.worst is None or session.total >= 1)
        if won or any_seed:
            return seed, session.total if won or about.worst is None else 1.0
    raise ConfigError(f"none of {_TRIES} games was won in {_MAX_STEPS} steps; give any_seed=True or an easier game")


def _lake(rng: np.random.Generator) -> dict[str, Any]:
    from gymnasium.envs.toy_text.frozen_lake import generate_random_map

    size, seed = int(rng.integers(4, 7)), int(rng.integers(1 << 31))
    desc = ["".join(line) for line in generate_random_map(size, seed=seed)]
    return {"desc": desc, "is_slippery": bool(rng.random() < 0.25)}
