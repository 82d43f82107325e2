"""The probe of hostile actions: nothing that a model can send raises."""

from __future__ import annotations

from itertools import islice

from gym_llm.conformance import hostile
from gym_llm.conformance.invariants import step_problem
from gym_llm.conformance.material import TEXTS
from gym_llm.conformance.player import Player, shown
from gym_llm.conformance.probes import probe
from gym_llm.conformance.subject import Subject
from gym_llm.items import Action, assistant_message

_ACTIONS_PER_GIANT = 500


@probe(cure="Answer it: ToolError from a tool, the lowest reward from verify; nothing a model sends may raise.")
def hostile_actions(subject: Subject) -> str | None:
    """Hostile actions never raise, and each call among them is answered once."""
    player = subject.player()
    rng = subject.rng(8)
    tools = [tool.declaration() for tool in player.inner.tools.values()]
    player.reset(seed=subject.seed)
    for kind, action in islice(hostile.actions(rng, tools), subject.hostile_actions):
        if problem := _problem(player, kind, action):
            return problem
    for _ in range(1 + subject.hostile_actions // _ACTIONS_PER_GIANT):
        if problem := _problem(player, "giant", hostile.giant(rng, tools)):
            return problem
    return None


@probe(cure="Catch what a final message may hold: verify must give it the lowest reward.")
def hostile_messages(subject: Subject) -> str | None:
    """Hostile final messages are judged without an error."""
    player = subject.player()
    player.reset(seed=subject.seed)
    for text in TEXTS:
        if problem := _problem(player, "odd-message", [assistant_message(text)]):
            return problem
    return None


def _problem(player: Player, kind: str, action: Action) -> str | None:
    """Take one step, in a new episode when the last one is over; return what was wrong with the answer."""
    if player.course.over:
        player.reset()
    before = len(player.course.given[-1])
    described = f"{kind} {shown(action)}"
    try:
        course = player.step(action)
    except Exception as error:  # boundary: whatever escapes from step is what this probe looks for
        return f"{described} raised {type(error).__name__}: {error}"
    problem = step_problem(player.inner, before, course.given[-1], course.rewards[-1], course.over, course.last)
    course.forget()
    return f"{described}: {problem}" if problem else None
