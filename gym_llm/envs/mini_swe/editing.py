"""Looking at files and changing them, by path, without following a link out of the workspace."""

from __future__ import annotations

import io

from gym_llm.errors import SandboxError, ToolError
from gym_llm.sandbox import Workspace

MOST_BYTES = 1 << 20
_MOST_LINES, _MOST_PATHS, _LONGEST_LINE = 400, 500, 500


def view(space: Workspace, path: str, start: int, end: int) -> str:
    """Return the numbered lines of a file, or the paths below a folder."""
    folder = path.strip("/")
    if folder in ("", "."):
        return _listed(space, "")
    try:
        lines = [line.rstrip("\n") for line in io.StringIO(_text(space, path), newline=None)]  # as Python counts them
    except ToolError:
        if listed := _listed(space, f"{folder}/"):
            return listed
        raise
    first = max(1, start)
    last = min(len(lines), end, first + _MOST_LINES - 1)
    shown = [f"{number:6}  {lines[number - 1][:_LONGEST_LINE]}" for number in range(first, last + 1)]
    return "\n".join([*shown, f"(lines {first} to {max(last, first - 1)} of {len(lines)})"])


def edit(space: Workspace, path: str, old: str, new: str) -> str:
    """Replace the one place of a file that holds a text."""
    text = _text(space, path)
    count = text.count(old) if old else 0
    if count != 1:
        hint = "give more of its surroundings" if count > 1 else "give it exactly as it stands, spaces and all"
        raise ToolError(f"old is in {path} {count} times; {hint}")
    place = text.index(old)
    line = text.count("\n", 0, place) + 1
    create(space, path, text[:place] + new + text[place + len(old) :])
    return f"changed {path} at line {line}"


def create(space: Workspace, path: str, content: str) -> str:
    """Write a file."""
    try:
        data = content.encode()
        if len(data) > MOST_BYTES:
            raise ToolError(f"the file would have {len(data)} bytes, more than {MOST_BYTES}")
        space.write(path, data)
    except (OSError, SandboxError, ValueError) as error:
        raise ToolError(_reason(path, error)) from None
    return f"wrote {path}, {len(data)} bytes"


def _text(space: Workspace, path: str) -> str:
    try:
        return space.read(path, MOST_BYTES).decode()
    except (OSError, SandboxError, ValueError) as error:
        raise ToolError(_reason(path, error)) from None


def _listed(space: Workspace, prefix: str) -> str:
    try:
        paths = [path for path in space.paths() if path.startswith(prefix)]
    except (OSError, SandboxError) as error:
        raise ToolError(f"the folder cannot be listed: {error}") from None
    more = [f"(and {len(paths) - _MOST_PATHS} more)"] if len(paths) > _MOST_PATHS else []
    return "\n".join([*map(ascii_name, paths[:_MOST_PATHS]), *more])


def ascii_name(path: str) -> str:
    """Return a path on one line, whatever its name holds."""
    return path if path.isprintable() else ascii(path)


def _reason(path: str, error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"{path} is no UTF-8 text"
    if isinstance(error, OSError):
        return f"{path}: {error.strerror or type(error).__name__}"
    return str(error)
