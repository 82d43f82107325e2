r"""MathWithCode: a session that behaves like Python, answers from messages only, tricks, the generator."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm.envs.math_with_code import answers, problems
from gym_llm.envs.math_with_code import session as sessions
from gym_llm.errors import ConfigError, MissingExtra, SandboxError
from gym_llm.items import assistant_message, function_call, message

TOOL = {
    "type": "function", "name": "execute_python", "strict": True,
    "parameters": {"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"],
                   "additionalProperties": False},
}  # fmt: skip
ROW = {
    "id": 1,
    "responses_create_params": {
        "input": [message("Use execute_python; finish with \\boxed{}", "system"), message("How many primes below 50?")],
        "tools": [TOOL], "parallel_tool_calls": False,
    },
    "expected_result": "15", "expected_code_contains": "",
}  # fmt: skip


def run(code):
    return [function_call("execute_python", {"code": code})]


@pytest.fixture
def env():
    made = gymnasium.make("gym_llm/MathWithCode-v0", dataset=[ROW], call_timeout=3.0).unwrapped
    made.reset(seed=0)
    yield made
    made.close()


@pytest.fixture
def call(env):
    return lambda code: json.loads(env.step(run(code))[0][-1]["output"])


# What the session is sent, and the last reply's result and stdout.
PYTHON = [
    (["1 + 1"], "2", ""),
    (["x = 20", "x + 1"], "21", ""),
    (["def f(n):\n    return 1 if n < 2 else n * f(n - 1)\nf(10)"], "3628800", ""),
    (["import math\ndef area(r):\n    return math.floor(math.pi * r * r)", "def a(): return area(2)\na()"], "12", ""),
    (["class A:\n    def __init__(self, x):\n        self.x = x\nsorted(a.x for a in [A(2), A(1)])"], "[1, 2]", ""),
    (["L = [1]", "L.append(2)", "L"], "[1, 2]", ""),
    (["print('a')"], None, "a\n"),
    (["x = 1"], None, ""),
    (["'text'"], "'text'", ""),
    (["isinstance(True, int), any([0, 1]), round(2.5), pow(2, 5, 7)"], "(True, True, 2, 4)", ""),
    (["from fractions import Fraction as F\nstr(F(1, 3) + F(1, 6))"], "'1/2'", ""),
    (["try:\n    1 / 0\nexcept Exception as error:\n    print(type(error).__name__)"], None, "ZeroDivisionError\n"),
    (["import sys", "sys.exit(3)", "1"], "1", ""),
    (["def f(n):\n    return n and 1 + f(n - 1)\nf(500)"], "500", ""),
    (["import numpy as np\nint(np.arange(10).sum())"], "45", ""),
    (["import sympy\nsympy.factorint(360)"], "{2: 3, 3: 2, 5: 1}", ""),
    (["from scipy import integrate\nround(integrate.quad(lambda x: x * x, 0, 3)[0], 6)"], "9.0", ""),
    (["import pandas as pd\nint(pd.DataFrame({'a': [1, 2]}).a.sum())"], "3", ""),
]  # fmt: skip


@pytest.mark.parametrize(("codes", "result", "stdout"), PYTHON)
def test_it_behaves_like_python(call, codes, result, stdout):
    replies = [call(code) for code in codes]
    assert (replies[-1]["result"], replies[-1]["stdout"]) == (result, stdout), replies
    assert replies[-1] == {
        "success": True, "stdout": stdout, "stderr": "", "error_message": None, "result": result,
    }  # fmt: skip


def test_an_error_keeps_the_output_and_has_a_traceback(call):
    call("def inverse(x):\n    return 1 / x")
    reply = call("print('before')\ninverse(0)")
    assert (reply["success"], reply["stdout"], reply["result"]) == (False, "before\n", None)
    assert reply["error_message"].endswith("ZeroDivisionError: division by zero\n")
    assert "return 1 / x" in reply["error_message"]
    assert "gym_llm" not in reply["error_message"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("while True: pass", "longer than 3 seconds"), ("import time\ntime.sleep(60)", "longer than 3 seconds"),
        ("while True:\n    try:\n        pass\n    except BaseException:\n        pass", "longer than 3 seconds"),
        ("10 ** 10 ** 9", "longer than 3 seconds"), ("import os\nos._exit(0)", "ended the Python process"),
        ("import ctypes\nctypes.string_at(0)", "ended the Python process"),
        ("while True: print('x' * 10000)", "printed too much"),
    ],
)  # fmt: skip
def test_what_ends_the_session_is_told_and_the_next_call_works(env, call, code, reason):
    call("x = 1")
    reply = call(code)
    assert not reply["success"]
    assert reason in reply["error_message"]
    assert "was reset" in reply["error_message"]
    assert call("'x' in globals()")["result"] == "False"
    *_, info = env.step([assistant_message(r"\boxed{15}")])
    found = info["verification"]
    assert (found["reward"], found["python_calls"]) == (1, 3)
    assert (found["python_errors"], found["python_resets"]) == (1, 1)


@pytest.mark.parametrize(
    "code",
    [
        "import os\nos.fork()", "import subprocess\nsubprocess.run(['id'])", "bytearray(16 << 30)",
        "import socket\nsocket.create_connection(('127.0.0.1', 22), 1)", "open('/etc/shadow').read()",
        "import os\nopen(f'/proc/{os.getppid()}/mem', 'rb').read(1)", "import gym_llm.envs",
        "open('/usr/x', 'w')", "raise KeyboardInterrupt",
        "class E(Exception):\n    def __str__(s): return 1/0\nraise E",
        "(", "\0",
    ],
)  # fmt: skip
def test_what_is_denied_is_an_error_and_the_session_goes_on(call, code):
    call("x = 7")
    assert not call(code)["success"]
    assert call("x")["result"] == "7"


def test_secrets_of_this_process_are_not_there(call, monkeypatch):
    monkeypatch.setenv("GYM_LLM_SECRET", "sesame")
    reply = call(
        "import os, gc\nfound = [o for o in gc.get_objects() if isinstance(o, dict) and 'expected_result' in o]\n"
        "os.environ.get('GYM_LLM_SECRET'), found"
    )
    assert reply["result"] == "(None, [])"


def test_long_outputs_are_cut(call):
    reply = call("print('x' * 50_000)\n'y' * 50_000")
    assert all(len(reply[name]) < 11_000 and "left out" in reply[name] for name in ("stdout", "result"))


def test_episodes_have_sessions_of_their_own_that_end_with_them(env, call):
    call("x = 1")
    assert env._session is not None
    env.step([assistant_message("\\boxed{15}")])
    assert env._session is None
    env.reset(seed=1)
    assert call("'x' in globals()")["result"] == "False"


def test_sessions_start_with_their_first_call(env):
    assert env._session._session is None
    env.step([assistant_message("\\boxed{15}")])


@pytest.mark.parametrize("ended", [True, False])
def test_many_episodes_leave_no_descriptors_behind(ended):
    def episode():
        made = gymnasium.make("gym_llm/MathWithCode-v0", dataset=[ROW]).unwrapped
        made.reset(seed=0)
        made.step(run("x = 1"))
        if ended:
            made.step([assistant_message("\\boxed{15}")])
        del made
        gc.collect()
        return len(list(Path("/proc/self/fd").iterdir()))

    counts = [episode() for _ in range(6)]
    assert counts[1] >= counts[-1]


# expected, what was said (one text per turn), reward
ANSWERS = [
    ("15", ["So \\boxed{15}."], 1), ("15", ["\\boxed{14}"], 0), ("15", ["\\boxed{15} no, \\boxed{16}"], 0),
    ("15", ["\\boxed{16} no, \\boxed{15}"], 1), ("15", ["15"], 0), ("15", [""], 0), ("15", ["\\boxed{15"], 0),
    ("15", ["\\boxed{15} \\boxed{ }"], 0), ("42", ["\\boxed{42.0}"], 1), ("\\(3\\)", ["\\boxed{ 3 }"], 1),
    ("yes", ["\\boxed{\\text{yes}}"], 1), ("inf", ["\\boxed{inf}"], 1), ("0.5", ["\\boxed{\\frac{1}{2}}"], 1),
    ("1000", ["\\boxed{1,000}"], 1), ("\\frac12", ["\\boxed{\\dfrac12}"], 1), ("\\{1,2\\}", ["\\boxed{\\{2,1\\}}"], 1),
    ("1000000", ["\\boxed{1000001}"], 0), ("1000000001", ["\\boxed{1000000002}"], 0),
    ("0.3333333", ["\\boxed{0.33333333}"], 1), ("0.333", ["\\boxed{0.334}"], 0), ("5", ["\\boxed{nan}"], 0),
    ("5", ["\\boxed{1e999999}"], 0), ("x+1", ["\\boxed{1+x}"], 1), ("(1,2]", ["\\boxed{(1,2)}"], 0),
    ("5", ["\\boxed{9^{9^{9^{9}}}}"], 0), ("5", ["\\boxed{" + "(" * 3000 + "}"], 0),
    ("5", ["\\boxed{\\frac{}{}\\sqrt{}}"], 0), ("5", ["\\boxed{5, 6, 7}"], 0),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "said", "reward"), ANSWERS)
def test_answers(play, expected, said, reward):
    found = play("MathWithCode", ROW | {"expected_result": expected}, *said)
    assert (found["reward"], found["accuracy"]) == (reward, bool(reward)), found


@pytest.mark.parametrize(
    ("actions", "reward", "answered"),
    [
        ([run("print(r'\\boxed{15}')"), ""], 0, 0),
        ([run("print(r'\\boxed{15}')"), "\\boxed{14}"], 0, 1),
        ([[assistant_message("\\boxed{15}"), *run("1")], "Done."], 1, 1),
        ([run("15"), "It is \\boxed{15}"], 1, 1),
        ([[function_call("end_session", {})], "\\boxed{15}"], 1, 1),
        ([[function_call("execute_python", "{")], [function_call("execute_python", {"code": 5})], "\\boxed{15}"], 1, 1),
    ],
)
def test_only_what_the_model_says_is_an_answer(play, actions, reward, answered):
    found = play("MathWithCode", ROW, *actions)
    assert (found["reward"], found["rewards"]["answered"]) == (reward, answered)


def test_finding_the_answer_is_linear():
    assert answers.last_answer(["\\boxed{" * 300_000, "{" * 2_000_000]) is None


def test_a_failing_sandbox_is_an_error_and_no_reward(env, monkeypatch):
    class Broken:
        def session(self, **settings):
            raise SandboxError("no more processes")

    monkeypatch.setattr(sessions, "shared_sandbox", lambda provider: Broken())
    *_, info = env.step(run("1"))
    assert info["crashes"][0]["type"] == "SandboxError"
    _, reward, terminated, truncated, info = env.step([assistant_message("\\boxed{15}")])
    assert np.isnan(reward)
    assert (terminated, truncated) == (False, True)
    assert "the sandbox failed" in info["error"]["message"]


def test_missing_packages_are_told_at_make(monkeypatch):
    monkeypatch.setattr(sessions, "PACKAGES", ("no_such_package",))
    with pytest.raises(MissingExtra, match=r"gym-llm\[math-with-code\]"):
        gymnasium.make("gym_llm/MathWithCode-v0")


@pytest.mark.parametrize("settings", [{"sandbox": "dockers"}, {"call_timeout": 0}, {"output_chars": 1}])
def test_bad_settings_are_refused(settings):
    with pytest.raises(ConfigError):
        gymnasium.make("gym_llm/MathWithCode-v0", **settings)


@pytest.mark.parametrize("family", problems.FAMILIES)
def test_reference_code_computes_the_answer(call, play, family):
    made = problems.row(np.random.default_rng([5, len(family)]), family=family, difficulty="medium")
    result = call(made["reference_code"])["result"]
    assert str(eval(result)) == made["expected_result"]
    assert play("MathWithCode", made, f"\\boxed{{{made['expected_result']}}}")["reward"] == 1


def test_the_generator_is_deterministic_and_various():
    rows = [[problems.row(np.random.default_rng(seed)) for seed in range(60)] for _ in range(2)]
    assert rows[0] == rows[1]
    assert len({json.dumps(made["responses_create_params"]) for made in rows[0]}) >= 55
    assert len({made["family"] for made in rows[0]}) > 12


@pytest.mark.parametrize("knobs", [{"family": "primes"}, {"difficulty": "impossible"}])
def test_bad_knobs_are_refused(knobs):
    with pytest.raises(ConfigError):
        gymnasium.make("gym_llm/MathWithCode-v0", dataset={"num_tasks": 2, **knobs}).reset(seed=0)
