"""Probes of repeatability: the same seed, the same task, the same actions; and nothing shared or left over."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from gym_llm.conformance.player import Course, Player
from gym_llm.conformance.probes import Skipped, probe
from gym_llm.conformance.subject import Subject
from gym_llm.items import Action


@probe(cure="Draw everything in reset and begin from self.np_random.")
def reset_determinism(subject: Subject) -> str | None:
    """The same seed gives the same task and first observation."""
    player, other = subject.player(), subject.player()
    for seed in range(min(subject.tasks, 10)):
        first = player.reset(seed=seed)
        for again in (player.reset(seed=seed), other.reset(seed=seed)):
            if again.last.get("task_index") != first.last.get("task_index"):
                return f"seed {seed} gave tasks {first.last['task_index']} and {again.last['task_index']}"
            if difference := first.difference(again):
                return f"seed {seed}: {difference}"
    return None


@probe(cure="Let ResponsesEnv.reset draw the task, or use self.np_random.")
def seeds_reach_tasks(subject: Subject) -> str | None:
    """Different seeds reach different tasks."""
    player = subject.player()
    count = len(player.inner.tasks)
    if count == 1:
        raise Skipped("there is one task")
    reached = {str(player.reset(seed=seed).last["task_index"]) for seed in range(40)}
    return f"40 seeds reach only task {reached.pop()} of {count}" if len(reached) == 1 else None


@probe(cure="Draw from self.np_random, and read no clock; the same episode must be the same everywhere.")
def episode_determinism(subject: Subject) -> str | None:
    """The same task and the same actions give equal observations and rewards."""
    player = subject.player()
    for index, actions in _episodes(subject, player):
        first, again = player.play(actions, index), player.play(actions, index)
        if difference := first.difference(again):
            return f"task {index}: {difference}"
    return None


@probe(cure="Use self.np_random instead of the random module and numpy.random's global functions.")
def global_randomness(subject: Subject) -> str | None:
    """The global random generators are neither used nor seeded."""
    player = subject.player()
    for index, actions in _episodes(subject, player):
        with _known_states():
            before = _states()
            player.play(actions, index)
            moved = _states() != before
        if moved:
            return f"task {index}: an episode used the random module or numpy.random's global generator"
    return None


@probe(cure="Keep state on self, set in begin; never on the class, the module or in a mutable default.")
def instances_apart(subject: Subject) -> str | None:
    """Two instances stepped in turn answer as each would alone."""
    indices = subject.indices(subject.make())
    for mine, theirs in zip(indices, [*indices[1:], indices[0]], strict=True):
        for pair in {(mine, theirs), (mine, mine)}:
            expected = [_alone(subject, index) for index in pair]
            for index, alone, course in zip(pair, expected, _in_turn(subject, pair), strict=True):
                if difference := alone.difference(course):
                    return f"task {index} goes otherwise beside another instance: {difference}"
    return None


@probe(cure="Set all per-episode state in begin; an episode must not see the one before it.")
def episodes_apart(subject: Subject) -> str | None:
    """A used instance answers as a fresh one does, after spoiled and unfinished episodes too."""
    used = subject.player()
    for index in subject.indices(used.env):
        plan = _plan(subject, used, index)
        fresh = _alone(subject, index)
        for spoiling in (subject.sampled(used, 7, turns=5), plan, plan[:1]):
            used.play(spoiling, index)
            if difference := fresh.difference(used.play(plan, index)):
                return f"task {index} goes otherwise after another episode: {difference}"
    return None


def _plan(subject: Subject, player: Player, index: int) -> list[Action]:
    return player.solution(index) if player.solves() else subject.sampled(player, index)


def _episodes(subject: Subject, player: Player) -> Iterator[tuple[int, list[Action]]]:
    for index in subject.indices(player.env):
        if player.solves():
            yield index, player.solution(index)
        yield index, subject.sampled(player, index)


def _alone(subject: Subject, index: int) -> Course:
    """Return how a task goes on an instance of its own.

    Raises:
        Skipped: When it goes differently each time, so that there is nothing to compare with.
    """
    players = subject.player(), subject.player()
    first, again = (player.play(_plan(subject, player, index), index) for player in players)
    if first.difference(again):
        raise Skipped("its episodes cannot be repeated; see episode-determinism")
    return first


def _in_turn(subject: Subject, indices: Sequence[int]) -> list[Course]:
    """Play tasks on an instance each, turn about."""
    players = [subject.player() for _ in indices]
    plans = [_plan(subject, player, index) for player, index in zip(players, indices, strict=True)]
    for player, index in zip(players, indices, strict=True):
        player.reset(index, 0)
    for turn in range(max(map(len, plans))):
        for player, actions in zip(players, plans, strict=True):
            if turn < len(actions) and not player.course.over:
                player.step(actions[turn])
    return [player.course for player in players]


@contextmanager
def _known_states() -> Iterator[None]:
    """Put the global generators where no environment's own seed puts them, for a while."""
    kept, kept_numpy = random.getstate(), np.random.get_state()
    random.seed(0xC0FFEE)
    np.random.seed(0xC0FFEE)
    try:
        yield
    finally:
        random.setstate(kept)
        np.random.set_state(kept_numpy)


def _states() -> tuple[object, str]:
    return random.getstate(), str(np.random.get_state(legacy=False))
