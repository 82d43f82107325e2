"""`gym-llm new`: the package it makes works at once, tests included."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, *words], cwd=cwd, env=env, capture_output=True, text=True, check=False)


def test_it_passes_the_check_and_its_own_tests(gym_llm, folder):
    made = gym_llm("new", "phone_book2")
    assert made.status == 0
    assert "gym-llm check phone_book2:PhoneBook2-v0" in made.out
    project = folder / "phone_book2"
    for where in (folder, project):
        checked = run("-m", "gym_llm.cli", "check", "phone_book2:PhoneBook2-v0", cwd=where)
        assert checked.returncode == 0, checked.stdout + checked.stderr
    tested = run("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=project)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_it_collects(gym_llm, folder):
    gym_llm("new", "my_env")
    done = run(
        "-m", "gym_llm.cli", "collect", "my_env:MyEnv", "progress=false", "output=o.jsonl", cwd=folder / "my_env"
    )
    assert done.returncode == 0, done.stderr
    rows = (folder / "my_env" / "o.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(row)["reward"] for row in rows] == [1.0] * 5


def test_it_holds_what_the_page_says(gym_llm, folder):
    gym_llm("new", "my_env")
    project = folder / "my_env"
    files = {str(path.relative_to(project)) for path in project.rglob("*") if path.is_file()}
    assert files == {
        "README.md", "pyproject.toml", "my_env/__init__.py", "my_env/environment.py", "my_env/data/example.jsonl",
        "tests/test_my_env.py",
    }  # fmt: skip
    for path in files:
        text = (project / path).read_text("utf-8")
        assert "$" not in text
        assert "${" not in text


def test_nothing_is_overwritten(gym_llm, folder):
    (folder / "mine").mkdir()
    (folder / "loop").symlink_to(folder / "nowhere")
    for name in ("mine", "loop"):
        refused = gym_llm("new", name)
        assert refused.status == 2
        assert "is there already" in refused.err
    assert not list((folder / "mine").iterdir())


@pytest.mark.parametrize("name", ["", "Bad", "9a", "a-b", "../x", "a/b", "a.b", "class", "json", "gym_llm", "ä", "a\n"])
def test_names_that_cannot_be(gym_llm, folder, name):
    before = sorted(folder.iterdir())
    assert gym_llm("new", name).status == 2
    assert sorted(folder.iterdir()) == before
