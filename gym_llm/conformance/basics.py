"""Probes that come first: when they fail, nothing else can be tried."""

from __future__ import annotations

from collections.abc import Iterator

from gym_llm import sampling
from gym_llm.conformance.player import Player
from gym_llm.conformance.probes import probe
from gym_llm.conformance.subject import Subject
from gym_llm.episode import ToolCall
from gym_llm.items import assistant_message, function_call


@probe(cure="Mend what it raises; an environment must be made with its bundled or given dataset.", vital=True)
def makes(subject: Subject) -> str | None:
    """It can be made and reset."""
    subject.player().reset(seed=subject.seed)
    return None


@probe(cure="Mend the row that is named, or the row model.", vital=True)
def rows_load(subject: Subject) -> str | None:
    """The rows of its dataset are valid tasks."""
    env = subject.make_raw()
    for index in subject.many_indices(env):
        with subject.watch.timed(f"reading task {index}"):
            _ = env.tasks[index]
    return None


@probe(cure="Bound the time of every tool and of verify: a deadline of its own, or a faster way.", vital=True)
def answers_in_time(subject: Subject) -> str | None:
    """Tools and verify answer within step_timeout."""
    player = subject.player()
    index = subject.indices(player.env)[0]
    if player.solves():
        player.finish(player.solution(index), index)
    for call in sampled_calls(subject, player, 1):
        if call.error and "did not answer within" in call.error:
            return f"tool {call.name!r}: {call.error}"
    return None


def sampled_calls(subject: Subject, player: Player, times: int) -> Iterator[ToolCall]:
    """Yield answered calls of every tool that the task offers, each in a step of its own."""
    rng = subject.rng(4)
    tools = list(player.inner.tools.values()) * times
    player.reset(seed=subject.seed)
    for number, tool in enumerate(tools):
        arguments = sampling.value(rng, tool.parameters)
        player.step([function_call(tool.name, arguments, f"call_{number}")])
        yield player.inner.episode.calls[-1]
        if player.course.over:
            player.reset()
    if not player.course.over:
        player.step([assistant_message("done")])
