"""Probes of what Gymnasium and a registry ask of an environment: making, rebuilding, rendering, documentation."""

from __future__ import annotations

import pickle
import re

import gymnasium
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env

from gym_llm.conformance.player import Player
from gym_llm.conformance.probes import PROBES, Skipped, probe
from gym_llm.conformance.subject import Subject
from gym_llm.items import printable

FIELDS = ("Tasks", "Tools", "Reward", "Episode end", "Known shortcuts", "Version history")
"""The fields of an environment's class docstring."""
_HARMLESS = ("render fps", "alternative render modes")


@probe(cure="Mend what Gymnasium's check_env says.")
def gymnasium_check(subject: Subject) -> str | None:
    """Gymnasium's own check_env has nothing to say."""
    env = subject.make_raw()
    env.action_space.seed(subject.seed)
    before = len(subject.warnings)
    with subject.watch.timed("gymnasium.utils.env_checker.check_env"):
        check_env(env)
    said = [str(seen.message) for seen in subject.warnings[before:]]
    said = [text for text in said if not any(harmless in text for harmless in _HARMLESS)]
    return f"check_env warns: {printable(said[0])}" if said else None


@probe(cure="Register an entry point 'module:Class' and keep keyword arguments plain data.")
def spec_round_trip(subject: Subject) -> str | None:
    """An environment made from its specification's JSON behaves the same."""
    if not subject.registered:
        raise Skipped("it has no id")
    first = subject.player()
    spec = first.env.spec
    if spec is None:
        return "the environment has no spec"
    try:
        text = spec.to_json()
    except (TypeError, ValueError) as error:
        return f"its specification has no JSON form: {error}"
    with subject.watch.timed("making it from its specification"):
        second = Player(gymnasium.make(EnvSpec.from_json(text)), subject.watch)
    if second.env.spec != spec:
        return f"the rebuilt environment has another specification: {second.env.spec} and {spec}"
    actions = subject.sampled(first, 1)
    return first.play(actions, seed=subject.seed).difference(second.play(actions, seed=subject.seed))


@probe(cure="Make the spaces from plain data, so that they travel to workers.")
def spaces_pickle(subject: Subject) -> str | None:
    """Its spaces survive pickling, equal and with the same samples."""
    env = subject.make()
    for space in (env.observation_space, env.action_space):
        space.seed(subject.seed)
        again = pickle.loads(pickle.dumps(space))  # noqa: S301 - our own bytes
        if again != space:
            return f"{space} and its pickled copy differ"
        if again.sample() != space.sample():
            return f"{space} and its pickled copy give different samples"
    return None


@probe(cure="Return a string from render() in render_mode 'ansi', control characters escaped.")
def render_ansi(subject: Subject) -> str | None:
    """render() gives printable text when render_mode is 'ansi'."""
    player = subject.player(render_mode="ansi")
    actions = subject.sampled(player, 2)
    player.reset(seed=subject.seed)
    for action in actions:
        with subject.watch.timed("render()"):
            text = player.env.render()
        if not isinstance(text, str):
            return f"render() gave {type(text).__name__}, not text"
        if printable(text) != text:
            return f"render() gave control characters: {text!r:.200}"
        if player.step(action).over:
            break
    return None


@probe(cure="Let close() release what is there, and do nothing the second time.")
def close_twice(subject: Subject) -> str | None:
    """close() may be called twice."""
    player = subject.player()
    player.reset(seed=subject.seed)
    for _ in range(2):
        with subject.watch.timed("close()"):
            player.env.close()
    return None


def documented_fields(env_class: type) -> list[str]:
    """Return the fields that a class docstring fills in, in order; written `Tasks:` or `*Tasks*`."""
    pattern = rf"^\s*({'|'.join(FIELDS)}):\s*\S|\*({'|'.join(FIELDS)})\*:?\s*\S"
    return [match[1] or match[2] for match in re.finditer(pattern, env_class.__doc__ or "", re.MULTILINE)]


@probe(cure=f"Write every field into the class docstring: {', '.join(f'{name}:' for name in FIELDS)}.")
def docstring_fields(subject: Subject) -> str | None:
    """Its class docstring has the fixed fields."""
    if not subject.registered:
        raise Skipped("it has no id")
    filled = documented_fields(subject.env_class)
    missing = [name for name in FIELDS if name not in filled]
    return f"{subject.env_class.__name__}'s docstring lacks {', '.join(missing)}" if missing else None


@probe(cure="Use the names of the probes that may be declared as keys of known_shortcuts, with a reason each.")
def declarations(subject: Subject) -> str | None:
    """known_shortcuts names probes that may be declared, each with a reason."""
    allowed = [entry.name for entry in PROBES.values() if entry.shortcut]
    for name, reason in subject.env_class.known_shortcuts.items():
        if name not in allowed:
            return f"known_shortcuts names {name!r}; the probes are {', '.join(allowed)}"
        if not str(reason or "").strip():
            return f"known_shortcuts gives no reason for {name!r}"
    return None
