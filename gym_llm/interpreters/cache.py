"""The folder of built environments: a folder and a lock file per recipe, both named by the recipe's key.

`$GYM_LLM_CACHE/interpreters`, else `$XDG_CACHE_HOME/gym_llm/interpreters`, else `~/.cache/gym_llm/interpreters`.
Processes that race build once: one holds the lock, the others wait for it. What is in a folder is `build.py`'s.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from gym_llm.errors import ConfigError
from gym_llm.interpreters.build import MARKER, build, python_in
from gym_llm.interpreters.notice import Notice
from gym_llm.interpreters.recipe import Recipe

_POLL_SECONDS = 0.02
_DAY_SECONDS = 86400.0


def ready(recipe: Recipe) -> Path:
    """Return the folder of the environment, which is built if it is not there, and note that it was used.

    Raises:
        ConfigError: It could not be built, or the cache cannot be written.
    """
    try:
        folder = _root() / recipe.name
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder, fcntl.LOCK_SH, recipe.title):
            if _used(folder):
                return folder
        with _locked(folder, fcntl.LOCK_EX, recipe.title) as lock:
            if not _used(folder):
                build(recipe, folder, lock)
        return folder
    except OSError as error:
        raise ConfigError(f"{recipe.title} cannot be kept: {error}; GYM_LLM_CACHE names another folder") from error


def clean(older_than_days: float = 30.0) -> list[Path]:
    """Remove the cached environments that nobody has asked for in so many days, and half-built ones as old.

    One that is being built, or waited for, stays. Do not remove what running workers still use: when they were
    started counts, not when they end.

    Returns:
        The folders that were removed.

    Raises:
        ConfigError: `older_than_days` is negative.
    """
    if not older_than_days >= 0:
        raise ConfigError(f"older_than_days={older_than_days!r} must be 0 or more")
    root = _root()
    before = time.time() - older_than_days * _DAY_SECONDS
    names = {path.name.removesuffix(".lock") for path in root.iterdir()} if root.is_dir() else set()
    return [root / name for name in sorted(names) if _removed(root / name, before)]


def _root() -> Path:
    chosen = os.environ.get("GYM_LLM_CACHE")
    folder = Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "gym_llm")
    return folder.expanduser().absolute() / "interpreters"


def _used(folder: Path) -> bool:
    """Whether the environment is complete; the time is noted in its marker."""
    if not (folder / MARKER).is_file() or not python_in(folder).exists():
        return False
    os.utime(folder / MARKER)
    return True


def _removed(folder: Path, before: float) -> bool:
    """Remove a folder, and its lock file, if it was used last before this time (seconds since 1970)."""
    with contextlib.suppress(BlockingIOError, FileNotFoundError), _opened(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
        marker = folder / MARKER
        there = folder.is_dir()
        if there and (marker if marker.is_file() else folder).stat().st_mtime > before:
            return False
        if there:
            marker.unlink(missing_ok=True)  # first: killed from here on, it leaves a half-built one
            shutil.rmtree(folder)
        _lock_file(folder).unlink()
        return there
    return False


@contextlib.contextmanager
def _locked(folder: Path, how: int, title: str) -> Iterator[int]:
    """Hold the folder's lock, shared or exclusive; yields its descriptor."""
    notice = Notice(title, "is being built by another process; waiting")
    while True:
        with contextlib.suppress(BlockingIOError), _opened(folder, how | fcntl.LOCK_NB) as lock:
            if _is_current(folder, lock):
                yield lock
                return
        notice.tick()
        time.sleep(_POLL_SECONDS)


@contextlib.contextmanager
def _opened(folder: Path, how: int) -> Iterator[int]:
    lock = os.open(_lock_file(folder), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(lock, how)
        yield lock
    finally:
        os.close(lock)


def _is_current(folder: Path, lock: int) -> bool:
    """Whether a lock's file is still the one at its path: `clean` may have removed it in between."""
    try:
        return os.path.samestat(os.fstat(lock), _lock_file(folder).stat())
    except FileNotFoundError:
        return False


def _lock_file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")
