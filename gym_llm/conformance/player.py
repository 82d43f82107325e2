"""Playing prepared actions and keeping what was seen, as it was when it was seen."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, field
from reprlib import Repr
from typing import Any

import gymnasium

from gym_llm.conformance.watch import Watch
from gym_llm.core import ResponsesEnv
from gym_llm.items import Action, Item, assistant_message


class _Short(Repr):
    """Shows integers that are too long to be written, too."""

    def repr_int(self, x: int, level: int) -> str:
        return super().repr_int(x, level) if x.bit_length() < 1000 else f"(an integer of {x.bit_length()} bits)"


_REPR = _Short()
_REPR.maxlevel, _REPR.maxdict, _REPR.maxlist, _REPR.maxstring, _REPR.maxother = 4, 6, 4, 80, 80


def shown(value: Any) -> str:
    """Return any value as short text."""
    return _REPR.repr(value)[:400]


@dataclass(slots=True)
class Course:
    """What one episode showed.

    Attributes:
        given: The observation objects as they were returned, the reset's first.
        kept: Deep copies of them, taken at once.
        infos: The infos, the reset's first.
        rewards: One per step.
        ends: Terminated and truncated, one pair per step.
    """

    given: list[list[Item]] = field(default_factory=list)
    kept: list[list[Item]] = field(default_factory=list)
    infos: list[dict[str, Any]] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    ends: list[tuple[bool, bool]] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether the episode has ended."""
        return bool(self.ends) and any(self.ends[-1])

    @property
    def reward(self) -> float:
        """Sum of the rewards; NaN when the episode failed."""
        return sum(self.rewards)

    @property
    def last(self) -> dict[str, Any]:
        """The last info."""
        return self.infos[-1]

    def forget(self) -> None:
        """Keep only what was seen last; long runs need no more."""
        for seen in (self.given, self.kept, self.infos, self.rewards, self.ends):
            del seen[:-1]

    def difference(self, other: Course) -> str | None:
        """Return where two courses part, or None when they are equal."""
        for turn, (mine, theirs) in enumerate(zip(self.kept, other.kept, strict=False)):
            if mine != theirs:
                return f"observation {turn}: {_first_difference(mine, theirs)}"
        for turn, pair in enumerate(zip(self.rewards, other.rewards, strict=False)):
            if repr(pair[0]) != repr(pair[1]):
                return f"reward of turn {turn + 1}: {pair[0]} and {pair[1]}"
        if self.ends != other.ends:
            return f"the end (terminated, truncated): {self.ends[-1:]} and {other.ends[-1:]}"
        return None


class Player:
    """An environment with its calls timed.

    Args:
        env: The environment.
        watch: Times the calls.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], watch: Watch) -> None:
        self.env, self._watch = env, watch
        self.course = Course()

    @property
    def inner(self) -> ResponsesEnv:
        """The environment under its wrappers."""
        inner = self.env.unwrapped
        assert isinstance(inner, ResponsesEnv)
        return inner

    def reset(self, index: int | None = None, seed: int | None = None) -> Course:
        """Begin an episode, and a course."""
        options = None if index is None else {"task_index": index}
        with self._watch.timed(f"reset(seed={seed}, options={options})"):
            observation, info = self.env.reset(seed=seed, options=options)
        self.course = Course([observation], [copy.deepcopy(observation)], [info])
        return self.course

    def step(self, action: Action) -> Course:
        """Take one step."""
        with self._watch.timed(f"step({shown(action)})"):
            observation, reward, terminated, truncated, info = self.env.step(action)
        self.course.given.append(observation)
        self.course.kept.append(copy.deepcopy(observation))
        self.course.infos.append(info)
        self.course.rewards.append(float(reward))
        self.course.ends.append((bool(terminated), bool(truncated)))
        return self.course

    def play(self, actions: Iterable[Action], index: int | None = None, seed: int | None = 0) -> Course:
        """Reset and take actions until they or the episode end."""
        self.reset(index, seed)
        for action in actions:
            if self.step(action).over:
                break
        return self.course

    def finish(self, actions: Iterable[Action], index: int | None = None, last: Action | None = None) -> Course:
        """Play actions, then the last one (a blank message when left out) again and again until the end."""
        self.play(actions, index)
        last = [assistant_message("")] if last is None else last
        for _ in range(self.inner.max_turns):
            if self.course.over:
                break
            self.step(last)
        return self.course

    def solution(self, index: int) -> list[Action]:
        """Return the reference solution of a task."""
        with self._watch.timed(f"solve() of task {index}"):
            return list(self.inner.solve(self.inner.tasks[index]))

    def solves(self) -> bool:
        """Whether the environment has a reference solution."""
        return type(self.inner).solve is not ResponsesEnv.solve


def _first_difference(mine: list[Item], theirs: list[Item]) -> str:
    for index, pair in enumerate(zip(mine, theirs, strict=False)):
        if pair[0] != pair[1]:
            return f"item {index} is {shown(pair[0])} and {shown(pair[1])}"
    return f"{len(mine)} and {len(theirs)} items"
