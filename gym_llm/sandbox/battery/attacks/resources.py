"""Taking more than is given: memory in all its forms, processes, threads, disk, inodes, descriptors, time, output."""

from __future__ import annotations

from gym_llm.sandbox.battery.attack import BOTH, BUSY, SHORT, Attack

_ALL = (*BOTH, "session")
_SHARED = r"""
import mmap
{open}
page, size = mmap.PAGESIZE, 64 << 20
libc_mmap = ctypes.CDLL(None, use_errno=True).mmap
libc_mmap.restype, libc_mmap.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
for count in range(8):
    at = libc_mmap(None, size, 3, {flags}, {fd}, 0)
    if at in (None, (1 << 64) - 1):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    ctypes.memset(at, 1, size)
    libc.munmap(at + page, size - page)
through('512 MiB in objects of one mapped page')
"""
_TREE = r"""
children = []
for _ in range(10):
    pid = os.fork()
    if pid == 0:
        held = b'x' * (60 << 20)
        time.sleep(4)
        os._exit(0)
    children.append(pid)
time.sleep(2)
alive = sum(open(f'/proc/{pid}/stat').read().rpartition(')')[2].split()[0] not in 'ZX' for pid in children)
if alive == 10: through('600 MiB in ten processes')
"""
_FORKS = "count = 0\nwhile count < 150:\n    if os.fork() == 0:\n        time.sleep(4)\n        os._exit(0)\n    count += 1\nthrough(count)"
_THREADS = "import threading\nfor n in range(300):\n    threading.Thread(target=time.sleep, args=(4,), daemon=True).start()\nthrough('300 threads')"
_FILL = "for n in range(12):\n    with open(f'{folder}/{{E[\"MARK\"]}}{{n}}', 'wb') as file: file.write(bytes(8 << 20))\nthrough('96 MiB')"
_INODES = "for n in range(6000): {make}\nthrough('6000')"
_LATE = "ended by wall"


def _memory(name: str, code: str, ways: tuple[str, ...] = BOTH) -> Attack:
    return Attack(name, f"held = []\nfor n in range(40):\n    held.append({code})\nthrough('640 MiB')", ways)  # type: ignore[arg-type]


ATTACKS = (
    _memory("take memory", "bytearray(16 << 20)", _ALL),
    _memory("take memory that is mapped", "__import__('mmap').mmap(-1, 16 << 20, 2 | 0x20)"),
    _memory("take memory by strings", "('x' * (16 << 20)).replace('x', 'y')"),
    _memory(
        "take memory by decompressing", "__import__('zlib').decompress(__import__('zlib').compress(bytes(16 << 20)))"
    ),
    _memory("take memory by numbers", "1 << (128 << 20)"),
    Attack("take shared memory out of every account", _SHARED.format(open="", flags="0x21", fd="-1"), _ALL),
    Attack(
        "take it by the device of zeros",
        _SHARED.format(open="fd = os.open('/dev/zero', os.O_RDWR)", flags="1", fd="fd"),
    ),
    Attack(
        "take memory in a file without a name",
        "fd = libc.memfd_create(b'x', 0)\nfor n in range(40): os.write(fd, bytes(16 << 20))\nthrough()",
    ),
    Attack("take memory in many processes", _TREE, ("process",)),
    Attack("fork without end", _FORKS, ("process",)),
    Attack(
        "fork without end from a shell",
        "bomb() { sleep 4 & sleep 4 & }; for i in $(seq 60); do bomb; done; [ $(jobs -p | wc -l) -ge 100 ] && echo THR''OUGH",
        ("shell",),
        by="Resource temporarily|fork: retry",
    ),
    Attack("start threads without end", _THREADS, _ALL),
    *(Attack(f"fill {folder}", _FILL.format(folder=folder)) for folder in (".", "/tmp", "/dev/shm")),
    Attack(
        "write a big file",
        "with open('big', 'wb') as file:\n    for n in range(64): file.write(bytes(1 << 20))\nthrough()",
    ),
    Attack(
        "reserve a big file",
        "fd = os.open('big', os.O_CREAT | os.O_RDWR)\nos.posix_fallocate(fd, 0, 128 << 20)\nthrough()",
    ),
    Attack("make a file with a terabyte of holes", "open('big', 'w').close()\nos.truncate('big', 1 << 40)\nthrough()"),
    Attack("make files without end", _INODES.format(make="open(str(n), 'w').close()")),
    Attack("make folders without end", _INODES.format(make="os.mkdir(str(n))")),
    Attack("make links without end", _INODES.format(make="os.symlink('x', '/tmp/' + E['MARK'] + str(n))")),
    Attack(
        "open files without end",
        "held = []\nfor n in range(3000): held.append(os.open('/dev/null', 0))\nthrough(n)",
        _ALL,
    ),
    Attack("open pipes without end", "held = []\nfor n in range(3000): held.append(os.pipe())\nthrough(n)"),
    Attack(
        "pass descriptors out of the count",
        "import array, socket\na, b = socket.socketpair()\nfor n in range(2000):\n    fd = os.open('/dev/null', 0)\n    a.setblocking(False)\n    a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [fd]))])\n    os.close(fd)\nthrough(n)",
    ),
    Attack("loop without end", "while True: pass", _ALL, limits=BUSY, by="ended by cpu"),
    Attack(
        "loop in threads",
        "import threading\ndef f():\n    while True: pass\nfor n in range(4): threading.Thread(target=f).start()",
        limits=BUSY,
        by="ended by cpu",
    ),
    Attack("loop in the C library", "9 ** 9 ** 9", limits=BUSY, by="ended by (cpu|memory)|MemoryError"),
    Attack("loop in a regular expression", "import re\nre.match('(a|a)*b', 'a' * 60)", limits=BUSY, by="ended by cpu"),
    Attack(
        "loop in many processes",
        "for _ in range(6):\n    if os.fork() == 0:\n        while True: pass\ntime.sleep(60)\nthrough()",
        ("process",),
        limits=BUSY,
        by="ended by cpu",
    ),
    Attack("loop in a shell", "while :; do :; done", ("shell",), limits=BUSY, by="ended by cpu"),
    Attack(
        "do not die of too much CPU",
        "signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass",
        limits=BUSY,
        by="ended by cpu",
    ),
    Attack("sleep", "time.sleep(60)\nthrough()", _ALL, limits=SHORT, by=_LATE),
    Attack(
        "do not die when told to",
        "for n in range(1, 65):\n    try: signal.signal(n, signal.SIG_IGN)\n    except (OSError, ValueError): pass\ntime.sleep(60)\nthrough()",
        limits=SHORT,
        by=_LATE,
    ),
    Attack(
        "stop oneself",
        "os.kill(os.getpid(), signal.SIGSTOP)\ntime.sleep(60)\nthrough()",
        limits=SHORT,
        by=_LATE + r"|\[Errno",
    ),
    Attack("wait for what never comes", "import select\nselect.select([os.pipe()[0]], [], [])", limits=SHORT, by=_LATE),
    Attack("flood stdout", "while True: os.write(1, bytes(65536))", _ALL, by="ended by output"),
    Attack("flood stderr", "while True: os.write(2, bytes(65536))", _ALL, by="ended by output"),
    Attack("flood from a shell", "yes", ("shell",), by="ended by output"),
    Attack(
        "flood by many writers",
        "for _ in range(8):\n    if os.fork() == 0: break\nwhile True: os.write(1, bytes(65536))",
        ("process",),
        by="ended by output",
    ),
)
