"""Probes of answers that must not pay: nothing, the prompt, a refusal, everything at once.

An environment whose rule does pay for one of them says so in `known_shortcuts`, and the report repeats it.
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Callable, Iterable

from gym_llm import sampling
from gym_llm.conformance.player import Player, shown
from gym_llm.conformance.probes import Skipped, probe
from gym_llm.conformance.subject import Subject
from gym_llm.items import Action, assistant_message, function_call, is_assistant_message, message_text, reasoning

Answers = Callable[[Player, int], Iterable[list[Action]]]
_CURE = "Let verify ask for more than this answer gives, or declare it in known_shortcuts with the reason."
_REFUSALS = ("I'm sorry, but I can't help with that.", "I don't know.", "The answer cannot be determined. N/A")


@probe(cure=_CURE, shortcut=True)
def paid_empty(subject: Subject) -> str | None:
    """Empty, blank and reasoning-only answers earn the lowest reward."""
    blanks: tuple[Action, ...] = (
        [], [reasoning("")], [assistant_message("")], [assistant_message(" \n\t")],
        [assistant_message("") | {"content": []}],
    )  # fmt: skip
    return _paid(subject, lambda player, _: [[blank] * player.inner.max_turns for blank in blanks])


@probe(cure=_CURE, shortcut=True)
def paid_echo(subject: Subject) -> str | None:
    """Repeating the prompt earns the lowest reward."""

    def answers(player: Player, index: int) -> Iterable[list[Action]]:
        texts = [message_text(item) for item in player.inner.prompt(player.inner.tasks[index])]
        return _said(player, ("\n".join(texts), texts[-1] if texts else ""))

    return _paid(subject, answers)


@probe(cure=_CURE, shortcut=True)
def paid_refusal(subject: Subject) -> str | None:
    """Refusing earns the lowest reward."""
    return _paid(subject, lambda player, _: _said(player, _REFUSALS))


@probe(cure=_CURE, shortcut=True)
def paid_all_candidates(subject: Subject) -> str | None:
    """Naming every option, number and tool output that there may be earns the lowest reward."""

    def answers(player: Player, index: int) -> Iterable[list[Action]]:
        texts = list(_candidates(player, index))
        yield from _said(player, [*texts, "\n".join(texts)])
        if player.inner.tools:
            yield _shotgun(subject, player, index, texts)

    return _paid(subject, answers)


@probe(cure=_CURE, shortcut=True)
def paid_calls_only(subject: Subject) -> str | None:
    """The reference solution's calls without its final message earn the lowest reward."""
    player = subject.player()
    if not player.solves():
        raise Skipped("it has no solve")
    if not player.inner.tools:
        raise Skipped("it has no tools")

    def answers(player: Player, index: int) -> Iterable[list[Action]]:
        calls = [[item for item in action if not is_assistant_message(item)] for action in player.solution(index)]
        yield [action for action in calls if action] + [[assistant_message("")]] * player.inner.max_turns

    return _paid(subject, answers)


def _paid(subject: Subject, answers: Answers) -> str | None:
    """Return the first answer that pays."""
    player = subject.player()
    lowest = player.inner.reward_range[0]
    for index in subject.indices(player.env):
        for actions in answers(player, index):
            course = player.play(actions, index)
            if course.over and course.reward > lowest:
                return f"task {index}: {course.reward} is paid for {shown(player.inner.episode.output)}"
    return None


def _said(player: Player, texts: Iterable[str]) -> list[list[Action]]:
    return [[[assistant_message(text)]] * player.inner.max_turns for text in texts]


def _candidates(player: Player, index: int) -> Iterable[str]:
    """Yield texts that name everything an answer may be, as far as a model can see."""
    task = player.inner.tasks[index]
    prompt = "\n".join(message_text(item) for item in player.inner.prompt(task))
    for options in (
        list(string.ascii_uppercase[:10]),
        [str(number) for number in range(101)],
        list(dict.fromkeys(re.findall(r"-?\d+(?:\.\d+)?", prompt)))[:200],
        list(dict.fromkeys(re.findall(r"\w+", prompt)))[:500],
    ):
        for named in (options, options[::-1]) if options else ():
            yield ", ".join(named)
            yield " ".join(f"\\boxed{{{option}}}" for option in named)
            yield "\n".join(f"Answer: {option}" for option in named)
    yield json.dumps({"input": prompt, **task.create_params})


def _shotgun(subject: Subject, player: Player, index: int, texts: list[str]) -> list[Action]:
    """Return calls of every tool with sampled arguments, then a message with all their outputs and candidates."""
    rng = subject.rng(6, index)
    calls = [
        function_call(tool.name, sampling.value(rng, tool.parameters), f"call_{tool.name}_{number}")
        for tool in player.inner.tools.values()
        for number in range(3)
    ]
    player.play([calls], index)
    outputs = [str(call.output) for call in player.inner.episode.calls]
    return [calls, *[[assistant_message("\n".join([*outputs, *texts]))]] * player.inner.max_turns]
