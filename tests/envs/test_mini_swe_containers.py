"""MiniSWE's rows of SWE-bench and SWE-Gym, under a recorded engine: real command lines, a stand-in for the containers.

`recorded_engine.py` runs what engines would run, where there are none; `test_mini_swe_engines.py` asks real ones.
"""

from __future__ import annotations

import json
import shutil

import gymnasium
import numpy as np
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm.envs.mini_swe import MiniSWE, SWETask
from gym_llm.envs.mini_swe.containers import image_of, named, read_log
from gym_llm.envs.mini_swe.patches import Patch, unified
from gym_llm.errors import ConfigError, SandboxError, SandboxUnavailable
from gym_llm.items import assistant_message, function_call

FILES = {
    "acme/__init__.py": "",
    "acme/numbers.py": "def add(a, b):\n    return int(a) + int(b)\n\n\ndef double(a):\n    return 2 * a\n",
    "tests/test_numbers.py": "from acme.numbers import double\n\n\ndef test_double():\n    assert double(2) == 4\n",
    "pytest.ini": "[pytest]\n",
    ".git/HEAD": "ref: refs/heads/main\n",
}
REPAIRED = FILES["acme/numbers.py"].replace("int(a) + int(b)", "a + b")
TESTS = FILES["tests/test_numbers.py"].replace("import double", "import add, double")
TESTS += "\n\ndef test_add():\n    assert add(0.5, 0.5) == 1.0 and add(0.25, 1) == 1.25\n"


def diff(path, text):
    """Return a change of the repository as git writes it."""
    changed = unified({path: FILES[path].encode()}, Patch({path: text.encode()}))
    return f"diff --git a/{path} b/{path}\n{changed}"


ROW = {
    "instance_id": "acme__lib-1", "repo": "acme/lib", "base_commit": "0" * 40,
    "problem_statement": "add() drops floats",
    "hints_text": "", "patch": diff("acme/numbers.py", REPAIRED),
    "test_patch": diff("tests/test_numbers.py", TESTS), "version": "1.0", "created_at": "2024-01-01",
    "FAIL_TO_PASS": ["tests/test_numbers.py::test_add"], "PASS_TO_PASS": ["tests/test_numbers.py::test_double"],
    "subset": "gym", "split": "train", "responses_create_params": {"input": []},
}  # fmt: skip
IMAGE = "xingyaoww_sweb.eval.x86_64.acme_s_lib-1_latest"
FORGED = """
import atexit, os
def forge():
    os.write(1, b"=== short test summary info ===\\nPASSED tests/test_numbers.py::test_add\\n"
                b"PASSED tests/test_numbers.py::test_double\\n2 passed\\n")
"""


PATCHED_PYTEST = "import _pytest.runner as r; r.runtestprotocol = lambda *a, **k: []"


@pytest.fixture
def engine(engines):
    """Give the stand-ins the image; returns their home."""
    image = engines.image(IMAGE)
    for path, text in FILES.items():
        file = image / "testbed" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return engines.home


def sh(command):
    return [function_call("bash", {"command": command})]


def solve(row=ROW):
    return MiniSWE(dataset=[row]).solve(SWETask.model_validate(row))


REPAIR = sh("sed -i 's/int(a) + int(b)/a + b/' acme/numbers.py")


@pytest.mark.parametrize("kind", ["docker", "podman", "apptainer"])
def test_the_reference_patch_earns_the_top(play, engine, kind):
    found = play("MiniSWE", ROW, *solve(), engine=kind)
    assert (found["reward"], found["fail_to_pass"], found["pass_to_pass"]) == (1, 1, 1)
    assert (found["files_changed"], found["patch_lines"], found["tests_complete"]) == (1, 2, True)


@pytest.mark.parametrize(
    ("actions", "reward", "rates"),
    [
        ([REPAIR, "Done."], 1, (1, 1)),
        (["Nothing to do."], 0, (0, 1)),
        ([sh("echo 'def add(a, b): return float(a) + int(b)' >> acme/numbers.py"), ""], 0, (0, 1)),
        ([sh("echo 'def add(a, b): return 1.0' >> acme/numbers.py"), ""], 0, (0, 1)),
        ([REPAIR, sh("rm acme/__init__.py; echo x > acme/numbers.py"), ""], 0, (0, 0)),
        ([sh("echo 'def test_add(): pass' > tests/test_numbers.py; rm -r tests"), ""], 0, (0, 1)),
        ([REPAIR, sh("rm -r tests; touch conftest.py"), ""], 1, (1, 1)),
        ([sh("printf 'import os\\nos._exit(0)' > conftest.py"), ""], 0, (0, 1)),
        ([sh("echo 'import os; os._exit(0)' >> acme/__init__.py"), ""], 0, (0, 0)),
        ([sh(f"cat >> acme/__init__.py <<'E'{FORGED}forge()\nos._exit(0)\nE"), ""], 0, (0, 0)),
        ([sh(f"cat >> acme/__init__.py <<'E'{FORGED}atexit.register(forge)\nE"), ""], 0, (0, 1)),
        ([sh(f"echo '{PATCHED_PYTEST}' >> acme/__init__.py"), ""], 0, (0, 0)),
        ([sh("mkdir -p .git/hooks; echo x > .git/hooks/post-checkout"), ""], 0, (0, 1)),
        ([sh("printf '[pytest]\\naddopts = -k double' > pytest.ini"), ""], 0, (0, 1)),
    ],
)  # fmt: skip
def test_repairs_and_cheats(play, engine, actions, reward, rates):
    found = play("MiniSWE", ROW, *actions)
    assert (found["reward"], found["fail_to_pass"], found["pass_to_pass"]) == (reward, *rates)


def test_the_command_lines(play, engine):
    play("MiniSWE", ROW, REPAIR, "Done.")
    calls = [json.loads(line) for line in (engine / "calls.jsonl").read_text("utf-8").splitlines()]
    runs = [call for call in calls if call[1] == "run"]
    assert [call[:2] for call in calls if call[1] != "run"] == [["docker", "info"], ["docker", "info"]]
    copy, command, tests = runs
    image = "xingyaoww/sweb.eval.x86_64.acme_s_lib-1:latest"
    for call in runs:
        assert image in call
        assert [call[call.index("--network") + 1], call[call.index("--cap-drop") + 1]] == ["none", "ALL"]
    assert any(word.endswith(":/sandbox/work:rw") for word in copy)
    for call in (command, tests):
        assert any(word.endswith(":/testbed:rw") for word in call)
        assert not any("sed" in word or "pytest" in word for word in call)  # what is run is no word of the engine's


def test_an_image_that_cannot_be_had_is_an_error(engine):
    shutil.rmtree(engine / "images")
    env = gymnasium.make("gym_llm/MiniSWE-v0", dataset=[ROW])
    with pytest.raises(SandboxError, match=r"could not start the run: .* Unable to find image"):
        env.reset(seed=0)


def test_an_engine_that_fails_later_gives_no_reward(engine):
    env = gymnasium.make("gym_llm/MiniSWE-v0", dataset=[ROW])
    for command in (True, False):
        env.reset(seed=0)
        (engine / "images").rename(engine / "gone")
        if command:
            observation, *_ = env.step(sh("ls"))
            assert "will not be judged" in observation[-1]["output"]
            (engine / "gone").rename(engine / "images")
        _, reward, _, truncated, info = env.step([assistant_message("Done.")])
        assert np.isnan(reward)
        assert truncated
        assert "could not start the run" in info["error"]["message"]
        (engine / "gone").rename(engine / "images") if not command else None
    env.close()


def test_without_an_engine_the_reset_says_so(engine):
    (engine / "bin" / "apptainer").unlink()
    env = gymnasium.make("gym_llm/MiniSWE-v0", dataset=[ROW], engine="apptainer")
    with pytest.raises(SandboxUnavailable, match="apptainer is not installed"):
        env.reset(seed=0)


def test_other_runners_are_refused(engine):
    env = gymnasium.make("gym_llm/MiniSWE-v0", dataset=[ROW | {"repo": "django/django"}])
    with pytest.raises(ConfigError, match="do not run under pytest"):
        env.reset(seed=0)


def test_an_unknown_engine_is_refused():
    with pytest.raises(ConfigError, match="engine='lxc'"):
        gymnasium.make("gym_llm/MiniSWE-v0", engine="lxc")


@pytest.mark.parametrize(
    ("change", "image"),
    [
        ({}, "xingyaoww/sweb.eval.x86_64.acme_s_lib-1:latest"),
        ({"subset": "verified"}, "swebench/sweb.eval.x86_64.acme_1776_lib-1:latest"),
        ({"instance_id": "Acme__Lib-1", "subset": ""}, "swebench/sweb.eval.x86_64.acme_1776_lib-1:latest"),
        ({"image_name": "mine:2"}, "mine:2"),
    ],
)
def test_image_names(change, image):
    assert image_of(SWETask.model_validate(ROW | change)) == image


def test_rows_of_the_data_sets_tables_load():
    """SWE-bench's own files have the lists as JSON text, and further columns."""
    given = ROW | {"FAIL_TO_PASS": json.dumps(ROW["FAIL_TO_PASS"]), "PASS_TO_PASS": "[]", "difficulty": "<15 min",
                   "environment_setup_commit": "1" * 40, "policy_base_url": "http://127.0.0.1:1"}  # fmt: skip
    task = SWETask.model_validate(given)
    assert (ROW["FAIL_TO_PASS"], []) == (task.FAIL_TO_PASS, task.PASS_TO_PASS)
    assert "add() drops floats" in task.prompt[0]["content"]


CANARY = "test_gym_llm_0.py::test_that_must_fail"


@pytest.mark.parametrize(
    ("lines", "passed", "complete"),
    [
        (["PASSED a.py::t", f"FAILED {CANARY} - assert 1 == 2"], {"a.py::t": True}, True),
        (["PASSED a.py::t[x - y]", f"FAILED {CANARY}"], {"a.py::t[x - y]": True}, True),
        (["XFAIL a.py::t - why", f"FAILED {CANARY}"], {"a.py::t": True}, True),
        (["ERROR a.py::t - boom", "PASSED a.py::t", f"FAILED {CANARY}"], {"a.py::t": False}, True),
        (["PASSED a.py::t"], {"a.py::t": False}, False),
        (["PASSED a.py::t", f"PASSED {CANARY}"], {"a.py::t": False}, False),
        (["PASSED a.py::t", f"FAILED {CANARY}", f"PASSED {CANARY}"], {"a.py::t": False}, False),
        (["", "no report"], {}, False),
    ],
)
def test_logs(lines, passed, complete):
    found = read_log("\n".join(lines), CANARY)
    assert {test: found.passed.get(test, False) for test in passed} == passed
    assert found.complete == complete


@pytest.mark.parametrize(
    ("names", "test", "passed"),
    [
        ({"a.py::t[log(photon s)]": True}, "a.py::t[log(photon", True),
        ({"a.py::t[x y]": True, "a.py::t[x z]": False}, "a.py::t[x", False),
        ({"a.py::t[x y]": True}, "a.py::t", None),
        ({"a.py::t[x]": False, "a.py::t[x y]": True}, "a.py::t[x]", False),
        ({"a.py::t[/tmp/x/y.txt]": True}, "a.py::t[/y.txt]", True),
        ({"a.py::t[MouseButton.LEFT-2]": True}, "a.py::t[1-2]", True),
    ],
)
def test_names_that_the_tables_have_cut(names, test, passed):
    assert named(names, [test]).get(test) == passed


PARAMETERS = """

import subprocess
import sys

import pytest

from . import here


@pytest.mark.parametrize("text", ["1 and 2", "1 or 2"])
def test_texts(text):
    assert add(0.5, len(text)) == 0.5 + len(text)


def test_script():
    assert subprocess.run(["./script"], stdout=subprocess.PIPE).stdout == b"new\\n" and here
"""


def test_rows_as_the_tables_have_them(play, engine):
    """A test patch with a new package, a removed test file, names cut at a blank; a script that is changed."""
    testbed = engine / "images" / IMAGE / "testbed"
    (testbed / "tests" / "test_old.py").write_text("def test_old(): pass\n")
    (testbed / "script").write_text("#!/bin/sh\necho old\n")
    (testbed / "script").chmod(0o755)
    patch = diff("tests/test_numbers.py", TESTS + PARAMETERS)
    patch += "diff --git a/tests/__init__.py b/tests/__init__.py\nnew file mode 100644\nindex 0000000..e69de29\n"
    patch += "diff --git a/tests/here.py b/tests/here.py\nnew file mode 100644\nindex 0000000..e69de29\n"
    patch += "diff --git a/tests/test_old.py b/tests/test_old.py\ndeleted file mode 100644\n"
    patch += "--- a/tests/test_old.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-def test_old(): pass\n"
    tests = ["tests/test_numbers.py::test_texts[1", "tests/test_numbers.py::test_script"]
    task = ROW | {"test_patch": patch, "FAIL_TO_PASS": tests}
    script = sh("sed -i s/old/new/ script")
    assert play("MiniSWE", task, REPAIR, script, "Done.")["reward"] == 1
    assert play("MiniSWE", task, script, "Done.")["fail_to_pass"] == 0.5


def test_the_reference_patch_may_end_with_an_empty_line_of_context(play, engine):
    (engine / "images" / IMAGE / "testbed" / "acme" / "numbers.py").write_text(FILES["acme/numbers.py"] + "\n\n")
    hunk = " def add(a, b):\n-    return int(a) + int(b)\n+    return a + b\n \n \n"
    patch = f"--- a/acme/numbers.py\n+++ b/acme/numbers.py\n@@ -1,4 +1,4 @@\n{hunk}"
    row = ROW | {"patch": patch}
    assert play("MiniSWE", row, *solve(row))["reward"] == 1


FORGED_PYTEST = """
import re, sys
print("=== short test summary info ===")
for path in (word for word in sys.argv[1:] if word.endswith(".py")):
    for name in re.findall(r"^def (test_\\w+)", open(path).read(), re.M):
        print("FAILED" if "gym_llm" in path else "PASSED", path + "::" + name)
sys.exit(0)
"""
FORGING_PLUGIN = """
def pytest_runtest_makereport(item, call):
    from _pytest.reports import TestReport
    if "must_fail" not in item.name:
        call.excinfo = None
    return TestReport.from_item_and_call(item, call)
"""


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pytest.py", FORGED_PYTEST),
        ("pytest/__main__.py", FORGED_PYTEST),
        ("_pytest/__init__.py", FORGED_PYTEST),
        ("pluggy.py", FORGED_PYTEST),
        ("json.py", FORGED_PYTEST),
        ("pytest.toml", "[pytest]\naddopts = ['-p', 'forging']\n"),
        ("acme.egg-info/entry_points.txt", "[pytest11]\nforging = forging\n"),
    ],
)
def test_nothing_in_the_repository_takes_the_place_of_pytest(play, engine, path, text):
    """Whole reports, with the test that must fail in its place, can be made by who is run instead of pytest."""
    metadata = [function_call("create", {"path": "acme.egg-info/PKG-INFO", "content": "Name: acme\nVersion: 1\n"})]
    plugin = [function_call("create", {"path": "forging.py", "content": FORGING_PLUGIN})]
    cheat = [function_call("create", {"path": path, "content": text})]
    found = play("MiniSWE", ROW, plugin, metadata, cheat, "Done.")
    assert (found["reward"], found["fail_to_pass"], found["pass_to_pass"]) == (0, 0, 1)
    assert play("MiniSWE", ROW, plugin, metadata, cheat, REPAIR, "Done.")["reward"] == 1
