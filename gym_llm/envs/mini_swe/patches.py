"""The patch of an episode: what the workspace's regular files hold that the original does not.

Read by this process, file by file, as bytes of a stranger: no link is followed, no git is asked, and whatever is too
large, too much or not a plain file is left out and said. What decides whether code is right is protected.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from gym_llm.errors import SandboxError, VerifierError
from gym_llm.sandbox import Workspace

MOST_FILES, MOST_BYTES, MOST_ALTOGETHER = 200, 1 << 20, 4 << 20
_MOST_DIFF_LINES = 3000
_LEFT_BY_TOOLS = {"__pycache__", ".git", ".hg", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".tox", ".venv"}
_SETTINGS = {
    "conftest.py", "pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml", "noxfile.py", ".coveragerc",
    "sitecustomize.py", "usercustomize.py", "pytest.toml", ".pytest.toml",
}  # fmt: skip
_TEST_FOLDERS = {"tests", "test", "hidden"}
_COMPILED = {".pth", ".pyc", ".pyo", ".so", ".pyd", ".egg-link"}


def protected(path: str) -> bool:
    """Return whether a file may not be changed by a patch: tests, test settings, what Python runs by itself."""
    name = PurePosixPath(path)
    is_test = name.name.startswith("test_") or name.stem.endswith("_test") or _TEST_FOLDERS & set(name.parts[:-1])
    is_metadata = any(part.endswith((".egg-info", ".dist-info")) for part in name.parts)  # it can name plugins
    return bool(is_test or is_metadata or name.name in _SETTINGS or name.suffix in _COMPILED)


@dataclass(frozen=True, slots=True)
class Patch:
    """What an episode changed.

    Attributes:
        files: New contents by path; None for a file that is gone.
        protected: Protected files that were changed, which is discarded.
        ignored: Paths that could not be taken.
        problem: Why nothing could be taken at all.
    """

    files: dict[str, bytes | None] = field(default_factory=dict)
    protected: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    problem: str | None = None


class Snapshot(Mapping[str, bytes]):
    """The regular files of a workspace that nobody writes to, read when they are asked for."""

    def __init__(self, space: Workspace) -> None:
        self._space = space
        self._paths = dict.fromkeys(space.paths())

    def __getitem__(self, path: str) -> bytes:
        if path not in self._paths:
            raise KeyError(path)
        try:
            return self._space.read(path)
        except (OSError, SandboxError):  # a link
            raise KeyError(path) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def take(space: Workspace, original: Mapping[str, bytes], is_protected: Callable[[str], bool] = protected) -> Patch:
    """Return what differs from the original."""
    try:
        paths = set(space.paths())
    except (SandboxError, PermissionError) as error:  # too deep, or closed to everybody: the model's doing
        return Patch(problem=f"the workspace cannot be read: {error}")
    patch, total, originals = Patch(), 0, set(original)
    for path in sorted(paths | originals, key=lambda path: (path not in originals, path)):  # what was there goes first
        if _LEFT_BY_TOOLS & set(path.split("/")):
            continue
        content, readable = _read(space, path) if path in paths else (None, True)
        before = original.get(path)
        unreadable_before = path in originals and (before is None or len(before) > MOST_BYTES)
        if content == before if readable else unreadable_before:
            continue
        if is_protected(path):
            patch.protected.append(path)
            continue
        total += len(content or b"")
        if not readable or not path.isprintable() or total > MOST_ALTOGETHER or len(patch.files) >= MOST_FILES:
            patch.ignored.append(path)
        else:
            patch.files[path] = content
    _leave_out_clashes(patch, original)
    patch.protected.sort()
    patch.ignored.sort()
    return patch


def _leave_out_clashes(patch: Patch, original: Mapping[str, bytes]) -> None:
    """Leave out new files where a file that stays has its folder, and below files that stay."""
    kept = {path for path in original if path not in patch.files}
    folders = {str(folder) for path in kept for folder in PurePosixPath(path).parents}
    for path, data in [*patch.files.items()]:
        if data is not None and (path in folders or any(str(above) in kept for above in PurePosixPath(path).parents)):
            del patch.files[path]
            patch.ignored.append(path)


def _read(space: Workspace, path: str) -> tuple[bytes | None, bool]:
    try:
        return space.read(path, MOST_BYTES), True
    except (OSError, SandboxError):  # a link, a pipe, a device, too large, closed
        return None, False


def applied(original: Mapping[str, bytes], patch: Patch) -> dict[str, bytes]:
    """Return a clean copy of the original with the patch."""
    files = {path: data for path, data in original.items() if path not in patch.files}
    return files | {path: data for path, data in patch.files.items() if data is not None}


def unified(original: Mapping[str, bytes], patch: Patch) -> str:
    """Return a patch as a unified diff; files that are no text, or long, are only named."""
    blocks = []
    for path, data in patch.files.items():
        before, after = _lines(original.get(path)), _lines(data)
        names = (f"a/{path}" if path in original else "/dev/null", f"b/{path}" if data is not None else "/dev/null")
        if before is None or after is None:
            blocks.append(f"Files {names[0]} and {names[1]} differ\n")
            continue
        blocks += [
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in difflib.unified_diff(before, after, *names)
        ]
    return "".join(blocks)


def changed_lines(diff: str) -> int:
    """Return how many lines a unified diff adds and removes."""
    return sum(line[:1] in "+-" and line[:3] not in ("+++", "---") for line in diff.split("\n") if line)


def _lines(data: bytes | None) -> list[str] | None:
    """Return the lines of a text, None when it is none, or too long to compare."""
    if data is None:
        return []
    try:
        lines = _split(data.decode())
    except UnicodeDecodeError:
        return None
    if len(lines) > _MOST_DIFF_LINES or "\0" in data.decode():
        return None
    return lines


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
    lines = _split(diff)
    place = 0
    while place < len(lines):
        if not (lines[place].startswith("--- ") and lines[place + 1 : place + 2] and lines[place + 1][:4] == "+++ "):
            found |= _without_hunks(original, lines, place)
            place += 1
            continue
        old, new = _name(lines[place]), _name(lines[place + 1])
        before = original.get(old, b"").decode("utf-8", "surrogateescape") if old else ""
        after, place = _with_hunks(_split(before), lines, place + 2, new or old or "")
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


def _split(text: str) -> list[str]:
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
