"""The command line as a function of its words, run in a folder of its own."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from gym_llm.cli import main


@dataclass
class Told:
    status: int
    out: str
    err: str


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GYM_LLM_TRACEBACK", raising=False)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def gym_llm(folder, capsys):
    """Run `gym-llm` with some words."""

    def run(*words: str) -> Told:
        status = main(words)
        captured = capsys.readouterr()
        return Told(status, captured.out, captured.err)

    return run
