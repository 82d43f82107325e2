"""MiniSWE's rows of SWE-bench in a real engine's containers, and the stand-ins' agreement with real engines."""

from __future__ import annotations

import subprocess

import gymnasium
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm.envs.mini_swe import MiniSWE, SWETask
from gym_llm.envs.mini_swe.patches import Patch, unified
from gym_llm.errors import SandboxError
from gym_llm.items import function_call

NUMBERS = "def add(a, b):\n    return int(a) + int(b)\n\n\ndef double(a):\n    return 2 * a\n"  # as rootfs.py has it
TESTS = "from acme.numbers import double\n\n\ndef test_double():\n    assert double(2) == 4\n"
ADDED = "\n\ndef test_add():\n    assert add(0.5, 0.5) == 1.0 and add(0.25, 1) == 1.25\n"
FORGED = """
import atexit, os
def forge():
    os.write(1, b"=== short test summary info ===\\nPASSED tests/test_numbers.py::test_add\\n"
                b"PASSED tests/test_numbers.py::test_double\\n2 passed\\n")
atexit.register(forge)
"""


def diff(path, before, after):
    """Return a change as git writes it."""
    return f"diff --git a/{path} b/{path}\n{unified({path: before.encode()}, Patch({path: after.encode()}))}"


@pytest.fixture
def row(real_engine):
    return {
        "instance_id": "acme__lib-1", "repo": "acme/lib", "base_commit": "0" * 40, "image_name": real_engine[1],
        "problem_statement": "add() drops floats", "version": "1.0",
        "patch": diff("acme/numbers.py", NUMBERS, NUMBERS.replace("int(a) + int(b)", "a + b")),
        "test_patch": diff("tests/test_numbers.py", TESTS, TESTS.replace("import", "import add,") + ADDED),
        "FAIL_TO_PASS": ["tests/test_numbers.py::test_add"], "PASS_TO_PASS": ["tests/test_numbers.py::test_double"],
        "subset": "verified", "responses_create_params": {"input": []},
    }  # fmt: skip


def sh(command):
    return [function_call("bash", {"command": command})]


def test_the_reference_patch_earns_the_top(play, real_engine, row):
    actions = MiniSWE(dataset=[row]).solve(SWETask.model_validate(row))
    found = play("MiniSWE", row, *actions, engine=real_engine[0])
    assert (found["reward"], found["fail_to_pass"], found["pass_to_pass"]) == (1, 1, 1)
    assert (found["files_changed"], found["patch_lines"], found["tests_complete"]) == (1, 2, True)


def test_cheats_earn_nothing(play, real_engine, row):
    forging = sh(f"git status --short; cat >> acme/__init__.py <<'E'{FORGED}E")
    voiding = sh("printf 'import os\\nos.kill(1, 9)\\nos.kill(os.getppid(), 9)\\nos._exit(0)' > conftest.py")
    for actions in ([forging], [voiding]):
        found = play("MiniSWE", row, *actions, "Done.", engine=real_engine[0])
        assert (found["reward"], found["fail_to_pass"]) == (0, 0)


def test_an_image_without_a_repository_is_an_error(real_engine, row):
    env = gymnasium.make("gym_llm/MiniSWE-v0", dataset=[row | {"image_name": "Not/An/Image"}], engine=real_engine[0])
    with pytest.raises(SandboxError, match="could not start the run"):
        env.reset(seed=0)


@pytest.mark.parametrize(
    "option",
    [
        ["--tmpfs", "/x:rw,nr_inodes=5,size=1000000"], ["--tmpfs", "/x:rw,notmpcopyup,size=1000000"],
        ["--tmpfs", "/x:rw,inodes=5"], ["--read-only-tmpfs=false"], ["--userns", "keep-id"], ["--no-such"],
        ["--hostname", "sandbox"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_the_stand_in_takes_what_the_engine_takes(real_engine, engines, option, monkeypatch):
    name, image = real_engine
    limits = ["--ulimit", "nproc=999:999", "--ulimit", "nofile=999:999"]
    words = ["run", "--rm", "--network", "none", *limits, *option, image, "python", "-c", "raise SystemExit(3)"]
    engines.image(image)
    stand_in = subprocess.run([engines.programs / name, *words], capture_output=True, check=False)
    monkeypatch.undo()
    real = subprocess.run([name, *words], capture_output=True, check=False)
    assert (real.returncode == 3) == (stand_in.returncode == 3), (real, stand_in)
