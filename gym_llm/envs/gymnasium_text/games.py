"""What is said about a game: its rules, its actions' names, an observation in words.

`GAMES` holds the toy-text family; any other discrete environment is described by its spaces alone. `register_game`
adds one. Gymnasium's version of a game (`Taxi-v3`, `Taxi-v4`) need not be named: the newest there is is taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium

from gym_llm.envs.gymnasium_text import wording
from gym_llm.errors import ConfigError, did_you_mean

Env = gymnasium.Env[Any, Any]


@dataclass(frozen=True, slots=True)
class Game:
    """A description.

    Attributes:
        rules: Returns the rules for an environment.
        show: Returns an observation in words.
        actions: Names of the actions, in the order of their numbers; empty when they are told as numbers.
        worst: Return of a game that is lost, or None when it lies `span` below the best one.
        span: How far below the best return nothing is paid any more.
    """

    rules: Callable[[Env], str]
    show: Callable[[Env, Any], str]
    actions: tuple[str, ...] = ()
    worst: float | None = None
    span: float = 50.0


def _blackjack_rules(env: Env) -> str:
    pays_natural = getattr(env.unwrapped, "natural", False)
    natural = " A win with an ace and a ten as the first two cards pays 1.5." if pays_natural else ""
    return (
        "This is Blackjack with an infinite deck. Cards count their number, faces count 10, an ace counts 11 unless "
        "that would bust you, then 1. Hit takes a card; above 21 you lose at once. Stick ends your turn; the dealer "
        "then draws to 17 or more, and the sum nearer to 21 wins. A win pays 1, a draw 0, a loss -1." + natural
    )


def _blackjack_show(env: Env, seen: Any) -> str:
    total, dealer, usable = (int(part) for part in seen)
    ace = "with" if usable else "without"
    return f"Your cards sum to {total}, {ace} a usable ace. The dealer shows {'an ace' if dealer == 1 else dealer}."


def _lake_rules(env: Env) -> str:
    goes = {max(way[0] for way in ways) for state in _inner(env).P.values() for ways in state.values()}
    slip = " The ice is slippery: you may be carried to the side of where you meant to go." if len(goes) > 1 else ""
    return (
        "This is a frozen lake. S is the start, F is frozen, H is a hole in which the game is lost, G is the goal, "
        f"P is you. You can move left, down, right and up; the edge stops you.{slip} Reaching the goal pays 1."
    )


def _lake_show(env: Env, seen: Any) -> str:
    rows = [[cell.decode() for cell in row] for row in _inner(env).desc]
    row, column = divmod(int(seen), len(rows[0]))
    under, rows[row][column] = rows[row][column], "P"
    return "\n".join(map("".join, rows)) + f"\nYou are at row {row}, column {column}, on {under}."


def _taxi_rules(env: Env) -> str:
    return (
        "You drive a taxi, T on the map; R, G, Y and B are the stops and | is a wall. Fetch the passenger with pickup, "
        "drive to the destination and use dropoff there. South is down. Each action costs 1, a wrong pickup or "
        "dropoff 10; the right dropoff pays 20 and ends the game."
    )


def _taxi_show(env: Env, seen: Any) -> str:
    inner = _inner(env)
    row, column, passenger, destination = inner.decode(int(seen))
    cells = [[cell.decode() for cell in line] for line in inner.desc]
    cells[row + 1][2 * column + 1] = "T"
    where = "in the taxi" if passenger == 4 else f"at {'RGYB'[passenger]}"
    said = f"The taxi is at row {row}, column {column}. The passenger is {where} and wants to go to"
    return "\n".join(map("".join, cells)) + f"\n{said} {'RGYB'[destination]}."


def _cliff_rules(env: Env) -> str:
    slip = " The ground is slippery: a move may go to the side." if getattr(_inner(env), "is_slippery", False) else ""
    return (
        "Walk from S to G along a cliff, marked C; P is you. You can move up, right, down and left; the edge stops "
        f"you.{slip} Each step costs 1. A step into the cliff costs 100 and puts you back to S. The game ends at G."
    )


def _cliff_show(env: Env, seen: Any) -> str:
    height, width = _inner(env).shape
    rows = [["."] * width for _ in range(height)]
    rows[-1] = ["S", *"C" * (width - 2), "G"]
    row, column = divmod(int(seen), width)
    rows[row][column] = "P"
    return "\n".join(map("".join, rows)) + f"\nYou are at row {row}, column {column}."


def _inner(env: Env) -> Any:
    return env.unwrapped


_MOVES = {"lake": ("left", "down", "right", "up"), "cliff": ("up", "right", "down", "left")}
GAMES: dict[str, Game] = {
    "Blackjack": Game(_blackjack_rules, _blackjack_show, ("stick", "hit"), worst=-1.0),
    "FrozenLake": Game(_lake_rules, _lake_show, _MOVES["lake"], worst=0.0),
    "FrozenLake8x8": Game(_lake_rules, _lake_show, _MOVES["lake"], worst=0.0),
    "Taxi": Game(_taxi_rules, _taxi_show, ("south", "north", "east", "west", "pickup", "dropoff")),
    "CliffWalking": Game(_cliff_rules, _cliff_show, _MOVES["cliff"]),
    "CliffWalkingSlippery": Game(_cliff_rules, _cliff_show, _MOVES["cliff"], span=200.0),
}


def register_game(name: str, game: Game) -> None:
    """Describe a game; the name is an id's without its version."""
    GAMES[name] = game


def described(game_id: str) -> Game:
    """Return a game's description, a generic one when there is none."""
    name = re.sub(r"-v\d+$", "", game_id).rpartition(":")[2]
    return GAMES.get(name) or Game(lambda env: f"This is {name}.", _generic_show)


def _generic_show(env: Env, seen: Any) -> str:
    return f"Observation: {wording.observation_text(env.observation_space, seen)}"


def make(game_id: str, kwargs: dict[str, Any]) -> Env:
    """Make a game.

    Raises:
        ConfigError: When there is no such game, it refuses its arguments, or it is not discrete.
    """
    newest = game_id if re.search(r"-v\d+$", game_id) else _newest(game_id)
    try:
        env = gymnasium.make(newest, disable_env_checker=True, **kwargs)
    except Exception as error:  # boundary: whatever a game raises of its arguments, such as KeyError for a map's name
        said = f"{type(error).__name__}: {error}" if isinstance(error, LookupError) else error
        raise ConfigError(f"game={game_id!r}, game_kwargs={kwargs!r}: {said}") from error
    wording.check_observations(env.observation_space)
    wording.check_actions(env.action_space)
    return env


def _newest(name: str) -> str:
    module, _, bare = name.rpartition(":")
    found = [
        spec.version or 0 for spec in gymnasium.registry.values()
        if bare == (f"{spec.namespace}/{spec.name}" if spec.namespace else spec.name)
    ]  # fmt: skip
    if not found and not module:
        known = [spec.name for spec in gymnasium.registry.values() if not spec.namespace]
        raise ConfigError(f"game={name!r} is not registered.{did_you_mean(name, known)}")
    return f"{name}-v{max(found)}" if found else name
