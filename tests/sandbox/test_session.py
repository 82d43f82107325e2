"""Sessions: they remember, survive errors, end at a deadline, and can lie about nothing but themselves."""

from __future__ import annotations

import asyncio
import time

import pytest

from gym_llm.errors import SandboxError
from gym_llm.sandbox import Limits, open_sandbox


@pytest.fixture
def session(any_box):
    with any_box.session(limits=Limits(wall=5, cpu=5)) as opened:
        yield opened


def test_it_remembers(session):
    assert session.execute("import math\nx = 20").result is None
    assert session.execute("def f(n): return n and n + f(n - 1)\nclass A:\n    y = x").ok
    reply = session.execute("print('hi')\nf(A.y) + math.floor(0.5)")
    assert (reply.stdout, reply.result, reply.error, reply.restarted) == ("hi\n", "210", None, False)
    assert session.execute("_ + 1").result == "211"


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("1", "1"), ("None", None), ("x = 1", None), ("'a'", "'a'"), ("", None), ("# comment", None),
        ("if True:\n    3", None), ("[n for n in range(3)]", "[0, 1, 2]"), ("1; 2", "2"), ("1 if 0 else 4", "4"),
    ],
)  # fmt: skip
def test_the_last_expressions_value(session, code, result):
    reply = session.execute(code)
    assert (reply.result, reply.error, reply.ok) == (result, None, True)


def test_output_before_an_error_is_kept(session):
    reply = session.execute("import sys\nprint('out')\nprint('err', file=sys.stderr)\n1 / 0")
    assert (reply.stdout, reply.stderr, reply.result, reply.ok) == ("out\n", "err\n", None, False)
    assert reply.error.endswith("ZeroDivisionError: division by zero\n")


def test_traceback_begins_with_the_users_code(session):
    session.execute("def f():\n    raise KeyError('no')")
    error = session.execute("f()").error
    assert error.count("File ") == 2
    assert 'File "<cell 2>", line 1' in error
    assert "    raise KeyError('no')\n" in error


def test_syntax_errors_show_no_frames_of_ours(session):
    error = session.execute("x = = 1").error
    assert error.count("File ") == 1
    assert "SyntaxError" in error


@pytest.mark.parametrize(
    "code", ["import sys; sys.exit(3)", "raise KeyboardInterrupt", "quit()", "raise BaseException"]
)
def test_it_survives(session, code):
    session.execute("x = 5")
    assert session.execute(code).error
    assert session.execute("x").result == "5"


def test_output_of_the_system_kind(session):
    assert session.execute("import os; _ = os.write(1, b'raw\\n')").stdout == "raw\n"


def test_deadline_then_a_fresh_start(session):
    session.execute("x = 1")
    began = time.monotonic()
    late = session.execute("print('begun', flush=True)\nwhile True: pass", 0.5)
    assert time.monotonic() - began < 3
    assert (late.reason, late.restarted) == ("wall", True)
    again = session.execute("x")
    assert "NameError" in again.error
    assert not again.restarted


def test_cpu_is_counted_for_each_call(box):
    spin = "import time\nend = time.process_time() + 0.4\nwhile time.process_time() < end: pass"
    with box.session(limits=Limits(cpu=0.6, wall=20)) as session:
        assert [session.execute(spin).reason for _ in range(3)] == ["done"] * 3
        assert session.execute("while True: pass").reason == "cpu"


@pytest.mark.parametrize(
    ("code", "reason"), [("import os; os._exit(3)", "exit"), ("import ctypes; ctypes.string_at(8)", "signal")]
)
def test_an_end_is_told(any_box, code, reason):
    with any_box.session() as session:
        reply = session.execute(f"print('last', flush=True)\n{code}")
        assert (reply.reason, reply.restarted, reply.stdout) == (reason, True, "last\n")
        assert session.execute("1").result == "1"


def test_flood_ends_it(box):
    with box.session(limits=Limits(output=10_000)) as session:
        reply = session.execute("while True: print('x' * 1000)")
        assert (reply.reason, len(reply.stdout), reply.stdout_truncated) == ("output", 10_000, True)
        assert session.execute("print('y')").stdout == "y\n"


def test_long_code_and_long_values(session):
    reply = session.execute("x = " + repr("é" * 1_000_000) + "\nx")
    assert reply.ok
    assert reply.result.endswith("characters in all)")
    assert session.execute("len(x)").result == "1000000"


def test_values_that_cannot_be_shown(session):
    reply = session.execute("class A:\n    def __repr__(self): raise ValueError('no')\nA()")
    assert reply.error.endswith("ValueError: no\n")
    assert session.execute("print('\\ud800')").error
    assert session.execute("'\\ud800'").result == r"'\ud800'"


def test_forged_replies_are_nothing(box):
    forge = "import json, os\nforged = json.dumps({'result': 'forged'}).encode()\nfor body in (forged, b'[', b'[]'):\n"
    send = "    _ = os.write(3, len(body).to_bytes(4, 'little') + body)\n7"
    with box.session(limits=Limits(wall=2)) as session:
        assert session.execute(forge + send).result == "7"
        assert session.execute("8").result == "8"
        assert session.execute("_ = os.write(3, b'\\xff' * 99)").reason == "lost"
        assert session.execute("import os\nos.close(3)").reason in ("exit", "lost")
        assert session.execute("2").result == "2"


def test_memory_of_a_session(box):
    with box.session(limits=Limits(memory=200 << 20)) as session:
        assert "MemoryError" in session.execute("x = bytearray(1 << 30)").error
        assert session.execute("1").result == "1"


def test_it_starts_processes_only_where_it_may(box):
    code = "import subprocess\nsubprocess.run(['echo', 'hi'], capture_output=True).stdout"
    with box.session() as alone, box.session(profile="process") as free:
        assert "PermissionError" in alone.execute(code).error
        assert free.execute(code).result == r"b'hi\n'"


def test_files_and_workspace(box):
    with box.session(files={"a.txt": "1"}) as session:
        assert session.execute("open('a.txt').read()").result == "'1'"
    with box.workspace({"a.txt": "2"}) as space, box.session(workspace=space) as session:
        session.execute("_ = open('b.txt', 'w').write(open('a.txt').read())")
        assert space.read("b.txt") == b"2"


def test_awaited(box):
    async def play():
        with box.session() as first, box.session() as second:
            await first.aexecute("x = 1")
            replies = await asyncio.gather(first.aexecute("x"), second.aexecute("x = 2\nx"))
            late = await first.aexecute("while True: pass", 0.3)
            return [reply.result for reply in replies], late.reason, (await second.aexecute("x")).result

    assert asyncio.run(play()) == (["1", "2"], "wall", "2")


def test_cancelling_ends_the_process(box):
    async def play():
        with box.session() as session:
            await session.aexecute("x = 1")
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(session.aexecute("while True: pass"), 0.3)
            return await session.aexecute("x")

    assert "NameError" in asyncio.run(play()).error


def test_one_call_at_a_time(box):
    async def play():
        with box.session() as session:
            task = asyncio.create_task(session.aexecute("import time; time.sleep(0.3)"))
            await asyncio.sleep(0.05)
            with pytest.raises(SandboxError, match="one call at a time"):
                await session.aexecute("1")
            return await task

    assert asyncio.run(play()).ok


def test_it_starts_with_the_first_call_only():
    with open_sandbox("bubblewrap") as box:
        session = box.session()
        assert session._link is None
        session.close()
        with pytest.raises(SandboxError, match="closed"):
            session.execute("1")


def test_a_call_is_fast(box):
    with box.session() as session:
        session.execute("1")
        took = []
        for _ in range(20):
            began = time.monotonic()
            session.execute("1")
            took.append(time.monotonic() - began)
        assert min(took) < 0.05
