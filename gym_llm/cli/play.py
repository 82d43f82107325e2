"""`gym-llm play`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from gym_llm.cli.environment import begin, make
from gym_llm.items import Item, assistant_message, function_call, printable
from gym_llm.transcript import transcript

if TYPE_CHECKING:
    from gym_llm.configs.schemas import PlayConfig

_HELP = """Type a message to the environment, or
  /call NAME {"argument": value}   call a tool
  /solve                           play the reference solution's next action
  /tools                           show the tools' schemas
  /quit                            leave"""


class _Refused(Exception):
    """A line that is no action; says why."""


def run(config: PlayConfig) -> int:
    """Step an environment by hand.

    Each line read is one action: a message as it stands, or /call NAME {json} for a tool call, /solve for the
    reference solution's next action. /tools shows the tools, /quit leaves. Works with piped input too.
    """
    env = make(config.env, config.env_kwargs)
    with env:
        observation, info = begin(env, config.task, config.seed)
        print(f"{_HELP}\n\nTask {info['task_index']}\n{transcript(observation)}")
        _episode(env, observation, info)
    return 0


def _episode(env: Any, observation: list[Item], info: dict[str, Any]) -> None:
    while (line := _read()) is not None:
        try:
            action = _action(line, env.unwrapped)
        except _Refused as refusal:
            print(printable(str(refusal)))
            continue
        seen = len(observation)
        observation, reward, terminated, truncated, info = env.step(action)
        print(transcript(observation[seen:]))
        if terminated or truncated:
            print(f"\n{info['end_reason']}: reward {reward:g}")
            print(printable(json.dumps(info.get("verification") or info.get("error"))))
            return
    print("The episode was left before its end.")


def _read() -> str | None:
    """Return the next line that is not empty; None at /quit or the end of the input."""
    while True:
        print("> ", end="", flush=True)
        line = sys.stdin.readline()
        if not sys.stdin.isatty():
            print(printable(line.rstrip("\n")))
        if not line or line.strip() == "/quit":
            return None
        if line.strip():
            return line.strip()


def _action(line: str, env: Any) -> list[Item]:
    """Return the action that a line means; raises `_Refused` for a line that is none."""
    word, _, rest = line.partition(" ")
    if word == "/call":
        name, _, arguments = rest.strip().partition(" ")
        if not name:
            raise _Refused('write /call NAME {"argument": value}')
        return [function_call(name, arguments.strip() or "{}")]
    if word == "/solve":
        return _reference(env)
    if word == "/tools":
        tools = [tool.declaration() for tool in env.tools.values()]
        raise _Refused("\n".join(json.dumps(tool) for tool in tools) or "this environment has no tools")
    if word.startswith("/"):
        raise _Refused(f"unknown command {word}.\n{_HELP}")
    return [assistant_message(line)]


def _reference(env: Any) -> list[Item]:
    turn: int = env.episode.turns
    solution: list[list[Item]] = env.solve(env.task)
    if turn >= len(solution):
        raise _Refused(f"the reference solution has {len(solution)} actions, and {turn} are played already")
    return solution[turn]
