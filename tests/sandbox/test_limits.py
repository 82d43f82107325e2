"""Limits: each is reached on purpose, holds, and is told."""

from __future__ import annotations

import time

import pytest

from gym_llm.sandbox import Limits

MIB = 1 << 20


def test_cpu_of_a_program(any_box):
    result = any_box.run(program="while True: pass", limits=Limits(cpu=1, wall=20))
    assert (result.reason, result.ok) == ("cpu", False)
    assert 0.5 < result.cpu < 2.5  # the kernel's two accounts of it differ by some ticks


def test_cpu_of_many_processes_is_summed(box):
    spin = "while :; do :; done"
    result = box.run(["bash", "-c", f"({spin}) & ({spin}) & ({spin}) & wait"], limits=Limits(cpu=1, wall=20))
    assert result.reason == "cpu"
    assert result.cpu < 2.5


def test_cpu_below_a_second_is_counted(box):
    program = "import time\nwhile time.process_time() < 0.3: pass"
    assert box.run(program=program, limits=Limits(cpu=0.1)).reason == "cpu"
    assert box.run(program=program, limits=Limits(cpu=5)).ok


def test_sleeping_costs_no_cpu(box):
    result = box.run(program="import time; time.sleep(1.2)", limits=Limits(cpu=1, wall=10))
    assert result.ok
    assert result.wall > 1.2


@pytest.mark.parametrize(
    "program",
    [
        "import time; time.sleep(60)",
        "import signal, time\nfor n in (1, 2, 3, 10, 12, 13, 14, 15): signal.signal(n, signal.SIG_IGN)\ntime.sleep(60)",
        "import os, time\nos.close(1); os.close(2)\ntime.sleep(60)",
    ],
    ids=["sleeps", "ignores signals", "closes its pipes"],
)  # fmt: skip
def test_wall(any_box, program):
    began = time.monotonic()
    result = any_box.run(program=program, limits=Limits(wall=0.5))
    assert (result.reason, result.exit_status) == ("wall", None)
    assert time.monotonic() - began < 3


def test_wall_of_a_tree_of_processes(box):
    result = box.run(["bash", "-c", "trap '' TERM INT HUP; sleep 60 & sleep 60 & wait"], limits=Limits(wall=0.5))
    assert result.reason == "wall"
    assert result.wall < 3


def test_what_was_printed_before_the_deadline_is_kept(any_box):
    result = any_box.run(program="import time; print('begun', flush=True); time.sleep(60)", limits=Limits(wall=1))
    assert (result.reason, result.stdout) == ("wall", b"begun\n")


def test_memory_of_a_program(any_box):
    result = any_box.run(program="x = bytearray(1 << 29)", limits=Limits(memory=256 * MIB))
    assert not result.ok
    assert "MemoryError" in result.stderr_text


def test_memory_that_grows_is_told(box):
    program = "x = []\nwhile True: x.append(bytearray(1 << 20))"
    result = box.run(program=program, limits=Limits(memory=200 * MIB))
    assert result.reason == "memory"
    assert 150 * MIB < result.memory < 260 * MIB


def test_memory_of_many_processes_is_summed(box):
    program = (
        "import os, time\nfor _ in range(4):\n    if os.fork() == 0: break\n"
        "x = bytearray(os.urandom(1)) * (80 << 20)\ntime.sleep(20)"
    )
    result = box.run(program=program, profile="process", limits=Limits(memory=200 * MIB, wall=15))
    assert (result.reason, result.exit_status) == ("memory", None)


def test_peak_memory_is_measured(box):
    small, large = (box.run(program=f"x = bytearray({size} << 20)") for size in (1, 100))
    assert small.memory < 40 * MIB
    assert 100 * MIB < large.memory < 140 * MIB


def test_threads(box):
    program = (
        "import threading, time\nfor n in range(200):\n"
        "    try: threading.Thread(target=time.sleep, args=(0.3,)).start()\n    except RuntimeError: break\nprint(n)"
    )
    assert int(box.run(program=program, limits=Limits(processes=20)).stdout) < 20


def test_processes(box):
    result = box.run(["bash", "-c", ":(){ :|:& };:; sleep 0.5; echo alive"], limits=Limits(processes=20, wall=5))
    assert "fork" in result.stderr_text
    assert result.wall < 8


def test_threads_of_one_run_are_not_anothers(box):
    program = "import threading, time\nfor _ in range(15): threading.Thread(target=time.sleep, args=(0.4,)).start()"
    import asyncio

    async def together():
        return await asyncio.gather(*[box.arun(program=program, limits=Limits(processes=20)) for _ in range(4)])

    assert all(result.ok for result in asyncio.run(together()))


def test_output_is_cut_and_marked(any_box):
    result = any_box.run(program="print('x' * 1500)", limits=Limits(output=1000))
    assert result.ok
    assert (result.stdout, result.stdout_truncated, result.stderr_truncated) == (b"x" * 1000, True, False)


def test_flood_of_output_is_stopped(any_box):
    began = time.monotonic()
    result = any_box.run(program="import sys\nwhile True: sys.stderr.write('x' * 10000)", limits=Limits(output=50_000))
    assert (result.reason, len(result.stderr), result.stderr_truncated) == ("output", 50_000, True)
    assert time.monotonic() - began < 5


def test_file_size(any_box):
    result = any_box.run(program="open('big', 'wb').write(b'x' * 5_000_000)", limits=Limits(file_size=MIB))
    assert "File too large" in result.stderr_text


@pytest.mark.parametrize("folder", [".", "/tmp", "/dev/shm"])
def test_disk(box, folder):
    program = f"for n in range(20): open(f'{folder}/{{n}}', 'wb').write(b'x' * (1 << 20))"
    result = box.run(program=program, limits=Limits(disk=4 * MIB))
    assert "No space left on device" in result.stderr_text


def test_inodes(box):
    result = box.run(program="for n in range(500): open(str(n), 'w')", limits=Limits(inodes=100))
    assert "No space left on device" in result.stderr_text


def test_disk_of_a_workspace(box):
    program = "import time\nfor n in range(300):\n    open(f'{n}', 'wb').write(b'x' * (1 << 20)); time.sleep(0.01)"
    with box.workspace() as space:
        result = box.run(program=program, workspace=space, limits=Limits(disk=16 * MIB, wall=20))
    assert result.reason == "disk"


def test_open_files(any_box):
    program = "files = []\ntry:\n    while True: files.append(open('/dev/null'))\nexcept OSError: print(len(files))"
    assert int(any_box.run(program=program, limits=Limits(open_files=32)).stdout) < 32


def test_deep_recursion_works(box):
    program = "import sys\nsys.setrecursionlimit(10**6)\ndef f(n): return n and 1 + f(n - 1)\nprint(f(30000))"
    assert box.run(program=program).stdout == b"30000\n"


def test_folders_nested_too_deep_to_count_are_removed(box):
    program = "import os\nfor _ in range(1200): os.mkdir('d'); os.chdir('d')"
    space = box.workspace()
    assert box.run(program=program, workspace=space).ok
    space.close()
    assert not space.path.exists()


SOCKETS = """
import os, socket, sys, time
kept, held = [], 0

def pair():
    if sys.argv[1] == "unix":
        return socket.socketpair()
    with socket.create_server(("127.0.0.1", 0)) as server:
        return socket.create_connection(server.getsockname()), server.accept()[0]

def fill(ends):
    global held
    for end in ends:
        end.setblocking(False)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
        try:
            while True: held += end.send(bytes(1 << 16))
        except BlockingIOError:
            pass

for _ in range(int(sys.argv[2])):
    os.fork()
try:
    while True:
        kept.append(pair())
        fill(kept[-1])
except OSError as error:
    print(error.errno, flush=True)
time.sleep(1)
for ends in kept: fill(ends)
print(held >> 20, flush=True)
if sys.argv[2] != "0":
    time.sleep(60)
"""


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_buffers_of_sockets_hold_little(box, kind):
    """They are the kernel's memory, in no process's account: 30 connections by TCP could hold 250 MiB."""
    result = box.run(program=SOCKETS, arguments=[kind, "0"], profile="process", limits=Limits(wall=60))
    code, held = map(int, result.stdout.split())
    assert (code, held < 30) == (24, True)


def test_many_sockets_count_as_memory(box):
    limits = Limits(memory=160 * MIB, processes=24, wall=60)
    result = box.run(program=SOCKETS, arguments=["unix", "4"], profile="process", limits=limits)
    assert result.reason == "memory"


def test_a_crash_starts_no_program_of_the_machine(any_box):
    """A limit of 0 stops files, not the programs to which /proc/sys/kernel/core_pattern may pipe; 1 stops both."""
    program = "import resource\nprint(resource.getrlimit(resource.RLIMIT_CORE))"
    assert any_box.run(program=program).stdout_text.strip() in ("(1, 1)", "(0, 0)")
    assert any_box.run(program="import ctypes; ctypes.string_at(8)").signal == 11


@pytest.mark.parametrize(
    "endless", [{"cpu": float("inf")}, {"wall": float("inf")}, {"cpu": 1e30, "file_size": 1 << 70}]
)
def test_limits_may_be_endless(any_box, endless):
    result = any_box.run(program="print(1)", limits=Limits(**endless))
    assert (result.ok, result.stdout) == (True, b"1\n")
