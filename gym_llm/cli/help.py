"""Help texts, derived from the table of commands, the schemas and the YAML defaults. Nothing is written twice."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any

from gym_llm.cli.commands import COMMANDS, Command
from gym_llm.configs import files
from gym_llm.configs.keys import REQUIRED, Key, keys

_WIDTH = 100
REQUIRED_TEXT = "REQUIRED"
USAGE = "gym-llm COMMAND [NAME] [key=value ...]"
ABOUT = "Environments for language models: step them, check them, collect verified trajectories."
GRAMMAR = (
    "Settings are written key=value, in Hydra's override grammar: limit=10, sampling.temperature=0.7, "
    "policy=openai, 'input=\"with spaces.jsonl\"'. They win over env.yaml in the working folder, which wins over the "
    "files of config_paths=[run.yaml]; --search-dir DIR adds a folder of groups of your own; dump-config shows what "
    "comes of it. Add --traceback (or GYM_LLM_TRACEBACK=1) to see where "
    "an error comes from."
)


def overview() -> str:
    """Return the text of `gym-llm --help`."""
    rows = [(command.name, command.summary) for command in COMMANDS]
    parts = [f"Usage: {USAGE}", _wrapped(ABOUT), "Commands\n" + _table(rows), _wrapped(GRAMMAR)]
    return "\n\n".join([*parts, "gym-llm COMMAND --help shows a command's settings and examples."])


def of_command(command: Command) -> str:
    """Return the text of `gym-llm COMMAND --help`."""
    parts = [f"Usage: {usage(command)}", *map(_wrapped, command.paragraphs)]
    for title, rows in sections(command):
        parts.append(f"{title}\n" + _table([(f"{key.path}={shown(key)}", key.meaning) for key in rows]))
    parts.append("Examples\n" + "\n".join(f"  {example}" for example in command.examples))
    return "\n\n".join(parts)


def usage(command: Command) -> str:
    """Return how a command is typed."""
    name = "".join(f" {key.upper()}" for key in (command.positional or "").split())
    return f"gym-llm {command.name}{name} [key=value ...]"


def sections(command: Command) -> list[tuple[str, list[Key]]]:
    """Return a command's keys under titles: its own, then those of each option of each group it uses."""
    schema, settings = command.load_schema(), files.read(command.settings)
    groups = files.chosen(settings)
    options = {group: files.groups()[group] for group in groups if group != "env"}  # whose value is a name as well
    own = [key for key in keys(schema, settings) if key.path not in options]
    choices = [Key(group, f"One of {', '.join(known)}.", groups[group]) for group, known in options.items()]
    found = [("Settings", own + choices)]
    for group in (group for group in groups if group not in files.AT_ROOT):
        for option in files.groups()[group]:
            composed = {**settings, group: files.read(f"{group}/{option}")}
            inner = [key for key in keys(schema, composed) if key.path.startswith(f"{group}.")]
            found.append((f"With {group}={option}", [key for key in inner if key.path != f"{group}.type"]))
    return [(title, rows) for title, rows in found if rows]


def shown(key: Key) -> str:
    """Return a key's default as it would be typed."""
    return REQUIRED_TEXT if key.default == REQUIRED else _yaml(key.default)


def _yaml(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_yaml, value)) + "]"
    return str(value)


def _table(rows: Iterable[tuple[str, str]]) -> str:
    """Return two columns; a left cell too long for its column gets a line of its own."""
    listed = list(rows)
    width = min(max(len(left) for left, _ in listed), 32)
    lines: list[str] = []
    for left, right in listed:
        wrapped = textwrap.wrap(right, _WIDTH - width - 4) or [""]
        if len(left) > width:
            lines.append(f"  {left}")
            left = ""
        lines.append(f"  {left:<{width}}  {wrapped[0]}".rstrip())
        lines += [f"  {'':<{width}}  {line}" for line in wrapped[1:]]
    return "\n".join(lines)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _WIDTH)
