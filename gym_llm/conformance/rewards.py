"""Probes of the reward: gold earns the top, and what verify returns is a number in range and plain data."""

from __future__ import annotations

import inspect
import math
from typing import Any

from gym_llm.conformance.conversation import courses
from gym_llm.conformance.invariants import json_problem
from gym_llm.conformance.player import Player
from gym_llm.conformance.probes import Skipped, probe
from gym_llm.conformance.subject import Subject
from gym_llm.core import ResponsesEnv
from gym_llm.episode import Verification


@probe(cure="Declare reward_range = (lowest, highest), and keep every reward inside it.")
def reward_range(subject: Subject) -> str | None:
    """Rewards are finite and inside reward_range."""
    player = subject.player()
    low, high = player.inner.reward_range
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        return f"reward_range {(low, high)} is no range of finite numbers"
    blank = [player.finish([], index) for index in subject.indices(player.env)]
    for course in [*blank, *courses(subject, player)]:
        if "error" in course.last:
            return f"an episode failed: {course.last['error']}"
        if not all(low <= reward <= high for reward in course.rewards) and course.over:
            return f"rewards {course.rewards} leave reward_range {(low, high)}"
    return None


@probe(cure="Mend solve or verify: the reference solution proves that a task can be solved and is judged rightly.")
def gold(subject: Subject) -> str | None:
    """The reference solution earns the top reward for every bundled task."""
    return _gold(subject, subject.player())


@probe(cure="Mend generate, solve or verify: generated tasks must be solvable too.")
def gold_generated(subject: Subject) -> str | None:
    """The reference solution earns the top reward for generated tasks."""
    if subject.env_class.generate.__func__ is ResponsesEnv.generate.__func__:  # type: ignore[attr-defined]
        raise Skipped("it generates no tasks")
    return _gold(subject, subject.player(dataset={"num_tasks": subject.tasks, "seed": subject.seed}))


@probe(cure="Give every named reward a weight in reward_weights.")
def reward_weights(subject: Subject) -> str | None:
    """Every named reward has a weight, and the weights name nothing else."""
    named: set[str] = set()
    player = subject.player()
    for course in courses(subject, player):
        named |= course.last.get("verification", {}).get("rewards", {}).keys()
    weights = set(player.inner.reward_weights)
    if named == weights:
        return None
    return f"verify names {sorted(named)}, reward_weights has {sorted(weights)}"


@probe(cure="Pass only text, numbers, booleans, null, lists and objects of them to Verification.")
def verification_plain(subject: Subject) -> str | None:
    """The verifier's own fields are plain data."""
    player = subject.player()
    returned = _recorded(player.inner)
    courses(subject, player)
    for result in returned:
        fields = result.fields if isinstance(result, Verification) else {}
        for name, value in fields.items():
            if problem := json_problem(value):
                return f"verification field {name!r} is no JSON: {problem}"
    return None


def _gold(subject: Subject, player: Player) -> str | None:
    if not player.solves():
        raise Skipped("it has no solve")
    top = player.inner.reward_range[1]
    for index in subject.many_indices(player.env):
        solution = player.solution(index)
        course = player.play(solution, index)
        if not course.over:
            return f"task {index}: the {len(solution)} actions of solve do not end the episode"
        if course.reward != top:
            seen = course.last.get("error") or course.last.get("verification")
            return f"task {index}: solve earns {course.reward}, the top of reward_range is {top}: {seen}"
    return None


def _recorded(env: Any) -> list[Any]:
    """Keep what `verify` returns from now on."""
    returned: list[Any] = []
    verify = env.verify

    async def awaited(result: Any) -> Any:
        returned.append(await result)
        return returned[-1]

    def recording(task: Any, episode: Any) -> Any:
        result = verify(task, episode)
        if inspect.isawaitable(result):
            return awaited(result)
        returned.append(result)
        return result

    env.verify = recording
    return returned
