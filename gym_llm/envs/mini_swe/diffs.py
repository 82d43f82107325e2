"""Diffs that a row brings, from tables made by git: which files they name, and what they make of them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gym_llm.errors import VerifierError

_RENAME = re.compile(r"^rename (?:from|to) (.+)$", re.MULTILINE)
_HEADER = re.compile(r"^diff --git .+$", re.MULTILINE)
_NAMES = re.compile(r"^(?:---|\+\+\+) \"?[ab]/.+$", re.MULTILINE)
_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@")


def patched(original: Mapping[str, bytes], diff: str) -> dict[str, bytes | None]:
    """Return the files that a unified diff changes, as it leaves them; None for those that it removes.

    Of what git says above hunks, new and removed empty files and renames count; modes and binary files do not.

    Raises:
        VerifierError: The diff does not fit the original; a trusted one always does.
    """
    found: dict[str, bytes | None] = {}
    lines = split_lines(diff)
    place = 0
    while place < len(lines):
        if not (lines[place].startswith("--- ") and lines[place + 1 : place + 2] and lines[place + 1][:4] == "+++ "):
            found |= _without_hunks(original, lines, place)
            place += 1
            continue
        old, new = _name(lines[place]), _name(lines[place + 1])
        before = original.get(old, b"").decode("utf-8", "surrogateescape") if old else ""
        after, place = _with_hunks(split_lines(before), lines, place + 2, new or old or "")
        if old is not None and new is None:
            found[old] = None
        if new is not None:
            found[new] = after.encode("utf-8", "surrogateescape")
    return found


def touched(diff: str) -> list[str]:
    """Return the paths that a diff names."""
    names = [
        *map(_unquoted, _RENAME.findall(diff)),
        *map(_headed, _HEADER.findall(diff)),
        *map(_name, _NAMES.findall(diff)),
    ]
    return sorted({name for name in names if name})


def _without_hunks(original: Mapping[str, bytes], lines: list[str], place: int) -> dict[str, bytes | None]:
    """Return what a line of git's above hunks, or in place of them, does."""
    line = lines[place].rstrip("\n")
    header = lines[place - 1] if place else ""
    if line.startswith("rename to ") and header.startswith("rename from "):
        old = _unquoted(header.removeprefix("rename from ").rstrip("\n"))
        if old not in original:
            raise VerifierError(f"the test patch does not fit {old}, which is not there to be renamed")
        return {old: None, _unquoted(line.removeprefix("rename to ")): original[old]}
    is_binary = any(below.startswith(("Binary files ", "GIT binary patch")) for below in lines[place + 1 : place + 3])
    if line.startswith("new file mode ") and (path := _headed(header)) and not is_binary:
        return {path: b""}
    if line.startswith("deleted file mode ") and (path := _headed(header)):
        return {path: None}
    return {}


def split_lines(text: str) -> list[str]:
    """Return the lines with their ends, which are newlines and nothing else."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _name(line: str) -> str | None:
    """Return the path that a line `--- a/path` or `+++ b/path` names; None for /dev/null."""
    name = _unquoted(line[4:].split("\t")[0].strip())
    return None if name == "/dev/null" else re.sub(r"^[ab]/", "", name)


def _headed(line: str) -> str | None:
    """Return the path that a line `diff --git a/path b/path` names twice; None when these are two, or it is none."""
    names = line.removeprefix("diff --git ").rstrip("\n") if line.startswith("diff --git ") else ""
    old, new = (_unquoted(name) for name in (names[: len(names) // 2], names[len(names) // 2 + 1 :]))
    return old[2:] if old[:2] == "a/" and new[:2] == "b/" and old[2:] == new[2:] else None


def _unquoted(name: str) -> str:
    r"""Return a path that git may have set in quotes.

    >>> _unquoted('"a/na\\303\\257ve.py"')
    'a/naïve.py'
    """
    if not (len(name) > 1 and name.startswith('"') and name.endswith('"')):
        return name
    return name[1:-1].encode("latin-1", "replace").decode("unicode_escape").encode("latin-1").decode("utf-8", "replace")


def _with_hunks(before: list[str], lines: list[str], place: int, path: str) -> tuple[str, int]:
    """Apply the hunks that begin at a line of a diff; returns the text and the line after them."""
    after: list[str] = []
    done = 0
    while place < len(lines) and (header := _HUNK.match(lines[place])):
        start, old_left, new_left = int(header[1]), int(header[2] or 1), int(header[3] or 1)
        after += before[done : start - 1 if old_left else start]
        done = start - 1 if old_left else start
        place += 1
        while place < len(lines) and (old_left > 0 or new_left > 0):
            sign, line = lines[place][:1], lines[place][1:].removesuffix("\n")
            place += 1
            ends = place == len(lines) or not lines[place].startswith("\\")  # "No newline at end of file"
            place += not ends
            if sign == "+":
                after.append(line + "\n" * ends)
            else:
                here = "".join(before[done : done + 1])
                if here.removesuffix("\n") != line:
                    raise VerifierError(f"the test patch does not fit {path}, line {done + 1}")
                after += [here] if sign != "-" else []
                done += 1
                old_left -= 1
            new_left -= sign != "-"
    return "".join([*after, *before[done:]]), place
