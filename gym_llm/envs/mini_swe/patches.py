"""The patch of an episode: what the workspace's regular files hold that the original does not.

Read by this process, file by file, as bytes of a stranger: no link is followed, no git is asked, and whatever is too
large, too much or not a plain file is left out and said. What decides whether code is right is protected.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from gym_llm.envs.mini_swe.diffs import split_lines
from gym_llm.errors import SandboxError
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
        lines = split_lines(data.decode())
    except UnicodeDecodeError:
        return None
    if len(lines) > _MOST_DIFF_LINES or "\0" in data.decode():
        return None
    return lines
