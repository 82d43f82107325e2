"""Probes of the conversation: observations that only grow, spaces that hold them, episodes that end."""

from __future__ import annotations

import copy

from gymnasium.error import ResetNeeded

from gym_llm.conformance.invariants import json_problem
from gym_llm.conformance.player import Course, Player, shown
from gym_llm.conformance.probes import Skipped, probe
from gym_llm.conformance.subject import Subject
from gym_llm.items import Action, assistant_message, reasoning


def courses(subject: Subject, player: Player) -> list[Course]:
    """Return the episodes that most probes look at: every task's solution, and sampled actions."""
    played = []
    for index in subject.indices(player.env):
        if player.solves():
            played.append(player.play(player.solution(index), index))
        played.append(player.play(subject.sampled(player, index), index))
    return played


@probe(cure="Only add to the end of the conversation; never rewrite, reorder or drop items.")
def append_only(subject: Subject) -> str | None:
    """Each observation begins with the one before it, then the action's items follow."""
    player = subject.player()
    for index in subject.indices(player.env):
        for actions in _plays(subject, player, index):
            player.reset(index, 0)
            for action in actions:
                before = player.course.kept[-1]
                after = player.step(action).kept[-1]
                if after[: len(before)] != before:
                    return f"task {index}: an observation does not begin with the one before it"
                joined = player.inner.episode.actions[-1]
                if after[len(before) : len(before) + len(joined)] != joined:
                    return f"task {index}: the action's items do not follow the observation before it"
                if player.course.over:
                    break
    return None


@probe(cure="Copy items before changing them; what was returned once belongs to the caller.")
def observations_stay(subject: Subject) -> str | None:
    """No observation is changed after it was returned."""
    player = subject.player()
    for course in courses(subject, player):
        for turn, (given, kept) in enumerate(zip(course.given, course.kept, strict=True)):
            if given != kept:
                return f"observation {turn} was changed later: it was {shown(kept)} and is {shown(given)}"
    return None


@probe(cure="Copy what begin, tools and verify change; the task's row is everyone's.")
def task_stays(subject: Subject) -> str | None:
    """Neither the task nor its row is changed by an episode."""
    player = subject.player()
    for index in subject.indices(player.env):
        rows = player.inner.tasks
        row = copy.deepcopy(rows.row(index))
        for actions in _plays(subject, player, index):
            player.reset(index, 0)
            task = copy.deepcopy(player.inner.task.model_dump())
            for action in actions:
                if player.step(action).over:
                    break
            if player.inner.task.model_dump() != task:
                return f"task {index} was changed during its episode"
            if rows.row(index) != row:
                return f"the row of task {index} was changed during its episode"
    return None


@probe(cure="Return items of the Responses API: roles, types and content parts as in its reference.")
def observation_space(subject: Subject) -> str | None:
    """Observations are in the observation space."""
    player = subject.player()
    space = player.inner.observation_space
    for course in courses(subject, player):
        for observation in course.kept:
            if observation not in space:
                reason = space.problem(observation) if hasattr(space, "problem") else shown(observation)
                return f"an observation is outside its space: {reason}"
    return None


@probe(cure="Build solve's actions with gym_llm.items.")
def action_space(subject: Subject) -> str | None:
    """Sampled actions, and those of solve, are in the action space."""
    player = subject.player()
    space = player.inner.action_space
    candidates = list(subject.sampled(player, 5, turns=50))
    if player.solves():
        candidates += [action for index in subject.indices(player.env) for action in player.solution(index)]
    for action in candidates:
        if action not in space:
            reason = space.problem(action) if hasattr(space, "problem") else "no list of output items"
            return f"{shown(action)} is outside the action space: {reason}"
    return None


@probe(cure="Put only plain data into info and into verification fields.")
def info_json(subject: Subject) -> str | None:
    """Every info can be written as JSON."""
    player = subject.player()
    for course in courses(subject, player):
        for turn, info in enumerate(course.infos):
            if problem := json_problem(info):
                return f"the info of turn {turn} is no JSON: {problem}"
    return None


@probe(cure="Count every action as a turn and end at max_turns; leave that to ResponsesEnv.step.")
def turn_limit(subject: Subject) -> str | None:
    """Empty and reasoning-only actions end within max_turns, and the end says why."""
    player = subject.player()
    for action in ([], [reasoning("hm")]):
        course = player.play([action] * player.inner.max_turns, seed=subject.seed)
        if not course.over:
            return f"no end after {player.inner.max_turns} times {action}"
        if course.ends[-1] == (True, True) or "end_reason" not in course.last:
            return f"the end is (terminated, truncated) = {course.ends[-1]} without a reason that fits"
    return None


@probe(cure="Let ResponsesEnv.step refuse it, or raise gymnasium.error.ResetNeeded.")
def finished_refuses(subject: Subject) -> str | None:
    """Stepping a finished episode raises ResetNeeded."""
    player = subject.player()
    if not player.finish([], subject.indices(player.env)[0]).over:
        raise Skipped("the episode did not end")
    try:
        player.step([assistant_message("more")])
    except ResetNeeded:
        return None
    return "a step after the end was answered"


def _plays(subject: Subject, player: Player, index: int) -> list[list[Action]]:
    solution = [player.solution(index)] if player.solves() else []
    return [*solution, subject.sampled(player, index)]
