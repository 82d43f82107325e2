"""Taking the sandbox, its host or other runs down."""

from __future__ import annotations

from gym_llm.sandbox.battery.attack import BOTH, BUSY, Attack
from gym_llm.sandbox.battery.trial import Trial

_ALL = (*BOTH, "session")
_STAY = "time.sleep(1)"
_ENDED = r"ABSENT|\[Errno|ended by|exited|signal \d+"


def _well_ended(trial: Trial) -> str:
    late = trial.seen.wall > 4
    return f"the run took {trial.seen.wall:.1f} s" if late else ""


def _signalled(number: str) -> str:
    return f"if outside(): through('could signal process 1 of the machine')\nelse:\n    os.kill(1, {number})\n    time.sleep(0.3)\n    absent('it lives')"


ATTACKS = (
    *(
        Attack(f"send {name} to process 1", _signalled(f"signal.{name}"), ("process",), by=r"ABSENT|\[Errno")
        for name in ("SIGINT", "SIGTERM", "SIGKILL", "SIGSTOP", "SIGSEGV", "SIGCHLD", "SIGALRM")
    ),
    Attack(
        "interrupt the supervisor from a shell",
        "[ -e /proc/$BYSTANDER ] && echo THR''OUGH || { for n in 2 3 10 12 14 17 28; do kill -$n 1; done; sleep 0.3; echo ABSENT >&2; }",
        ("shell",),
    ),
    Attack(
        "kill everyone",
        "if outside(): through('could kill everyone')\nelse:\n    os.kill(-1, signal.SIGKILL)\n    absent('killed its own')",
        beside=_STAY,
        by=_ENDED,
    ),
    Attack(
        "kill the parent",
        "if outside(): through('could kill its parent')\nelse:\n    os.kill(os.getppid(), signal.SIGKILL)\n    time.sleep(0.2)\n    absent('it lives')",
        beside=_STAY,
        by=_ENDED,
    ),
    Attack(
        "signal a thread of the parent",
        "last = None\nfor pid in (1, 3, 4, 5) if not outside() else ():\n    try: syscall('tgkill', pid, pid, 0 if pid == os.getpid() else 9)\n    except OSError as error: last = error\nif outside(): through('could signal anything')\nelif last: raise last\nabsent('they live')",
        beside=_STAY,
        by=_ENDED,
    ),
    Attack(
        "flush every disk",
        "for path in ('/usr', os.__file__): libc.syncfs(os.open(path, os.O_RDONLY))\nthrough('flushed')",
        _ALL,
    ),
    Attack("flush every disk from a shell", "sync -f /usr && echo THR''OUGH", ("shell",)),
    Attack("close everything", "os.closerange(0, 1024)", _ALL, by="exited|ended by|Errno|signal", check=_well_ended),
    Attack(
        "end with a daemon that holds the pipes",
        "if os.fork() == 0:\n    time.sleep(5)\nelse: absent('ended')",
        ("process",),
        check=_well_ended,
        by="ABSENT",
    ),
    Attack(
        "end with a shell's job that holds the pipes",
        "sleep 9 & echo ABSENT >&2",
        ("shell",),
        check=_well_ended,
        by="ABSENT",
    ),
    Attack("crash", "ctypes.string_at(8)", _ALL, by="signal|lost"),
    Attack(
        "crash by recursion",
        "sys.setrecursionlimit(10 ** 9)\ndef f(): f()\nf()",
        _ALL,
        BUSY,
        by="signal|RecursionError|MemoryError|ended by (cpu|memory)",
    ),
    Attack("abort", "os.abort()", _ALL, by="signal|lost"),
    Attack(
        "crash by a bad instruction",
        "import mmap\nm = mmap.mmap(-1, 4096, 0x22, 7)\nm.write(bytes.fromhex('0f0b'))\nctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(m)))()",
        by="signal (4|11|5)|Errno",
    ),
    Attack(
        "make the reader's pipe slow",
        "import fcntl\nfcntl.fcntl(1, 1031, 4096)\nfor n in range(20000): os.write(1, b'x')\nabsent('wrote')",
        by="ABSENT|Errno",
    ),
    Attack(
        "make zombies",
        "for n in range(60):\n    if os.fork() == 0: os._exit(0)\nthrough(n)",
        ("process",),
        by="Errno 11",
    ),
    Attack(
        "end while forking",
        "import threading\nif outside():\n    through('could fork without end')\n    os._exit(0)\ndef f():\n    while True:\n        try:\n            if os.fork() == 0: f()\n        except OSError: pass\nthreading.Thread(target=f, daemon=True).start()\ntime.sleep(0.5)\nos._exit(0)",
        ("process",),
        by=_ENDED,
    ),
    Attack(
        "lose the time in signals",
        "import threading\nfor n in (signal.SIGALRM, signal.SIGVTALRM):\n    signal.signal(n, lambda *a: None)\nsignal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)\nwhile True: pass",
        limits=BUSY,
        by="ended by cpu",
    ),
)
