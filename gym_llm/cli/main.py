"""From the words typed to an exit status: which command, its settings, and how a failure is told.

Exit status: 0 done, 1 done but not well (a check that failed, episodes that failed), 2 a mistake in what was
typed or configured, 130 interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

from gymnasium.error import Error as GymnasiumError

from gym_llm import __version__
from gym_llm.cli import help as texts
from gym_llm.cli.commands import BY_NAME, Command
from gym_llm.errors import ConfigError, GymLLMError, did_you_mean
from gym_llm.items import printable

if TYPE_CHECKING:
    import pydantic

    from gym_llm.configs.compose import Composed

_FLAGS = ("--help", "--version", "--traceback", "--search-dir", "--origin")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
        arguments: The words after `gym-llm`; those of the process when left out.

    Returns:
        The exit status.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    with_traceback = "--traceback" in words or os.environ.get("GYM_LLM_TRACEBACK") == "1"
    try:
        return _dispatch([word for word in words if word != "--traceback"])
    except KeyboardInterrupt as interrupt:
        if arguments is None:  # it leaves: one more Ctrl-C has nothing to stop, and would print a traceback
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        return _told("; ".join(filter(None, ["interrupted", _harmless(interrupt)])), 130, with_traceback)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (GymLLMError, GymnasiumError, OSError) as error:
        return _told(f"error: {_harmless(error)}", 2, with_traceback)
    except Exception as error:  # boundary: a defect is told in one line; its traceback is one flag away
        cure = "run again with --traceback and report what it prints"
        return _told(f"internal error: {type(error).__name__}: {_harmless(error)}; {cure}", 3, with_traceback)


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("--help", "-h", "help"):
        print(texts.overview())
        return 0 if words else 2
    if words[0] == "--version":
        print(f"gym-llm {__version__}")
        return 0
    command = BY_NAME.get(words[0])
    if command is None:
        kind = "option" if words[0].startswith("-") else "command"
        known = _FLAGS if kind == "option" else BY_NAME
        raise ConfigError(f"unknown {kind} {words[0]!r}.{did_you_mean(words[0], known)} See gym-llm --help")
    return _run(command, words[1:])


def _run(command: Command, words: list[str]) -> int:
    if "--help" in words or "-h" in words:
        print(texts.of_command(command))
        return 0
    words, folders = _search_dirs(words)
    if command.name == "dump-config":
        return _dump(command, words, folders)
    composed, schema = _composed(command, words, folders)
    return command.run(composed.checked(schema))


def _dump(command: Command, words: list[str], folders: list[str]) -> int:
    """Show the settings of the command that follows; its words are read as if it were run."""
    origin = "--origin" in words
    inner, *rest = [word for word in words if word != "--origin"] or ["COMMAND"]
    shown = BY_NAME.get(inner)
    if shown is None or shown is command:
        known = [name for name in BY_NAME if name != command.name]
        raise ConfigError(f"dump-config {inner}: name a command.{did_you_mean(inner, known)} See gym-llm --help")
    composed, schema = _composed(shown, rest, folders)
    return import_module("gym_llm.cli.dump_config").run(composed, composed.checked(schema), origin=origin)  # type: ignore[no-any-return]


def _composed(command: Command, words: list[str], folders: list[str]) -> tuple[Composed, type[pydantic.BaseModel]]:
    from gym_llm.configs.compose import compose

    overrides, given = _split(command, words)
    schema = command.load_schema()
    composed = compose(command.settings, schema, overrides, given, folders)
    for note in composed.notes:
        print(f"gym-llm: note: {printable(note)}", file=sys.stderr)
    return composed, schema


def _search_dirs(words: list[str]) -> tuple[list[str], list[str]]:
    """Take `--search-dir DIR` and `--search-dir=DIR` out of the words."""
    rest: list[str] = []
    folders: list[str] = []
    following = iter(words)
    for word in following:
        name, equals, folder = word.partition("=")
        if name != "--search-dir":
            rest.append(word)
            continue
        folder = folder if equals else next(following, "")
        if not folder:
            raise ConfigError("--search-dir needs a folder: --search-dir DIR")
        folders.append(folder)
    return rest, folders


def _split(command: Command, words: list[str]) -> tuple[list[str], dict[str, str]]:
    """Tell the NAME from the settings; a NAME is taken literally, settings are in Hydra's grammar."""
    for word, following in zip(words, [*words[1:], ""], strict=False):
        if word.startswith("-"):
            raise ConfigError(f"unknown option {word!r}.{_cure(command, word, following)}")
    names = [word for word in words if "=" not in word and not word.startswith("~")]
    overrides = [word for word in words if word not in names]
    keys = (command.positional or "").split()
    if len(names) > len(keys):
        raise ConfigError(f"unexpected word {names[-1]!r}; settings are written key=value")
    given = dict(zip(keys, names, strict=False))
    for key, name in given.items():
        if any(word.startswith(f"{key}=") for word in overrides):
            raise ConfigError(f"{key} is given twice: as {name!r} and as {key}=...")
    return overrides, given


def _cure(command: Command, word: str, following: str) -> str:
    """Return what to write instead of an unknown option: often a setting as other programs spell theirs."""
    name, _, value = word.lstrip("-").partition("=")
    plain = following and not following.startswith("-") and "=" not in following
    value = value or (following if plain else "VALUE")
    fields = command.load_schema().model_fields
    known = ["config_paths", *(field.alias or key for key, field in fields.items())]
    head, dot, rest = name.replace("-", "_").partition(".")
    begun = [key for key in known if len(head) > 1 and key.startswith(head)]
    if not begun and (hint := did_you_mean(word.partition("=")[0], _FLAGS)):
        return f"{hint} Settings are written key=value"
    for key in begun[:1] or get_close_matches(head, known, n=1):
        return f" Settings are written key=value: {key}{dot}{rest}={f'[{value}]' if key == 'config_paths' else value}"
    return " Settings are written key=value"


def _harmless(error: BaseException) -> str:
    return "\n".join(printable(line) for line in str(error).splitlines())


def _told(text: str, status: int, with_traceback: bool) -> int:
    if with_traceback:
        traceback.print_exc()
    print(f"gym-llm: {text}", file=sys.stderr)
    return status
