"""The page on the command line, derived from the same texts as `--help`.

`python -m gym_llm.cli.page > docs/command-line.md` writes it; a test holds that it is current.
"""

from __future__ import annotations

from collections.abc import Iterable

from gym_llm.cli import help as texts
from gym_llm.cli.commands import COMMANDS, Command
from gym_llm.configs.keys import Key

_CLOSING = """## Exit status

| Status | Meaning |
|---|---|
| 0 | done |
| 1 | done, but something failed: a check, or episodes of a collection |
| 2 | a mistake in what was typed or configured, told in one line with its cure |
| 3 | a defect of this package: run again with `--traceback` and report it |
| 130 | interrupted with Ctrl-C |
"""


def page() -> str:
    """Return the page as Markdown."""
    parts = ["# Command line", texts.ABOUT, f"```\n{texts.USAGE}\n```", texts.GRAMMAR]
    parts.append(_table("Command", "", ((_link(command), command.summary) for command in COMMANDS)))
    parts += [part for command in COMMANDS for part in _command(command)]
    return "\n\n".join([*parts, _CLOSING])


def _command(command: Command) -> list[str]:
    parts = [f"## {command.name}", f"```\n{texts.usage(command)}\n```", *command.paragraphs]
    parts.append("```sh\n" + "\n".join(command.examples) + "\n```")
    for title, rows in texts.sections(command):
        parts.append(_table(title, "Default", (_row(key) for key in rows)))
    return parts


def _link(command: Command) -> str:
    return f"[`{command.name}`](#{command.name})"


def _row(key: Key) -> tuple[str, str, str]:
    default = texts.shown(key)
    return f"`{key.path}`", "required" if default == texts.REQUIRED_TEXT else f"`{default}`", key.meaning


def _table(first: str, second: str, rows: Iterable[tuple[str, ...]]) -> str:
    listed = [tuple(cell.replace("|", "\\|") for cell in row) for row in rows]
    columns = len(listed[0])
    head = [first, "Meaning"] if columns == 2 else [first, second, "Meaning"]
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, *listed)]
    return "\n".join([lines[0], "|" + "---|" * columns, *lines[1:]])


if __name__ == "__main__":
    print(page(), end="")
