"""The bundled repositories: what the agent sees of them, and the tests that only the examination knows.

They lie in `data/repositories`, each Python file with `.txt` behind its name, so that no tool takes it for a part of
this package. `hidden/` holds the tests that the agent does not see.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pydantic

from gym_llm.envs.mini_swe.examination import Suite, read_tests
from gym_llm.errors import ConfigError, did_you_mean

DATA = Path(__file__).parent / "data"
_SUFFIX = ".txt"


class Bug(pydantic.BaseModel):
    """One change of a healthy repository: at `start`, a character of the file `path`, `old` becomes `new`."""

    model_config = pydantic.ConfigDict(frozen=True)

    path: str
    start: int
    old: str
    new: str
    operator: str = ""

    def seeded(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return the files with the bug.

        Raises:
            ValueError: The file does not hold `old` there.
        """
        text = files[self.path].decode() if self.path in files else ""
        stop = self.start + len(self.old)
        if text[self.start : stop] != self.old:
            raise ValueError(f"{self.path} does not hold {self.old!r} at character {self.start}")
        return {**files, self.path: (text[: self.start] + self.new + text[stop:]).encode()}


@dataclass(frozen=True)
class Repository:
    """A healthy repository.

    Attributes:
        name: Its name.
        files: Every file that the agent sees, by path.
        suite: All tests, the hidden ones too.
    """

    name: str
    files: Mapping[str, bytes]
    suite: Suite

    @property
    def sources(self) -> list[str]:
        """Paths of the modules that may hold a bug."""
        return [path for path in self.files if path.endswith(".py") and not path.startswith("tests/")]


@cache
def names() -> tuple[str, ...]:
    """Return the names of the bundled repositories."""
    return tuple(sorted(folder.name for folder in (DATA / "repositories").iterdir()))


@cache
def repository(name: str) -> Repository:
    """Return a bundled repository.

    Raises:
        ConfigError: There is none of that name.
    """
    if name not in names():
        raise ConfigError(f"repository {name!r}: give one of {', '.join(names())}.{did_you_mean(name, names())}")
    folder = DATA / "repositories" / name
    found = {
        str(path.relative_to(folder)).removesuffix(_SUFFIX): path.read_bytes()
        for path in sorted(folder.rglob("*")) if path.is_file()
    }  # fmt: skip
    files = {path: data for path, data in found.items() if not path.startswith("hidden/")}
    tests = {path: data.decode() for path, data in found.items() if path.startswith(("hidden/test_", "tests/test_"))}
    return Repository(name, files, read_tests(tests))


@cache
def bugs() -> tuple[dict[str, Any], ...]:
    """Return the table of bugs that `make_bugs.py` found to be good tasks."""
    with (DATA / "bugs.jsonl").open(encoding="utf-8") as file:
        return tuple(map(json.loads, file))


def digest(files: Mapping[str, bytes]) -> str:
    """Return a name for the content of a tree, in the form of a commit's."""
    listed = [[path, hashlib.sha256(data).hexdigest()] for path, data in sorted(files.items())]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:40]
