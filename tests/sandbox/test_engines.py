"""Real container engines, where they run: results are honest, limits hold, nothing stays. The image is `rootfs.py`."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time

import pytest

from gym_llm.errors import SandboxError, SandboxUnavailable
from gym_llm.sandbox import Limits, battery, doctor, open_sandbox

MIB = 1 << 20
TOO_BIG = "import os\nfile = open('big', 'wb')\nfor _ in range(64): file.write(bytes(1 << 20))"
FILL = "for n in 1 2 3 4 5 6; do head -c 4000000 /dev/urandom > part$n; done; sleep 20"
HOLD = "import time; held = bytes([1]) * (60 << 20); time.sleep(20)"
FORKS = "for n in $(seq 30); do sleep 5 & done; wait"


@pytest.fixture(scope="module")
def box(real_engine):
    name, image = real_engine
    with open_sandbox(name, image=image, concurrency=10) as opened:
        yield opened


def containers(box, pid=None, kind="--all"):
    """Return the containers of a process, also those that have ended unless another kind is asked for."""
    words = [box.name, "ps", kind, "--quiet", "--filter", f"name=gym-llm-{pid or os.getpid()}-"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()


def gone(box, pid, seconds=10.0):
    end = time.monotonic() + seconds
    while containers(box, pid) and time.monotonic() < end:
        time.sleep(0.2)
    return not containers(box, pid)


def test_a_program_reads_prints_and_writes(box):
    program = "import helper, os, sys\nopen('x', 'w').write(input())\n"
    program += "print(open('x').read(), helper.X, sys.argv, os.getuid())"
    result = box.run(program=program, stdin="hi\n", files={"helper.py": "X = 1"}, arguments=["a"])
    assert result.stdout_text == f"hi 1 ['/sandbox/program.py', 'a'] {box.owner}\n", result.stderr_text
    assert (result.reason, result.exit_status, result.signal) == ("exit", 0, None)
    assert 0 < result.cpu < 1
    assert MIB < result.memory < 64 * MIB
    assert box.owner
    assert not containers(box)


@pytest.mark.parametrize(
    ("run", "reason", "status", "signal"),
    [
        ({"program": "raise SystemExit(137)"}, "exit", 137, None),
        ({"program": "while True: pass", "limits": Limits(cpu=1)}, "cpu", None, 9),
        ({"program": "import time; time.sleep(60)", "limits": Limits(wall=0.5)}, "wall", None, 9),
        ({"program": "while True: print('x' * 999)", "limits": Limits(output=9999)}, "output", None, 9),
        ({"program": "bytearray(1 << 30)", "limits": Limits(memory=64 * MIB)}, "exit", 1, None),
        ({"program": TOO_BIG}, "exit", 1, None),
        ({"command": ["bash", "-c", "kill -9 $$"]}, "signal", None, 9),
        ({"command": ["bash", "-c", "kill -9 1; kill -INT 1; kill -TERM 1; exit 3"]}, "exit", 3, None),
        ({"command": ["bash", "-c", "sleep 60 & exit 152"]}, "exit", 152, None),
        ({"command": ["nowhere"]}, "exit", 127, None),
        ({"command": ["bash", "-c", FORKS], "limits": Limits(processes=8)}, "exit", 254, None),
    ],
)  # fmt: skip
def test_ends(box, run, reason, status, signal):
    result = box.run(**run)
    assert (result.reason, result.exit_status, result.signal) == (reason, status, signal), result.stderr_text
    assert not containers(box)


def test_memory_of_many_processes_is_summed(box):
    limits = Limits(memory=150 * MIB, address_space=2048 * MIB)
    text = f"for n in 1 2 3 4; do python -c '{HOLD}' & done; wait"
    assert box.run(["bash", "-c", text], limits=limits).reason == "memory"


def test_disk_of_a_run_and_of_a_workspace(box):
    limits = Limits(disk=8 * MIB, wall=10)
    assert "No space left" in box.run(["bash", "-c", FILL.replace("20", "0")], limits=limits).stderr_text
    with box.workspace() as space:
        assert box.run(["bash", "-c", FILL], limits=limits, workspace=space).reason == "disk"


def test_a_workspace_is_the_runs_and_the_callers(box, tmp_path):
    (tmp_path / "secret").write_text("s3cret")
    with box.workspace({"a.txt": "1", "src/b.py": "2"}) as space:
        text = f"cat a.txt; echo 3 > src/b.py; ln -s {tmp_path}/secret l; mkdir -m 700 d; cat l"
        told = box.run(["bash", "-c", text], workspace=space)
        assert (told.stdout_text, told.exit_status) == ("1", 1)
        assert space.read("src/b.py") == b"3\n"
        with pytest.raises(OSError, match="symbolic links"):
            space.read("l")
        space.write("d/c.txt", "4")
        with space.snapshot() as before:
            assert box.run(["bash", "-c", "cat d/c.txt; rm -r d src"], workspace=space).stdout == b"4"
            program = "import os; open('d/c.txt', 'a').write('5'); os.remove('src/b.py')"
            assert box.run(program=program, workspace=before).ok
            assert before.read("d/c.txt") == b"45"
        assert space.paths() == ["a.txt", "l"]


def test_sessions(box):
    with box.session(limits=Limits(cpu=1, wall=20), environment={"NAME": "x"}) as session:
        session.execute("x = 20\nprint('lost?')")
        reply = session.execute("import os\nprint('out')\nprint('err', file=__import__('sys').stderr)\nx + 1")
        assert (reply.stdout, reply.stderr, reply.result) == ("out\n", "err\n", "21")
        assert session.execute("os.environ['NAME']").result == "'x'"
        for code, limits, reason in (
            ("while True: pass", None, "cpu"), ("import time; time.sleep(9)", 1.0, "wall"),
            ("import os; os._exit(3)", None, "exit"), ("raise SystemExit", None, "done"),
        ):  # fmt: skip
            reply = session.execute(code, limits)
            assert (reply.reason, reply.restarted) == (reason, reason != "done")
        assert session.execute("1 + 1").result == "2"
    assert gone(box, os.getpid())


def test_ten_at_once(box):
    async def all_of_them():
        program = "import time; time.sleep(0.5); print(int(input()) ** 2)"
        return await asyncio.gather(
            *[box.arun(program=program, stdin=str(n), limits=Limits(wall=20)) for n in range(10)]
        )

    results = asyncio.run(all_of_them())
    assert [int(result.stdout) for result in results] == [n * n for n in range(10)]
    assert max(result.wall for result in results) < 15
    assert not containers(box)


def test_cancelling_ends_the_container(box):
    async def cancelled():
        run = asyncio.create_task(box.arun(program="import time; time.sleep(60)"))
        await asyncio.sleep(1)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    asyncio.run(cancelled())
    assert gone(box, os.getpid())


def test_a_container_ends_with_its_host(box):
    text = (
        f"from gym_llm.sandbox import open_sandbox\nbox = open_sandbox({box.name!r}, image={box.image!r})\n"
        "print('open', flush=True)\nbox.run(program='import time; time.sleep(60)', limits=None)"
    )
    host = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, start_new_session=True)
    assert host.stdout.readline() == b"open\n"
    end = time.monotonic() + 10
    while not containers(box, host.pid) and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(0.5)
    host.kill()
    host.communicate()
    assert gone(box, host.pid)


def test_a_container_that_an_operator_kills_has_not_ended_well(box):
    async def killed():
        run = asyncio.create_task(box.arun(program="import time; time.sleep(60)"))
        while not (running := await asyncio.to_thread(containers, box, kind="--no-trunc")) and not run.done():
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)
        subprocess.run([box.name, "kill", *running], capture_output=True, check=True)
        return await run

    result = asyncio.run(killed())
    assert (result.reason, result.signal, result.ok) == ("signal", 9, False)


def test_what_cannot_start_says_why(box, monkeypatch):
    with pytest.raises(SandboxUnavailable, match=rf"{box.name} does not work .*no-such-image"):
        open_sandbox(box.name, image="localhost/no-such-image")
    with pytest.raises(SandboxUnavailable, match="no-such-python"):
        open_sandbox(box.name, image=box.image, python="no-such-python")
    monkeypatch.setattr(box, "_engine", "/nowhere/engine")
    with pytest.raises(SandboxError, match=r"could not start the run: .*/nowhere/engine"):
        box.run(program="1")


FORGERIES = {
    "the report's socket": "from socket import *\nsocket(AF_UNIX, SOCK_SEQPACKET).connect('/opt/gym-llm/status')",
    "the supervisor's memory": "open('/proc/1/mem', 'r+b')",
    "the supervisor's descriptors": "import os\nos.listdir('/proc/1/fd')",
    "the supervisor's code": "open('/opt/gym-llm/gym_llm/sandbox/inside/supervisor.py', 'a')",
    "root": "import os\nos.setuid(0)",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_the_report_is_out_of_reach(box, name):
    result = box.run(["python", "-c", FORGERIES[name]])
    assert result.exit_status == 1
    assert any(word in result.stderr_text for word in ("refused", "denied", "Read-only", "not permitted")), (
        result.stderr_text
    )


def test_the_repositorys_code_cannot_speak_for_the_supervisor(box):
    forged = "import os\nos.write(1, b'forged')\nos._exit(0)\n"
    files = dict.fromkeys(("json.py", "sitecustomize.py", "encodings/__init__.py", "gym_llm/__init__.py"), forged)
    with box.workspace(files) as space:
        result = box.run(["bash", "-c", "exit 7"], workspace=space, environment={"PYTHONPATH": "/sandbox/work"})
        assert (result.stdout, result.exit_status) == (b"", 7)
        assert box.run(program="raise SystemExit(7)", workspace=space).exit_status == 7


ATTACKS = {
    "read a file of the machine", "connect to a port of the machine", "leave a daemon", "add a key",
    "take memory in many processes", "send SIGINT to process 1", "tell the machine's name", "list homes",
    "list the machine's hardware", "fill /tmp", "fork without end", "forge a reply",
}  # fmt: skip


def test_walls_and_some_attacks(box):
    assert all(finding.good for finding in doctor.walls(box))
    outcomes = battery.run(box, battery.trials(names=ATTACKS))
    assert len(outcomes) > 15
    assert not [outcome for outcome in outcomes if outcome.outcome != "stopped"]
