"""Help texts and the page are derived, complete and true: every example in them is run."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gym_llm.cli.commands import COMMANDS
from gym_llm.cli.help import sections
from gym_llm.cli.page import page
from gym_llm.configs import files

ROOT = Path(__file__).parents[2]
EXAMPLES = [example for command in COMMANDS for example in command.examples]


@pytest.fixture
def shell(folder):
    """A folder and an environment in which `gym-llm` is this package's command."""
    scripts = folder / "bin"
    scripts.mkdir()
    command = scripts / "gym-llm"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gym_llm.cli "$@"\n')
    command.chmod(0o755)
    path = os.pathsep.join([str(scripts), os.environ["PATH"]])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))}
    return {**kept, "PATH": path, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}


@pytest.mark.parametrize("example", [line for line in EXAMPLES if "mock-model" not in line])
def test_example_runs(folder, shell, example):
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run(
        [bash, "-o", "pipefail", "-c", example], env=shell, cwd=folder, capture_output=True, text=True,
        stdin=subprocess.DEVNULL if "|" not in example else None, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout


@pytest.mark.parametrize("example", [line for line in EXAMPLES if "mock-model" in line])
def test_server_example_runs_until_interrupted(folder, shell, example):
    process = subprocess.Popen(
        ["bash", "-c", f"exec {example}"], env=shell, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert re.search(r"http://127\.0\.0\.1:\d+/v1", line), line + err
    assert process.returncode == 0
    assert not err


def test_the_page_is_current():
    assert (ROOT / "docs" / "command-line.md").read_text("utf-8") == page(), "run: make docs"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_key_has_a_meaning_and_a_default(command):
    for _, rows in sections(command):
        for key in rows:
            assert key.meaning.endswith("."), key


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_yaml_names_no_key_that_the_schema_lacks(command):
    known = {key.path.split(".")[0] for _, rows in sections(command) for key in rows} | {"defaults"}
    assert files.read(command.settings).keys() <= known


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_examples_are_in_the_page(command):
    assert all(example in page() for example in command.examples)
    assert command.examples
