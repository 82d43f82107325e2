"""CompCoding: the specification's cases, its weaknesses mended, tricks that must not pay, the generator."""

from __future__ import annotations

import asyncio
import base64
import json
import pickle
import zlib

import gymnasium
import numpy as np
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm import bridge
from gym_llm.envs.comp_coding import CodingTask, comparison, extraction, judging, problems
from gym_llm.envs.comp_coding.families import FAMILIES
from gym_llm.errors import ConfigError, DefinitionError, TaskError
from gym_llm.items import assistant_message, reasoning


def row(tests, fn_name=None, **metadata):
    inputs, outputs = zip(*tests, strict=True)
    unit_tests = {"inputs": list(inputs), "outputs": list(outputs)} | ({"fn_name": fn_name} if fn_name else {})
    return {
        "responses_create_params": {"input": "Solve it in a python code block."},
        "verifier_metadata": {"unit_tests": unit_tests, **metadata},
        "hash_id": "demo", "dataset": "own", "source": "own",
    }  # fmt: skip


def fenced(code, language="python"):
    return f"So:\n```{language}\n{code}\n```"


SQUARES = row([("2\n", "4\n"), ("5\n", "25\n")], difficulty="easy")
SUMS = row([("[1, 2]\n3", "6"), ("[]\n0", "0")], fn_name="total")

# The name of the case, the row, the answer, the reward, the verdict of the last test that ran.
PROGRAMS = [
    ("right", SQUARES, "n=int(input());print(n*n)", 1, "passed"),
    ("off by one", SQUARES, "n=int(input());print(n*n+1)", 0, "wrong_answer"),
    ("right once", SQUARES, "print(4)", 0, "wrong_answer"),
    ("syntax error", SQUARES, "print((1)", 0, "runtime_error"),
    ("raises", SQUARES, "n=int(input());print(n*n);n/0", 0, "runtime_error"),
    ("names of the prelude", SQUARES, "n=int(input());print(gcd(n*n,0) if deque([n]) else List)", 1, "passed"),
    ("future import", SQUARES, "from __future__ import annotations\nn=int(input());print(n*n)", 1, "passed"),
    ("main guard in the middle", SQUARES, "if __name__=='__main__':\n    n=int(input());print(n*n)\nx=1", 1, "passed"),
    ("global", SQUARES, "c=0\ndef f():\n    global c\n    c+=int(input())**2\nf()\nprint(c)", 1, "passed"),
    ("exit with a status", SQUARES, "import sys\nn=int(input());print(n*n);sys.exit(1)", 1, "passed"),
    (
        "thread", SQUARES,
        "import threading\nt=threading.Thread(target=lambda:print(int(input())**2));t.start();t.join()",
        1, "passed",
    ),
    ("reads all", SQUARES, "import sys,os\nprint(int(os.read(0,9))**2)", 1, "passed"),
    ("open(0)", SQUARES, "print(int(open(0).read())**2)", 1, "passed"),
    ("blank ends", SQUARES, "n=int(input());print('\\n',n*n,'  \\n\\n')", 1, "passed"),
    ("as a decimal", SQUARES, "n=int(input());print(f'{n*n}.00')", 1, "passed"),
    (
        "buffer.readline twice", row([("1\n2\n", "3")]),
        "import sys\ninput=sys.stdin.buffer.readline\nprint(int(input())+int(input()))",
        1, "passed",
    ),
    (
        "deep recursion", row([("9000", "9000")]),
        "def f(n):\n    return n and 1+f(n-1)\nprint(f(int(input())))",
        1, "passed",
    ),
    ("inner blank line", row([("", "1\n2")]), "print('1\\n\\n2')", 0, "wrong_answer"),
    ("a third, shorter", row([("", "0.3333333333333333")]), "print('0.3333333')", 0, "wrong_answer"),
    ("0.50", row([("", "0.5")]), "print('0.50')", 1, "passed"),
    ("nan is no number of that kind", row([("", "1")]), "print('sNaN')", 0, "wrong_answer"),
    ("bytes that are no text", row([("", "1")]), "import os;os.write(1,b'\\xff\\xfe')", 0, "wrong_answer"),
    # Tricks.
    ("os._exit(0)", SQUARES, "import os;os._exit(0)", 0, "wrong_answer"),
    (
        "frames", SQUARES,
        (
            "import sys\nf=sys._getframe()\nwhile f:\n    for k,v in list(f.f_locals.items()):\n"
            "        if 'out' in k or 'expected' in k: print(v); raise SystemExit\n    f=f.f_back"
        ),
        0, "wrong_answer",
    ),
    (
        "every object", SQUARES,
        "import gc\nprint(*[o for o in gc.get_objects() if isinstance(o,dict) and 'outputs' in o])",
        0, "wrong_answer",
    ),
    ("parent's memory", SQUARES, "import os\nopen(f'/proc/{os.getppid()}/mem','rb').read(1)", 0, "runtime_error"),
    (
        "reads its folder", SQUARES,
        (
            "import os\nfor p,_,fs in os.walk('.'):\n    for f in fs:\n        t=open(os.path.join(p,f)).read()\n"
            "        if '\\n25' in t: print(25)"
        ),
        0, "wrong_answer",
    ),
    (
        "patched builtins", SQUARES,
        "import builtins,sys\nbuiltins.all=lambda *a:True\nstr.__eq__\nsys.modules['decimal']=None\nprint('x')",
        0, "wrong_answer",
    ),
    ("claims to have passed", SQUARES, "print('passed');print('[True, True]');print('4')", 0, "wrong_answer"),
    (
        "endless", SQUARES,
        "while True:\n    try:\n        pass\n    except BaseException:\n        pass",
        0, "time_limit",
    ),
    ("memory bomb", SQUARES, "a=bytearray(1<<31)", 0, ("runtime_error", "memory_limit")),
    ("fork bomb", SQUARES, "import os\nwhile True: os.fork()", 0, "runtime_error"),
    ("endless output", SQUARES, "while True: print('x'*10000)", 0, "output_limit"),
    ("kills its group", SQUARES, "import os\nos.kill(-1,9)\nos.kill(1,9)\nprint(0)", 0, None),
    ("socket", SQUARES, "import socket\nsocket.create_connection(('127.0.0.1',22),1)", 0, "runtime_error"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "code", "reward", "verdict"), [case[1:] for case in PROGRAMS],
                         ids=[case[0] for case in PROGRAMS])  # fmt: skip
def test_programs(play, task, code, reward, verdict):
    found = play("CompCoding", task, fenced(code), time_limit=0.5)
    assert found["reward"] == reward, found["first_failure"]
    last = found["result"][-1]
    assert verdict is None or last == verdict or last in verdict, found["first_failure"]
    assert found["tests_run"] == len(found["result"])


# What `total(values, more)` is made of, and the reward.
FUNCTIONS = [
    ("def total(v, m):\n    return sum(v)+m", 1),
    ("class Solution:\n    def total(self, v, m):\n        return sum(v)+m", 1),
    ("def total(v, m):\n    print('debugging', v)\n    return sum(v)+m", 1),
    ("def total(v, m):\n    return float(sum(v)+m)", 1),
    ("import numpy\ndef total(v, m):\n    return numpy.int64(sum(v)+m)", 1),
    (
        (
            "from __future__ import annotations\nimport dataclasses, pickle\n"
            "@dataclasses.dataclass\nclass A:\n    x: int\n"
            "def total(v, m):\n    return pickle.loads(pickle.dumps(A(sum(v)+m))).x"
        ),
        1,
    ),
    ("def total(v, m):\n    return sum(v)+m+(not v)", 0),
    ("def other(v, m):\n    return sum(v)+m", 0),
    ("def total(v):\n    return 6", 0),
    ("def total(v, m):\n    return None", 0),
    ("def total(v, m):\n    return [sum(v)+m]", 0),
    (
        "class A:\n    def __eq__(s, o): return True\ndef total(v, m): return A()",
        0,
    ),
    ("class S(str):\n    def __eq__(s, o): return True\n    __hash__=None\ndef total(v, m): return S('x')", 0),
    ("import json\njson.dumps=lambda *a,**k:'true'\ndef total(v, m): return 1", 0),
    ("import os\ndef total(v, m):\n    os.write(1,b'6');os._exit(0)", 0),
    ("import sys\nsys.exit()", 0),
    ("def total(v, m):\n    x=[]\n    for _ in range(100000): x=[x]\n    return x", 0),
    ("def total(v, m):\n    while True: pass", 0),
]


@pytest.mark.parametrize(("code", "reward"), FUNCTIONS)
def test_functions(play, code, reward):
    assert play("CompCoding", SUMS, fenced(code), time_limit=0.5)["reward"] == reward


@pytest.mark.parametrize(
    ("given", "wanted", "same"),
    [
        ("100001", "100000", False), ("100001.0", "100000", False), ("100000.0", "100000", True), ("1", "true", True),
        ("0.333333", "0.33333334", True), ("0.3333", "0.33333334", False), ("[1, 2]", "[1, 2]", True),
        ("[1, [2]]", "[1, 2]", False), ('{"1": 2}', '{"1": 2}', True), ("NaN", "NaN", False), ('"5"', "5", True),
        ("99999999999999999999", "99999999999999999998", False), ("1e400", "1", False), ("null", "null", True),
        ('"a"', "1", False),
    ],
)  # fmt: skip
def test_values(given, wanted, same):
    assert comparison.same_value(comparison.value(given), comparison.value(wanted)) is same


CODE = "n = int(input())\nprint(n * n)"
TEXTS = [
    (fenced(CODE), CODE), (fenced(CODE, ""), CODE), (fenced(CODE, "Python3"), CODE),
    (f"```python\n{CODE}", CODE),
    (f"{fenced(CODE)}\n```\n", CODE),
    (f"{fenced(CODE)}\nThe fence ``` closes the block.", CODE),
    (f"{fenced(CODE)}\nIt prints\n```\n25\n```", CODE),
    (f"{fenced(CODE, '')}\nFor example:\n```\n5\n```\ngives\n```\n25\n```", CODE),
    (f"{fenced(CODE)}\n```text\n25\n```", CODE),
    (f"{fenced('print(1)')}\nBetter:\n{fenced(CODE)}", CODE),
    (f"{fenced('print(1)')}\nBetter:\n{fenced(CODE, '')}", CODE),
    (f"```python\nprint(1)\n```python\n{CODE}\n```", CODE),
    (f"Here it is: ```python\n{CODE}\n```", CODE),
    (fenced(CODE).replace("\n", "\r\n"), CODE),
    ("1. This:\n   ```python\n   if x:\n       print(1)\n\n   print(2)\n   ```\n", "if x:\n    print(1)\n\nprint(2)"),
    ("  ```python\nif x:\n  print(1)\n  ```", "if x:\n  print(1)"),
    (fenced("print((1)"), "print((1)"), (fenced("1"), "1"),
    (CODE, ""), ("", ""), ("```", ""), ("``` ``` ```", ""), ("```python\n```", ""), ("```\n\n```\n```", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code"), TEXTS)
def test_the_program_is_found(text, code):
    assert extraction.program(text) == code


def test_finding_the_program_is_linear():
    assert extraction.program("```\n" * 500_000 + "(" * 100_000) is not None


@pytest.mark.parametrize(
    ("text", "reward", "violation"),
    [
        ("<think>hm</think>" + fenced(CODE), 0, 1), ("</think>" + fenced(CODE), 0, 1), (fenced(CODE), 1, 0),
        ("", 0, 0), (CODE, 0, 0),
    ],
)  # fmt: skip
def test_tags_of_hidden_reasoning_earn_nothing(play, text, reward, violation):
    found = play("CompCoding", SQUARES, text)
    assert (found["reward"], found["reasoning_format_violation_rate"]) == (reward, violation)


@pytest.mark.parametrize(("summary", "reward"), [("<think>", 1), ("<think> <think>", 0), ("</think>" * 2, 0)])
def test_tags_in_summaries(play, summary, reward):
    action = [reasoning(summary), assistant_message(fenced(CODE))]
    assert play("CompCoding", SQUARES, action)["reward"] == reward


@pytest.mark.parametrize(("all_tests", "run", "ratio"), [(False, 2, 0.25), (True, 4, 0.75)])
def test_all_tests_or_up_to_the_first_failure(play, all_tests, run, ratio):
    task = row([(str(n), str(n * n)) for n in (1, 2, 3, 4)])
    found = play("CompCoding", task, fenced("n=int(input());print(n*n if n!=2 else 0)"), all_tests=all_tests)
    assert (found["reward"], found["tests_run"], found["rewards"]) == (0, run, {"correct": 0, "pass_ratio": ratio})
    assert found["first_failure"] == {
        "test": 1, "verdict": "wrong_answer", "input": "2", "expected": "4", "output": "0\n", "reason": "",
    }  # fmt: skip


DIVISOR = """
import sys
given, output, expected = (open(path).read() for path in sys.argv[1:])
sys.exit(0 if int(given) % int(output) == 0 and 1 < int(output) < int(given) else 1)
"""
CHECKERS = [
    ({"type": "program", "program": DIVISOR}, "print(2)", 1), ({"type": "program", "program": DIVISOR}, "print(3)", 1),
    ({"type": "program", "program": DIVISOR}, "print(4)", 0),
    ({"type": "program", "program": DIVISOR}, "print('x')", 0),
    ({"type": "program", "program": DIVISOR}, "import os\nprint(open('expected.txt').read())", 0),
    ({"type": "tokens"}, "print('\\n 2')", 1), ({"type": "tokens"}, "print('2.0')", 0),
    ({"type": "float", "tolerance": 0.1}, "print(2.05)", 1), ({"type": "float", "tolerance": 0.1}, "print(2.5)", 0),
    ({"type": "float"}, "print('nan')", 0), ({"type": "float"}, "print('9' * 5000)", 0),
    ({"type": "lines"}, "print(3)", 0),
]  # fmt: skip


@pytest.mark.parametrize(("checker", "code", "reward"), CHECKERS)
def test_checkers(play, checker, code, reward):
    assert play("CompCoding", row([("6", "2")], checker=checker), fenced(code))["reward"] == reward


@pytest.mark.parametrize(("output", "expected"), [("9" * 5000, "8" * 5000), ("2e400", "1e400"), ("1e400", "inf")])
def test_numbers_too_large_to_be_read_are_not_close(output, expected):
    assert not comparison.close_tokens(output, expected, 1e-6)
    assert comparison.close_tokens(output, output, 1e-6)


@pytest.mark.parametrize(("tolerance", "reward"), [(0.1, 1), (0.001, 0)])
def test_a_tolerance_holds_inside_values(play, tolerance, reward):
    task = row([("1", '[1.0, {"a": 2}]')], fn_name="f", checker={"type": "float", "tolerance": tolerance})
    code = "def f(x):\n    return (1.05, {'a': 2})"
    assert play("CompCoding", task, fenced(code))["reward"] == reward


def finished(task, text, **settings):
    env = gymnasium.make("gym_llm/CompCoding-v0", dataset=[task], **settings).unwrapped
    env.reset(seed=0)
    return env.step([assistant_message(text)])


@pytest.mark.parametrize("program", ["1/0", "import sys\nsys.exit(1)", "while True: pass", "import os\nos._exit(7)"])
def test_a_checker_that_fails_is_an_error_and_no_reward(program, monkeypatch):
    monkeypatch.setattr(judging, "_CHECKER_LIMITS", judging.Limits(cpu=1, wall=10))
    task = row([("6", "2")], checker={"type": "program", "program": program})
    _, reward, _, truncated, info = finished(task, fenced("print(5)"))
    if program.endswith("sys.exit(1)"):  # it refuses, as it may
        assert reward == 0
    else:
        assert np.isnan(reward)
        assert truncated
        assert "checker" in info["error"]["message"]


@pytest.mark.parametrize("all_tests", [False, True])
def test_a_failing_sandbox_is_an_error_and_no_reward(all_tests, monkeypatch):
    class Broken:
        async def arun(self, **request):
            raise judging.SandboxError("no more processes")

    monkeypatch.setattr("gym_llm.envs.comp_coding.environment.shared_sandbox", lambda provider: Broken())
    _, reward, terminated, truncated, info = finished(SQUARES, fenced(CODE), all_tests=all_tests)
    assert np.isnan(reward)
    assert (terminated, truncated, info["error"]["type"]) == (False, True, "SandboxError")
    assert info["error"]["message"] == "no more processes"


def test_episodes_go_on_while_others_are_verified():
    class Counting:
        running = most = 0

        async def arun(self, **request):
            Counting.running += 1
            Counting.most = max(Counting.most, Counting.running)
            try:
                return await judging.shared_sandbox("auto").arun(**request)
            finally:
                Counting.running -= 1

    async def episodes():
        envs = [gymnasium.make("gym_llm/CompCoding-v0", dataset=[SQUARES]).unwrapped for _ in range(12)]
        for env in envs:
            env.reset(seed=0)
        return await asyncio.gather(*(bridge.run(env.step, [assistant_message(fenced(CODE))]) for env in envs))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gym_llm.envs.comp_coding.environment.shared_sandbox", lambda provider: Counting())
        assert [step[1] for step in asyncio.run(episodes())] == [1] * 12
    assert Counting.most == 12


def test_unsafe_local_grades_likewise(play):
    assert play("CompCoding", SQUARES, fenced(CODE), sandbox="unsafe-local")["reward"] == 1
    assert play("CompCoding", SUMS, fenced(FUNCTIONS[0][0]), sandbox="unsafe-local")["reward"] == 1


@pytest.mark.parametrize(
    ("task", "field"),
    [
        (SQUARES | {"verifier_metadata": {"unit_tests": {"inputs": [], "outputs": []}}}, "inputs"),
        (SQUARES | {"verifier_metadata": {"unit_tests": {"inputs": ["1"], "outputs": []}}}, "one output per input"),
        (SQUARES | {"verifier_metadata": {}}, "unit_tests"),
        ({"responses_create_params": {"input": "x"}}, "verifier_metadata"),
        (row([("x", "1")], fn_name="f"), "not JSON"),
        (row([("1", "x")], fn_name="f"), "not JSON"),
        (row([("1", "1")], checker={"type": "program"}), "source of its program"),
        (row([("1", "1")], checker={"type": "magic"}), "checker"),
    ],
)
def test_bad_rows_are_refused(task, field):
    env = gymnasium.make("gym_llm/CompCoding-v0", dataset=[task])
    with pytest.raises(TaskError, match=field):
        env.reset(seed=0)


def livecodebench(private, **more):
    return {
        "question_title": "Double", "question_content": "Double the number.", "platform": "own", "question_id": "1",
        "starter_code": "", "difficulty": "easy", "metadata": "{}",
        "public_test_cases": json.dumps([{"input": "1\n", "output": "2\n", "testtype": "stdin"}]),
        "private_test_cases": private, **more,
    }  # fmt: skip


def packed(value):
    return base64.b64encode(zlib.compress(pickle.dumps(value))).decode()


PRIVATE = json.dumps([{"input": "4\n", "output": "8\n", "testtype": "stdin"}])


@pytest.mark.parametrize("private", [PRIVATE, packed(PRIVATE)])
def test_rows_of_livecodebench(play, private):
    given = livecodebench(private)
    assert play("CompCoding", given, fenced("print(int(input())*2)"))["tests_passed"] == 2
    assert play("CompCoding", given, fenced("print(2)"))["reward"] == 0
    assert "Double the number." in CodingTask.model_validate(given).prompt[0]["content"]


def test_functions_of_livecodebench(play):
    tests = json.dumps([{"input": "1\n[2, 3]", "output": "6", "testtype": "functional"}])
    starter = "class Solution:\n    def total(self, a, b):\n        "
    given = livecodebench("[]", starter_code=starter, metadata='{"func_name": "total"}') | {"public_test_cases": tests}
    assert play("CompCoding", given, fenced(starter + "return a + sum(b)"))["reward"] == 1


class Hostile:
    def __reduce__(self):
        return print, ("run while unpickling",)


@pytest.mark.parametrize("private", [packed(Hostile()), packed([1]), "no base64!", base64.b64encode(b"x").decode()])
def test_hostile_private_tests_are_refused(private, capsys):
    env = gymnasium.make("gym_llm/CompCoding-v0", dataset=[livecodebench(private)])
    with pytest.raises(TaskError, match="private test cases"):
        env.reset(seed=0)
    assert "unpickling" not in capsys.readouterr().out


def test_there_are_many_families():
    assert len(FAMILIES) >= 25


@pytest.mark.parametrize("mode", problems.MODES)
@pytest.mark.parametrize("family", FAMILIES)
def test_reference_solutions_pass(play, family, mode):
    made = problems.row(np.random.default_rng([3, len(family)]), family=family, mode=mode, num_tests=4)
    env = gymnasium.make("gym_llm/CompCoding-v0", dataset=[made]).unwrapped
    assert play("CompCoding", made, *env.solve(env.tasks[0]))["reward"] == 1
    tests = made["verifier_metadata"]["unit_tests"]
    assert len(set(tests["outputs"])) > 1, "one answer would pay for all tests"


def test_the_generator_is_deterministic_and_various():
    rows = [[problems.row(np.random.default_rng(seed)) for seed in range(60)] for _ in range(2)]
    assert rows[0] == rows[1]
    assert len({json.dumps(made["responses_create_params"]) for made in rows[0]}) == 60


@pytest.mark.parametrize("knobs", [{"family": "knapsak"}, {"mode": "file"}, {"num_tests": 2}])
def test_bad_knobs_are_refused(knobs):
    with pytest.raises(ConfigError):
        gymnasium.make("gym_llm/CompCoding-v0", dataset={"num_tasks": 2, **knobs}).reset(seed=0)


@pytest.mark.parametrize("settings", [{"sandbox": "bubblewarp"}, {"time_limit": 0}, {"memory_limit": 1}])
def test_bad_settings_are_refused(settings):
    with pytest.raises(ConfigError):
        gymnasium.make("gym_llm/CompCoding-v0", **settings)


def test_a_row_without_reference_says_so():
    env = gymnasium.make("gym_llm/CompCoding-v0", dataset=[SQUARES]).unwrapped
    with pytest.raises(DefinitionError, match="reference_solution"):
        env.solve(env.tasks[0])
