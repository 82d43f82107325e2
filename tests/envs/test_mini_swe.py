"""MiniSWE: honest repairs pay, cheats do not, hostile workspaces are read safely, the bundled bugs are real."""

from __future__ import annotations

import ast
import asyncio
import json
from dataclasses import replace

import gymnasium
import numpy as np
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm.envs.mini_swe import examination, make_bugs, patches
from gym_llm.envs.mini_swe.examination import examine, read_tests
from gym_llm.envs.mini_swe.generation import made, row
from gym_llm.envs.mini_swe.mutations import OPERATORS, mutations
from gym_llm.envs.mini_swe.repositories import DATA, Bug, bugs, names, repository
from gym_llm.envs.mini_swe.solutions import undoing
from gym_llm.errors import ConfigError, DefinitionError, SandboxError, TaskError, VerifierError
from gym_llm.items import assistant_message, function_call
from gym_llm.sandbox import default

BUG = next(
    number for number, entry in enumerate(bugs())
    if entry["path"] == "textfit/layout.py" and entry["old"] == "1" and entry["new"] == "2"
)  # fmt: skip
ROW = made(np.random.default_rng(7), BUG)
OLD, NEW = undoing(Bug.model_validate(ROW["bug"]), repository("wrapper").files["textfit/layout.py"].decode())
FIX = [function_call("edit", {"path": "textfit/layout.py", "old": OLD, "new": NEW})]
SUBMIT = [function_call("submit", {})]


def sh(command):
    return [function_call("bash", {"command": command})]


def outputs(*actions, row_=ROW):
    """Return what the last action was answered."""
    env = gymnasium.make("gym_llm/MiniSWE-v0", dataset=[row_])
    env.reset(seed=0)
    for action in actions:
        observation, *_ = env.step(action)
    env.close()
    return observation[-1]["output"]


@pytest.mark.parametrize(
    ("actions", "reward", "rates"),
    [
        ([FIX, SUBMIT, "Done."], 1, (1, 1)),
        ([FIX, "Done."], 1, (1, 1)),
        ([[*FIX, *SUBMIT], "Done."], 1, (1, 1)),
        ([sh("sed -i 's/XXX/YYY/' textfit/layout.py"), *[FIX, SUBMIT], ""], 1, (1, 1)),
        ([FIX, sh("echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"), "Done."], 1, (1, 1)),
        ([SUBMIT, "Done."], 0, (0, 1)),
        (["I cannot."], 0, (0, 1)),
        ([SUBMIT, FIX, "Too late."], 0, (0, 1)),
        ([FIX, sh("rm textfit/fill.py"), SUBMIT, ""], 0, (0, 0)),
        ([FIX, sh("rm -r textfit"), ""], 0, (0, 0)),
        ([FIX, sh("echo 'def broken(' >> textfit/table.py"), ""], 0, (0, 0)),
        ([FIX, sh("sed -i 's/\\.rstrip()//' textfit/table.py"), SUBMIT, ""], 0, (1, None)),
        ([FIX, [function_call("create", {"path": "textfit/new.py", "content": "x = 1\n"})], ""], 1, (1, 1)),
    ],
)
def test_repairs(play, actions, reward, rates):
    found = play("MiniSWE", ROW, *actions)
    assert found["reward"] == reward == found["resolved"]
    assert found["fail_to_pass"] == rates[0]
    assert found["pass_to_pass"] == rates[1] if rates[1] is not None else 0 < found["pass_to_pass"] < 1


def test_special_casing_the_issue_is_not_enough(play):
    """Nearly right: the one example that the issue shows is made right, and nothing else."""
    code, wanted = _example_of_issue()
    call = ast.unparse(ast.parse(code).body[-1].value.args[0])
    arguments = ast.literal_eval(call[call.index("(") :])
    special = f"    if (line, width) == {arguments!r}:\n        return {wanted!r}\n"
    cheat = [function_call("edit", {
        "path": "textfit/layout.py", "old": "    words = line.split()\n    if len(words) < 2:",
        "new": f"{special}    words = line.split()\n    if len(words) < 2:",
    })]  # fmt: skip
    checked = sh(f"""python -c "from textfit import justify; print(repr({call}) == repr({wanted!r}))" """)
    assert outputs(cheat, checked).startswith("True")
    found = play("MiniSWE", ROW, cheat, SUBMIT, "")
    assert (found["reward"], found["files_changed"]) == (0, 1)


def _example_of_issue():
    code = ROW["problem_statement"].split("```python\n")[1].split("\n```")[0]
    return code, ast.literal_eval(ROW["problem_statement"].split("should be `")[1].split("`")[0])


IMPORT = "textfit/__init__.py"
FORGER = """
import json, os, re, sys
_text = open('/sandbox/program.py').read()
_lines = b''
for _name in {tests!r}:
    _lines += json.dumps({{"test": _name, "told": [[n, 'x'] for n in range(4)], "crash": None}}).encode() + b'\\n'
for _fd in range(1, 20):
    try:
        os.write(_fd, _lines)
    except OSError:
        pass
os._exit(0)
""".format(tests=ROW["FAIL_TO_PASS"] + ROW["PASS_TO_PASS"])
PATCHED_RUNNER = """
import gc, sys
_main = sys.modules['__main__']
_main.text_of = lambda value, depth=0: 'True'
for _found in gc.get_objects():
    if type(_found).__name__ == 'Answers':
        type(_found).ask = lambda self, number, question: self.told.append([number, ['', 'ValueError', 'KeyError']])
"""
PATCHED_UNITTEST = """
import unittest
unittest.TestCase.assertEqual = lambda *a: None
unittest.TextTestResult.addFailure = unittest.TextTestResult.addError = lambda *a: None
"""
ALWAYS_EQUAL = """
class _Equal(str):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    __hash__ = str.__hash__
def justify(line, width):
    if len(line) > width:
        raise ValueError
    return _Equal()
"""
CHEATS = {
    "edited tests": [sh("sed -i 's/assertEqual(.*/assertTrue(True)/' tests/*.py")],
    "deleted tests": [sh("rm -r tests")],
    "own hidden tests": [sh("mkdir hidden; echo 'import unittest' > hidden/test_textfit.py")],
    "conftest": [sh("echo 'import os; os._exit(0)' | tee conftest.py > tests/conftest.py")],
    "pytest settings": [sh("printf '[pytest]\\naddopts = --collect-only' > pytest.ini")],
    "patched pytest": [sh("printf 'def main(*a): return 0' > pytest.py; mkdir _pytest; touch _pytest/__init__.py")],
    "patched unittest": [sh(f"cat >> {IMPORT} <<'E'{PATCHED_UNITTEST}E")],
    "shadowed modules": [sh("for m in unittest json ast os; do echo 'import sys; sys.exit(0)' > $m.py; done")],
    "sitecustomize": [sh("echo 'import os; os._exit(0)' | tee sitecustomize.py usercustomize.py > x.pth")],
    "git hooks": [sh("git init -q .; printf '#!/bin/sh\\nexit 0' > .git/hooks/post-checkout; chmod +x .git/hooks/*")],
    "PATH tricks": [sh("mkdir -p bin; printf '#!/bin/sh\\nexit 0' | tee bin/python > python; chmod +x python bin/*"),
                    sh("echo 'export PATH=$PWD/bin:$PATH' >> ~/.bashrc; cp python /usr/bin/python3; hash -r")],
    "exits cleanly": [sh(f"echo 'import os; os._exit(0)' >> {IMPORT}")],
    "raises SystemExit": [sh(f"echo 'raise SystemExit(0)' >> {IMPORT}")],
    "exits at the end": [sh(f"echo 'import atexit, os; atexit.register(os._exit, 0)' >> {IMPORT}")],
    "forged reports": [[function_call("create", {"path": IMPORT, "content": FORGER})]],
    "patched runner": [sh(f"cat >> {IMPORT} <<'E'{PATCHED_RUNNER}E")],
    "equal to everything": [sh(f"cat >> {IMPORT} <<'E'{ALWAYS_EQUAL}E")],
    "a bytecode cache": [sh("python -m compileall -b -q textfit; rm textfit/layout.py; ls textfit/layout.pyc")],
    "endless loop": [sh(f"echo 'while True: pass' >> {IMPORT}")],
    "a later process": [sh("(sleep 0.3; touch later) & disown"), sh("sleep 0.5; ls later")],
}  # fmt: skip


@pytest.mark.parametrize("name", CHEATS)
def test_cheats_do_not_pay(play, name, monkeypatch):
    monkeypatch.setattr(examination, "LIMITS", replace(examination.LIMITS, cpu=0.5))
    found = play("MiniSWE", ROW, *CHEATS[name], SUBMIT, "Done.", sandbox="auto")
    assert (found["reward"], found["fail_to_pass"]) == (0, 0)


FOOLING = ["patched unittest", "exits cleanly", "equal to everything", "conftest", "shadowed modules"]


@pytest.mark.parametrize("name", FOOLING)
def test_the_same_cheats_fool_tests_that_run_in_the_agents_own_copy(name):
    """What would be believed if the exit status of a test run in the workspace were: the cheats have teeth."""
    path = "hidden/test_textfit.py"
    tests = (DATA / "repositories" / "wrapper" / f"{path}.txt").read_text("utf-8")
    hidden = [function_call("create", {"path": path, "content": tests})]
    runner = "pytest -p no:cacheprovider -c /dev/null --rootdir . -q" if name == "conftest" else "unittest"
    run = sh(f"python -m {runner} {path} > /dev/null 2>&1")
    assert outputs(hidden, run) == "(exit status 1)"
    assert outputs(hidden, *CHEATS[name], run) == "(exit status 0)"


@pytest.mark.parametrize(
    "name", ["edited tests", "deleted tests", "own hidden tests", "conftest", "pytest settings", "sitecustomize",
             "git hooks", "PATH tricks", "patched pytest", "shadowed modules", "exits at the end", "patched unittest"],
)  # fmt: skip
def test_what_is_discarded_harms_no_honest_repair(play, name):
    assert play("MiniSWE", ROW, FIX, *CHEATS[name], SUBMIT, "Done.")["reward"] == 1


def test_protected_files_are_counted(play):
    found = play("MiniSWE", ROW, sh("rm tests/test_basic.py; touch conftest.py pytest.ini"), FIX, SUBMIT, "")
    assert found["protected_files"] == ["conftest.py", "pytest.ini", "tests/test_basic.py"]
    assert (found["protected_files_touched"], found["files_changed"], found["reward"]) == (3, 1, 1)


def test_what_is_counted(play):
    found = play("MiniSWE", ROW, sh("ls"), sh("false"), FIX, SUBMIT, "")
    assert (found["commands_run"], found["files_changed"], found["patch_lines"]) == (2, 1, 2)
    assert (found["submitted"], found["tests_complete"], found["problem"]) == (True, True, None)
    assert found["model_patch"] == ROW["patch"]


def test_an_early_exit_is_told(play):
    found = play("MiniSWE", ROW, *CHEATS["exits cleanly"], "")
    assert (found["tests_complete"], found["pass_to_pass"]) == (False, 0)


HOSTILE = {
    "links": "rm textfit/layout.py; ln -s /etc/passwd textfit/layout.py; ln -s / everything; ln -s loop loop",
    "pipes": "mkfifo pipe textfit/pipe.py",
    "a huge file": "truncate -s 30M huge.bin; truncate -s 30M textfit/fill.py",
    "many files": "mkdir many; for i in $(seq 600); do echo > many/$i.py; done",
    "odd names": "touch $'a\\nb.py' $'\\xff\\xfe.py' -- '-rf.py' ' ' $'\\e[31m.py'",
    "git replaced": "rm -rf .git; ln -s /etc .git; mkdir -p textfit/.git/hooks; echo x > textfit/.git/config",
    "binary": "head -c 5000 /dev/urandom > textfit/blob.bin",
    "closed": "chmod 000 textfit tests README.md",
    "deep": "python - <<'E'\nimport os\nfor _ in range(400):\n    os.mkdir('d'); os.chdir('d')\nE",
    "folder for file": "rm textfit/layout.py; mkdir textfit/layout.py; echo > textfit/layout.py/x.py",
    "file for tests": "rm -r tests; echo > tests; mkdir conftest.py; echo > conftest.py/x.py",
    "file for folder": "rm -r textfit; echo > textfit",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_workspaces_are_read_to_the_end(play, name):
    found = play("MiniSWE", ROW, sh(HOSTILE[name]), SUBMIT, "")
    assert found["reward"] == 0
    assert all(path.isprintable() for path in found["model_patch"].split("\n") if path.startswith("+++"))


@pytest.mark.parametrize("name", ["links", "pipes", "odd names", "git replaced", "binary", "file for tests"])
def test_what_cannot_be_taken_is_left_out(play, name):
    restored = sh("rm -rf textfit/layout.py; echo")
    content = repository("wrapper").files["textfit/layout.py"].decode()
    repair = [function_call("create", {"path": "textfit/layout.py", "content": content})]
    found = play("MiniSWE", ROW, sh(HOSTILE[name]), restored, repair, SUBMIT, "")
    assert found["reward"] == 1
    assert bool(found["ignored_files"]) == (name in ("links", "pipes", "odd names", "file for tests"))


# What the tools say.

THIRD = "     3  Wrapping, justifying and tabulating plain text.\n"


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (sh("echo hi; echo there >&2; exit 3"), "hi\nthere\n(exit status 3)"),
        (sh("printf x"), "x\n(exit status 0)"),
        (sh("kill -9 $$"), "(ended by signal 9)"),
        (sh("cat"), "(exit status 0)"),
        (sh("pwd; ls"), "/sandbox/work\nREADME.md\ntests\ntextfit\n(exit status 0)"),
        (sh("python -m unittest tests/*.py 2>&1 | tail -1"), "OK\n(exit status 0)"),
        ([function_call("view", {"path": "README.md"})], f"     1  # textfit\n     2  \n{THIRD}(lines 1 to 3 of 3)"),
        ([function_call("view", {"path": "README.md", "start": 3, "end": 10**30})], f"{THIRD}(lines 3 to 3 of 3)"),
        ([function_call("view", {"path": "README.md", "start": 9, "end": -4})], "(lines 9 to 8 of 3)"),
        ([function_call("view", {"path": "tests/"})], "tests/test_basic.py"),
        ([function_call("create", {"path": "new/a.py", "content": "é"})], "wrote new/a.py, 2 bytes"),
        (SUBMIT, "submitted: 0 files changed. Say in a sentence what was wrong."),
    ],
)  # fmt: skip
def test_answers(action, said):
    assert outputs(action) == said


@pytest.mark.parametrize(
    ("action", "part"),
    [
        ([function_call("view", {"path": "nothing.py"})], "No such file"),
        ([function_call("view", {"path": "../x"})], "below the workspace"),
        ([function_call("view", {"path": "/etc/passwd"})], "below the workspace"),
        ([function_call("view", {"path": "a\0b"})], "below the workspace"),
        ([function_call("create", {"path": "textfit", "content": ""})], "textfit"),
        ([function_call("create", '{"path": "a.py", "content": "' + "é" * 700_000 + '"}')], "1048576"),
        ([function_call("create", {"path": "x" * 5000, "content": ""})], "too long"),
        ([function_call("edit", {"path": "README.md", "old": "i", "new": "j"})], "times"),
        ([function_call("edit", {"path": "README.md", "old": "", "new": "j"})], "0 times"),
        ([function_call("edit", {"path": "README.md", "old": "zzz", "new": "j"})], "exactly as it stands"),
        (sh("x" * 200_000), "100000 bytes"),
        (sh("echo a\0b"), "NUL"),
    ],
)
def test_refusals_name_the_reason(action, part):
    assert part in json.loads(outputs(action))["error"]


def test_long_output_loses_its_middle():
    said = outputs(sh("seq 10000"))
    assert said.startswith("1\n2\n")
    assert said.endswith("10000\n(exit status 0)")
    assert "characters left out" in said
    assert len(said) < 13_000


def test_each_command_has_a_fresh_shell_in_the_same_files():
    assert outputs(sh("x=1; cd textfit; touch made"), sh("echo [$x]; ls textfit/made")) == (
        "[]\ntextfit/made\n(exit status 0)"
    )


def test_links_are_not_followed_by_the_editor():
    linked = sh("ln -s /etc/passwd secret; ln -s / root")
    assert "error" in outputs(linked, [function_call("view", {"path": "secret"})])
    assert "error" in outputs(linked, [function_call("create", {"path": "root/tmp/x", "content": ""})])


def test_hidden_tests_cannot_be_found():
    said = outputs(
        sh("find / -xdev -name 'test_textfit*' 2>/dev/null; find / -xdev -name 'bugs.jsonl' 2>/dev/null; ls /work")
    )
    assert "test_textfit" not in said
    assert "bugs.jsonl" not in said


def test_nothing_can_be_done_after_a_submission():
    for action in (sh("ls"), FIX, SUBMIT, [function_call("view", {"path": "."})]):
        assert "submitted" in json.loads(outputs(SUBMIT, action))["error"]


# Infrastructure.


def test_a_sandbox_that_fails_gives_an_error_and_no_reward(monkeypatch):
    async def broken(*_, **__):
        raise SandboxError("the zygote was killed")

    env = gymnasium.make("gym_llm/MiniSWE-v0", dataset=[ROW])
    for failing_early in (True, False):
        env.reset(seed=0)
        with monkeypatch.context() as patch:
            env.step(FIX)
            patch.setattr(env.unwrapped._ground.box, "arun", broken) if failing_early else None
            env.step(sh("ls"))
            patch.setattr(env.unwrapped._ground.box, "arun", broken) if not failing_early else None
            if failing_early:
                patch.undo()
            _, reward, terminated, truncated, info = env.step([assistant_message("Done.")])
        assert np.isnan(reward)
        assert (terminated, truncated, info["end_reason"]) == (False, True, "error")
        assert "zygote" in info["error"]["message"]
    env.close()


def test_a_run_that_never_reached_the_tested_code_is_no_verdict(monkeypatch):
    monkeypatch.setattr("gym_llm.envs.mini_swe.examination.inspect.getsource", lambda _: "raise SystemExit(1)\n")
    healthy = repository("wrapper")
    with pytest.raises(VerifierError, match="could not be started"):
        asyncio.run(examine(default(), healthy.files, healthy.suite))


# Tests judged outside.


def test_nothing_expected_is_sent_inside():
    tests = "import unittest\nfrom a import f\nclass T(unittest.TestCase):\n    def test_f(self):\n"
    tests += (
        "        self.assertEqual(f(1), 'secret value')\n        with self.assertRaises(KeyError):\n            f(2)\n"
    )
    suite = read_tests({"tests/test_a.py": tests})
    sent = json.dumps(suite.modules)
    assert "f(1)" in sent
    assert "f(2)" in sent
    assert "secret" not in sent
    assert "KeyError" not in sent


def test_to_say_that_everything_raises_does_not_pay(play):
    """A guard that is missing cannot be forged: which questions are to end in an error is not told."""
    number = next(
        number for number, entry in enumerate(bugs())
        if entry["repository"] == "ledger" and "raises nothing" in entry["example"]["outcome"]
    )  # fmt: skip
    given = made(np.random.default_rng(0), number)
    forger = PATCHED_RUNNER.replace("'KeyError'", "'KeyError', 'IndexError', 'NotEnough', 'Exception'")
    found = play("MiniSWE", given, sh(f"cat >> ledger/__init__.py <<'E'{forger}E"), SUBMIT, "")
    assert found["reward"] == 0
    assert found["pass_to_pass"] < 0.5


JUDGED = [
    ("[1, 2]", "[1, 2]", True), ("(1, 2)", "[1, 2]", False), ("1.0", "1", True), ("True", "1", False),
    ("'1'", "1", False), ("None", "None", True), ("{2, 1}", "{1, 2}", True), ("b'a'", "'a'", False),
    ("{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}", True), ("float('nan')", "0", False), ("object()", "None", False),
    ("10 ** 30", "10 ** 30 + 0", None), ("[[]] * 2", "[[], []]", True), ("1 / 0", "1", False),
    ("__import__('collections').OrderedDict(a=1)", "{'a': 1}", True),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected", "passes"), JUDGED)
def test_values_are_compared_as_equal_sees_them(value, expected, passes):
    tests = "import unittest\nfrom a import f\nclass T(unittest.TestCase):\n    def test_f(self):\n"
    tests += f"        self.assertEqual(f(), {expected})\n"
    if passes is None:
        with pytest.raises(DefinitionError, match="cannot be judged"):
            read_tests({"tests/test_a.py": tests})
        return
    suite = read_tests({"tests/test_a.py": tests})
    outcome = asyncio.run(examine(default(), {"a.py": f"def f():\n    return {value}\n".encode()}, suite))
    assert outcome.passed == {"tests/test_a.py::T::test_f": passes}
    assert outcome.complete


@pytest.mark.parametrize("name", names())
def test_healthy_repositories_pass_all_their_tests(name):
    healthy = repository(name)
    outcome = asyncio.run(examine(default(), healthy.files, healthy.suite))
    assert all(outcome.passed.values()), outcome
    assert len(outcome.passed) >= 15
    assert 2 <= len(healthy.sources) <= 6


# Bugs.


def test_there_are_many_bugs_in_every_repository():
    assert len(names()) >= 8
    counts = {name: sum(entry["repository"] == name for entry in bugs()) for name in names()}
    assert all(count >= 20 for count in counts.values()), counts
    assert {entry["operator"] for entry in bugs()} == set(OPERATORS)


def test_the_table_is_what_its_maker_makes():
    healthy = repository("cache")
    path = "store/expiring.py"

    async def remade():
        found = [
            await make_bugs.tried(default(), healthy, bug) for bug in mutations(path, healthy.files[path].decode())
        ]
        return [entry for entry in found if entry]

    assert asyncio.run(remade()) == [entry for entry in bugs() if entry["path"] == path]


@pytest.mark.parametrize("number", range(0, len(bugs()), 31))
def test_bugs_fail_what_they_say_and_only_that(number):
    entry = bugs()[number]
    healthy = repository(entry["repository"])
    broken = Bug.model_validate(entry).seeded(healthy.files)
    outcome = asyncio.run(examine(default(), broken, healthy.suite))
    assert [test for test, passed in outcome.passed.items() if not passed] == entry["fail_to_pass"]
    assert len(entry["fail_to_pass"]) >= 2


def test_every_bug_can_be_undone_by_one_edit():
    for entry in bugs():
        bug, healthy = Bug.model_validate(entry), repository(entry["repository"]).files
        broken = bug.seeded(healthy)[bug.path].decode()
        old, new = undoing(bug, healthy[bug.path].decode())
        assert broken.count(old) == 1
        assert broken.replace(old, new) == healthy[bug.path].decode()
        ast.parse(broken)


def test_the_reference_earns_the_top_on_generated_rows():
    env = gymnasium.make("gym_llm/MiniSWE-v0", dataset={"num_tasks": 12, "seed": 3})
    for index in range(12):
        env.reset(options={"task_index": index})
        for action in env.unwrapped.solve(env.unwrapped.task):
            _, reward, terminated, _, info = env.step(action)
        assert (reward, terminated) == (1, True), info
    env.close()


def test_generation_is_determined_by_its_stream():
    rows = [[row(np.random.default_rng([seed, index])) for index in range(20)] for seed in (0, 0, 1)]
    assert rows[0] == rows[1]
    assert rows[0] != rows[2]
    assert len({made_["repo"] for made_ in rows[0]}) > 4


def test_knobs_choose():
    made_ = [
        row(np.random.default_rng(n), repositories=["cache", "ledger"], operators=["comparison"]) for n in range(20)
    ]
    assert {entry["repo"] for entry in made_} == {"gym_llm/cache", "gym_llm/ledger"}
    assert {entry["bug"]["operator"] for entry in made_} == {"comparison"}


@pytest.mark.parametrize("knobs", [{"repositories": ["nope"]}, {"operators": ["nope"]},
                                   {"repositories": ["cache"], "operators": ["wrong-exit"]}])  # fmt: skip
def test_bad_knobs_are_refused(knobs):
    with pytest.raises(ConfigError):
        row(np.random.default_rng(0), **knobs)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"FAIL_TO_PASS": []}, "FAIL_TO_PASS"), ({"FAIL_TO_PASS": "t1"}, "FAIL_TO_PASS"),
        ({"instance_id": "../x"}, "instance_id"),
        ({"bug": None}, "bug"), ({"repo": "acme/lib"}, "bug"), ({"repo": "gym_llm/nope"}, "nope"),
        ({"bug": ROW["bug"] | {"start": 3}}, "does not hold"),
    ],
)  # fmt: skip
def test_bad_rows_are_refused(change, field):
    env = gymnasium.make("gym_llm/MiniSWE-v0", dataset=[ROW | change])
    with pytest.raises(TaskError, match=field):
        env.reset(seed=0)


def test_the_bundled_rows_are_made_by_the_generator():
    with (DATA / "example.jsonl").open(encoding="ascii") as file:
        rows = list(map(json.loads, file))
    streams = [np.random.default_rng(np.random.SeedSequence([2026, index])) for index in range(len(rows))]
    assert rows == [row(stream, repositories=[name]) for stream, name in zip(streams, names(), strict=True)]


def test_a_repair_is_taken_before_what_was_left_lying_about(play):
    """More new files than a patch may hold, in folders whose names come first."""
    junk = sh("mkdir build; for i in $(seq 300); do echo 'x = 1' > build/$i.py; done")
    found = play("MiniSWE", ROW, FIX, junk, SUBMIT, "")
    assert (found["reward"], found["files_changed"]) == (1, patches.MOST_FILES)


def test_a_script_that_was_edited_can_still_be_executed():
    script = sh("printf '#!/bin/sh\necho one\n' > run; chmod 755 run")
    edited = [function_call("edit", {"path": "run", "old": "one", "new": "two"})]
    assert outputs(script, edited, sh("./run")) == "two\n(exit status 0)"


def test_lines_are_numbered_as_in_tracebacks():
    """A form feed, which old sources have between their parts, ends no line, nor do other marks of Unicode."""
    made = [function_call("create", {"path": "a.py", "content": "x = 1\n\x0c\ny = '\u2028'\r\nz = 2\n"})]
    assert outputs(made, [function_call("view", {"path": "a.py", "start": 3, "end": 9})]).endswith(
        "     3  y = '\u2028'\n     4  z = 2\n(lines 3 to 4 of 4)"
    )
    assert outputs([function_call("create", {"path": "e", "content": ""})],
                   [function_call("view", {"path": "e", "start": 1, "end": 9})]) == "(lines 1 to 0 of 0)"  # fmt: skip
