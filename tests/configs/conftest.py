"""A folder of configuration files, and what `collect` would see of them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from gym_llm.configs import compose
from gym_llm.configs.compose import Composed
from gym_llm.configs.schemas import CollectConfig


class Folder:
    """The working folder of a test."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, text: str) -> None:
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_text(dedent(text))

    def composed(self, *words: str, search_dirs: tuple[str, ...] = (), **given: str) -> Composed:
        return compose.compose("collect", CollectConfig, words, given, search_dirs)

    def collect(self, *words: str, search_dirs: tuple[str, ...] = (), **given: str) -> CollectConfig:
        return self.composed(*words, search_dirs=search_dirs, **given).checked(CollectConfig)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Folder(tmp_path)
