"""Nothing is left over: when a zygote dies, when its host dies, after a fork, at the end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from gym_llm.errors import SandboxError
from gym_llm.sandbox import open_sandbox


def processes(pid: int) -> list[int]:
    """Return the processes below one."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *processes(child)]
    return found


def alive(pids: list[int], seconds: float = 2.0) -> list[int]:
    """Return those that are still there after some time."""
    deadline = time.monotonic() + seconds
    while left := [pid for pid in pids if running(pid)]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    return left


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def descriptors_now() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def own():
    with open_sandbox("bubblewrap", zygotes=1) as sandbox:
        yield sandbox


def test_close_leaves_no_process_and_no_descriptor():
    gc.collect()
    before, descriptors = set(processes(os.getpid())), descriptors_now()
    for _ in range(3):
        with open_sandbox("bubblewrap") as box, box.workspace() as space, box.session() as session:
            box.run(program="1", workspace=space)
            session.execute("1")
            mine = [pid for pid in processes(os.getpid()) if pid not in before]
            assert len(mine) > 2
    assert not alive(mine)
    assert descriptors_now() == descriptors


def mounts_below() -> list[int]:
    """Return how many mounts each process below sees; the machine's own come and go with whatever else runs on it."""
    found, own = [], Path("/proc/self/ns/mnt").readlink()
    for pid in processes(os.getpid()):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if Path(f"/proc/{pid}/ns/mnt").readlink() != own:
                found.append(len(Path(f"/proc/{pid}/mounts").read_text().splitlines()))
    return found


def test_many_runs_leak_nothing(own):
    own.run(program="1")
    time.sleep(0.1)
    before, mounts, descriptors = processes(os.getpid()), mounts_below(), descriptors_now()
    for _ in range(100):
        own.run(program="print(1)")
    assert descriptors_now() == descriptors
    assert not alive([pid for pid in processes(os.getpid()) if pid not in before])
    assert mounts
    assert mounts_below() == mounts


def test_a_dead_zygote_is_replaced(own):
    own.run(program="1")
    for pid in processes(own._zygotes[False][0]._process.pid):
        os.kill(pid, signal.SIGKILL)
    assert own.run(program="print(2)").stdout == b"2\n"


def kill_soon(sandbox, with_space, after=0.4):
    def kill():
        time.sleep(after)
        zygote = sandbox._zygotes[with_space][0]._process.pid
        os.kill(processes(zygote)[0], signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


def test_a_run_whose_zygote_dies_is_run_again(own):
    own.run(program="1")
    thread = kill_soon(own, with_space=False)
    assert own.run(program="import time; time.sleep(0.8); print('again')").stdout == b"again\n"
    thread.join()


def test_a_run_with_a_workspace_is_not_run_twice(own):
    with own.workspace() as space:
        own.run(program="1", workspace=space)
        thread = kill_soon(own, with_space=True)
        with pytest.raises(SandboxError, match="unknown state"):
            own.run(program="import time; time.sleep(5)", workspace=space)
        thread.join()


def test_a_session_whose_zygote_dies_says_so(own):
    with own.session() as session:
        session.execute("x = 1")
        thread = kill_soon(own, with_space=False)
        reply = session.execute("import time; time.sleep(5)")
        assert (reply.reason, reply.restarted) == ("lost", True)
        assert session.execute("2").result == "2"
        thread.join()


def test_everything_dies_with_its_host():
    code = (
        "import os\nfrom gym_llm.sandbox import open_sandbox\nbox = open_sandbox('bubblewrap')\n"
        "session = box.session(profile='process')\n"
        'session.execute(\'import subprocess; subprocess.Popen(["sleep", "99"])\')\n'
        "print('ready', flush=True)\nbox.run(['bash', '-c', 'setsid sleep 99 & trap \"\" TERM HUP; sleep 99'])"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        assert host.stdout.readline() == "ready\n"
        time.sleep(0.3)
        below = processes(host.pid)
        assert len(below) > 6
        host.kill()
    assert not alive(below)


def test_a_zygote_outlives_the_thread_that_started_it(own):
    thread = threading.Thread(target=own.run, kwargs={"program": "1"})
    thread.start()
    thread.join()
    (zygote,) = own._zygotes[False]
    time.sleep(0.1)
    assert own.run(program="print(1)").stdout == b"1\n"
    assert own._zygotes[False] == [zygote]


def test_a_forked_child_has_its_own(own):
    own.run(program="1")
    mine = own._zygotes[False][0]._process.pid
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        told = b"failed"
        try:
            told = own.run(program="print('child')").stdout + asyncio.run(own.arun(program="print(2)")).stdout
            assert own._zygotes[False][0]._process.pid != mine
            with own.workspace({"a": "1"}) as space:
                told += own.run(["cat", "a"], workspace=space).stdout
            own.close()
        finally:
            os.write(writing, told)
            os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    assert os.read(reading, 100) == b"child\n2\n1"
    os.close(reading)
    assert own.run(program="print('parent')").stdout == b"parent\n"
    assert own._zygotes[False][0]._process.pid == mine


def test_a_closed_sandbox_says_so(own):
    own.close()
    with pytest.raises(SandboxError, match="closed"):
        own.run(program="1")
