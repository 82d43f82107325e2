"""The pool: results come back, deadlines kill, deaths are named, nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from gym_llm import pool as pool_module
from gym_llm.errors import ConfigError, PoolCrashed, PoolError, PoolTimeout
from gym_llm.pool import Pool

HERE = Path(__file__).parent
ROOT = HERE.parent


@pytest.fixture(scope="module")
def pool():
    with Pool(size=2) as shared:
        yield shared


@pytest.fixture
def functions(tmp_path, monkeypatch):
    """Functions of a package whose __init__ must not be run."""
    package = tmp_path / "checkers"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('the package was imported')\n")
    (package / "odd.py").write_text(
        textwrap.dedent("""
            import os, signal, sys, time

            def echo(*values): return list(values)
            def die(number): os.kill(os.getpid(), number); time.sleep(60)
            def loop():
                while True: pass
            def talk(): print("printed"); return "quiet"
            def secret(): return object()
            def loaded(): return sorted(sys.modules)
            def not_a_number(): return float("nan")
            def leave(): sys.exit(7)
            def interrupt(): raise KeyboardInterrupt("pressed")
            def unspeakable():
                class Bad(Exception):
                    def __str__(self): raise ValueError
                raise Bad
            def deep(n): return deep(n + 1)
            def child():
                import subprocess
                return subprocess.Popen(["sleep", "60"]).pid
            def child_and_hang():
                import pathlib
                pathlib.Path(os.environ["CHILD"]).write_text(str(child()))
                time.sleep(60)
        """)
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with Pool(size=1) as fresh:
        yield fresh


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def gone(pids, seconds=5.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not any(map(alive, pids)):
            return True
        time.sleep(0.01)
    return False


def children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -1, 2**63, 10**40, 1.5, "", "é \u4e2d \U0001f600 \x00 \u2028", [], {"a": [1, {"b": None}]}],
)
def test_plain_data_goes_in_and_out(functions, value):
    assert functions.call("checkers.odd:echo", value, value, timeout=10) == [value, value]


def test_a_package_is_not_imported_for_its_module(functions):
    assert functions.call("checkers.odd:echo", 1, timeout=10) == [1]


def test_a_module_that_imports_its_package_still_loads(pool):
    assert pool.call("gym_llm.episode:Verification.__repr__.__name__.upper", timeout=10) == "__REPR__"


def test_large_payloads(pool):
    text = "x\u00e9" * 5_000_000
    assert pool.call("operator:add", text, "!", timeout=30) == text + "!"


def test_lone_surrogates_are_replaced(pool):
    assert pool.call("operator:add", "a\ud800", "b", timeout=10) == "a\ufffdb"


def test_prints_do_not_disturb_the_replies(functions, capfd):
    assert functions.call("checkers.odd:talk", timeout=10) == "quiet"
    functions.close()
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("function", "arguments", "said"),
    [
        ("math:sqrt", [-1], "math:sqrt: ValueError: math domain error"),
        ("math:no_such", [], "AttributeError: module 'math' has no attribute 'no_such'"),
        ("no_such_module:f", [], "ModuleNotFoundError: No module named 'no_such_module'"),
        ("math:pi", [], "TypeError: math:pi is no function"),
        ("math", [], "math"),
        ("math:sqrt", [1, 2, 3], "TypeError"),
        ("checkers.odd:secret", [], "TypeError: Object of type object is not JSON serializable"),
        ("checkers.odd:not_a_number", [], "ValueError: Out of range float"),
        ("checkers.odd:leave", [], "SystemExit: 7"),
        ("checkers.odd:interrupt", [], "KeyboardInterrupt: pressed"),
        ("checkers.odd:unspeakable", [], r"Bad: \(no text\)"),
        ("checkers.odd:deep", [0], "RecursionError"),
    ],
)
def test_exceptions_come_back_as_text(functions, function, arguments, said):
    with pytest.raises(PoolError, match=said) as caught:
        functions.call(function, *arguments, timeout=10)
    assert type(caught.value) is PoolError
    assert functions.call("math:sqrt", 4, timeout=10) == 2


def test_the_traceback_is_a_note(functions):
    with pytest.raises(PoolError) as caught:
        functions.call("checkers.odd:leave", timeout=10)
    assert "in leave" in caught.value.__notes__[0]


def test_arguments_that_are_no_plain_data_are_refused(pool):
    with pytest.raises(TypeError):
        pool.call("operator:add", object(), 1, timeout=1)


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_deadline_is_above_zero(pool, timeout):
    with pytest.raises(ConfigError, match="seconds above 0"):
        pool.call("math:sqrt", 4, timeout=timeout)


def test_a_pool_has_a_process():
    with pytest.raises(ConfigError, match="at least 1"):
        Pool(size=0)


def test_a_deadline_kills(functions):
    first = functions.call("os:getpid", timeout=10)
    begun = time.monotonic()
    with pytest.raises(PoolTimeout, match=r"checkers\.odd:loop was killed.*0\.3 seconds"):
        functions.call("checkers.odd:loop", timeout=0.3)
    assert time.monotonic() - begun < 5
    assert gone([first])
    assert functions.call("os:getpid", timeout=10) != first


def test_a_regex_that_never_ends_is_killed(pool):
    with pytest.raises(PoolTimeout):
        pool.call("re:match", "(a+)+$", "a" * 100 + "!", timeout=0.3)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGTERM, signal.SIGABRT])
def test_a_death_is_named(functions, number):
    with pytest.raises(PoolCrashed, match=f"killed by {number.name}"):
        functions.call("checkers.odd:die", int(number), timeout=10)
    assert functions.call("math:sqrt", 4, timeout=10) == 2


def test_an_exit_is_named(pool):
    with pytest.raises(PoolCrashed, match="exited with status 3"):
        pool.call("os:_exit", 3, timeout=10)


def test_a_process_that_died_idle_is_replaced(functions):
    first = functions.call("os:getpid", timeout=10)
    os.kill(first, signal.SIGKILL)
    assert gone([first])
    assert functions.call("os:getpid", timeout=10) != first


def test_what_a_killed_call_started_is_killed_too(functions, tmp_path, monkeypatch):
    monkeypatch.setenv("CHILD", str(tmp_path / "child"))
    with pytest.raises(PoolTimeout):
        functions.call("checkers.odd:child_and_hang", timeout=1.0)
    assert gone([int((tmp_path / "child").read_text())])


def test_an_import_has_its_own_deadline(tmp_path, monkeypatch):
    (tmp_path / "slow_import.py").write_text("import time; time.sleep(0.5)\ndef f(): return 1\n")
    (tmp_path / "endless_import.py").write_text("while True: pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with Pool(size=1) as patient:
        assert patient.call("slow_import:f", timeout=0.2) == 1
    with Pool(size=1, start_timeout=0.5) as hasty, pytest.raises(PoolTimeout, match="could not be imported"):
        hasty.call("endless_import:f", timeout=10)


def test_many_concurrent_acalls(pool):
    async def main():
        calls = [pool.acall("operator:mul", number, 2, timeout=30) for number in range(500)]
        bad = [pool.acall("math:sqrt", -1, timeout=30) for _ in range(20)]
        return await asyncio.gather(*calls, *bad, return_exceptions=True)

    results = asyncio.run(main())
    assert results[:500] == [2 * number for number in range(500)]
    assert all(isinstance(result, PoolError) for result in results[500:])


def test_first_come_first_served():
    with Pool(size=1) as single:
        single.call("math:sqrt", 4, timeout=10)

        async def main():
            done = []

            async def one(number):
                await single.acall("time:sleep", 0.001, timeout=10)
                done.append(number)

            await asyncio.gather(*map(one, range(30)))
            return done

        assert asyncio.run(main()) == list(range(30))


def test_waiting_does_not_count():
    with Pool(size=1) as single:

        async def main():
            return await asyncio.gather(*(single.acall("time:sleep", 0.3, timeout=0.8) for _ in range(5)))

        assert asyncio.run(main()) == [None] * 5


def test_no_more_processes_than_its_size():
    with Pool(size=2) as small:

        async def main():
            return await asyncio.gather(*(small.acall("os:getpid", timeout=10) for _ in range(100)))

        assert len(set(asyncio.run(main()))) <= 2


def test_nothing_starts_before_the_first_call():
    before = threading.active_count()
    with Pool(size=2):
        assert threading.active_count() == before


def test_the_event_loop_goes_on():
    async def main(single):
        hanging = asyncio.ensure_future(single.acall("time:sleep", 30, timeout=60))
        ticks = 0
        while ticks < 20:
            await asyncio.sleep(0.005)
            ticks += 1
        assert not hanging.done()
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging
        return await single.acall("math:sqrt", 4, timeout=10)

    with Pool(size=1) as single:
        begun = time.monotonic()
        assert asyncio.run(main(single)) == 2
        assert time.monotonic() - begun < 20, "a cancelled call must not occupy its process until its deadline"


def test_threads_share_a_pool(pool):
    results: dict[int, int] = {}

    def work(number):
        results[number] = sum(pool.call("operator:add", number, step, timeout=30) for step in range(20))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: 20 * number + 190 for number in range(16)}


def test_closing_ends_everything():
    closed = Pool(size=2)
    pids = {closed.call("os:getpid", timeout=10)}

    async def main():
        hanging = [asyncio.ensure_future(closed.acall("time:sleep", 60, timeout=90)) for _ in range(5)]
        await asyncio.sleep(0.3)
        await asyncio.to_thread(closed.close)
        return await asyncio.gather(*hanging, return_exceptions=True)

    assert {str(error) for error in asyncio.run(main())} == {"the pool is closed"}
    assert gone(pids)
    with pytest.raises(PoolError, match="the pool is closed"):
        closed.call("math:sqrt", 4, timeout=1)
    closed.close()


def test_no_descriptors_are_lost():
    with Pool(size=1) as single:
        single.call("math:sqrt", 4, timeout=10)
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(5):
            with pytest.raises(PoolCrashed):
                single.call("os:_exit", 0, timeout=10)
        single.call("math:sqrt", 4, timeout=10)
        assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_the_default_pool_is_one():
    assert pool_module.default() is pool_module.default()
    assert pool_module.default().call("math:sqrt", 4, timeout=30) == 2


def script(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="a busy process is killed with its parent by Linux")
@pytest.mark.parametrize("busy", [False, True])
def test_a_killed_parent_leaves_no_orphans(busy):
    parent = script(f"""
        import threading, time
        from gym_llm.pool import Pool
        pool = Pool(size=2)
        for _ in range(2 if {busy} else 0):
            threading.Thread(target=pool.call, args=("re:match", "(a+)+$", "a" * 100 + "!"),
                             kwargs=dict(timeout=600), daemon=True).start()
        if not {busy}:
            pool.call("math:sqrt", 4, timeout=60)
        time.sleep(0.5)
        print("ready", flush=True)
        time.sleep(600)
    """)
    try:
        assert parent.stdout.readline() == "ready\n"
        workers = children(parent.pid)
        assert len(workers) == (2 if busy else 1)
    finally:
        parent.kill()
        parent.communicate()
    assert gone(workers)


def test_an_ending_parent_says_nothing_and_leaves_nothing():
    ended = script("""
        from gym_llm import pool
        print(pool.default().call("os:getpid", timeout=60))
    """)
    out, err = ended.communicate(timeout=60)
    assert (ended.returncode, err) == (0, "")
    assert gone([int(out)])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_processes_of_its_own():
    forked = script("""
        import os, warnings
        warnings.simplefilter("ignore")
        from gym_llm import pool
        first = pool.default().call("os:getpid", timeout=60)
        child = os.fork()
        second = pool.default().call("os:getpid", timeout=60)
        if child:
            _, status = os.waitpid(child, 0)
            print(status, first == second)
        else:
            os._exit(0 if first != second else 1)
    """)
    out, err = forked.communicate(timeout=60)
    assert (out, err) == ("0 True\n", "")


def test_a_worker_is_light(functions):
    loaded = set(functions.call("checkers.odd:loaded", timeout=10))
    assert not loaded & {"gym_llm", "gymnasium", "numpy", "pydantic", "msgspec", "asyncio", "subprocess"}
