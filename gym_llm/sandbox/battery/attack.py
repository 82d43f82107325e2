"""What an attack is, and the words with which its text tells how far it came.

The attacks are this package's own. They harm nothing where they succeed: they touch marks made for the occasion.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gym_llm.sandbox.inside.syscalls import numbers
from gym_llm.sandbox.limits import MIB, Limits

if TYPE_CHECKING:
    from gym_llm.sandbox.battery.trial import Trial

Way = Literal["compute", "process", "shell", "session"]
BOTH: tuple[Way, ...] = ("compute", "process")
LIMITS = Limits(
    cpu=2, wall=6, memory=160 * MIB, processes=16, output=MIB, file_size=16 * MIB, disk=16 * MIB, inodes=512
)
SHORT = Limits(cpu=1, wall=1.5, memory=160 * MIB, processes=16, output=MIB, file_size=16 * MIB, disk=16 * MIB)
BUSY = Limits(cpu=1, wall=20, memory=160 * MIB, processes=16, output=MIB, file_size=16 * MIB, disk=16 * MIB)
SUCCESS = "THROUGH"
EXPLAINED = (  # an errno, a limit, or that there was nothing to take
    r"\[Errno \d+\]|MemoryError|can't start new thread|Resource temporarily|not permitted|Permission denied|No such|"
    r"ABSENT|not allowed to raise|ended by (cpu|memory|output|disk)\b|signal 31\b|Name or service|File too large|"
    r"No space|refused|RecursionError"
)


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack; it is tried in each of its ways.

    Attributes:
        name: What it tries.
        text: Python that calls `through(...)` when it has succeeded; shell for the way `shell`.
        ways: `compute` and `process` are programs of that profile, `shell` a command, `session` a call.
        limits: Of the run.
        by: Regular expression; what stopped it has to match, so that nothing is stopped by accident.
        then: Python of a run after it, in the same sandbox, that says `through` if anything was left.
        beside: Python of another run at the same time; its `BESIDE` is a secret, and it has to end with status 0.
        workspace: Whether it runs in a workspace.
        during: What the host does meanwhile; returns the evidence of success, or nothing.
        check: What the host does afterwards; likewise.
    """

    name: str
    text: str
    ways: tuple[Way, ...] = BOTH
    limits: Limits = LIMITS
    by: str = EXPLAINED
    then: str = ""
    beside: str = ""
    workspace: bool = False
    during: Callable[[Trial], str] | None = None
    check: Callable[[Trial], str] | None = None


_WORDS = """
import ctypes, errno, os, signal, sys, time
E = os.environ
SYS = {numbers}
class Libc:
    def __getattr__(self, name):
        def call(*args):
            function = getattr(ctypes.CDLL(None, use_errno=True), name)
            function.restype = ctypes.c_long
            done = function(*[ctypes.c_long(a) if isinstance(a, int) else a for a in args])
            if done in (-1, 0xFFFFFFFF):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), name)
            return done
        return call
libc = Libc()
def syscall(name, *args):
    return libc.syscall(SYS[name] if isinstance(name, str) else name, *args)
def through(what=""):
    os.write(1, ("\\n{success} " + str(what) + "\\n").encode())
def absent(what=""):
    os.write(2, ("\\nABSENT " + str(what) + "\\n").encode())
def outside():
    return os.path.exists("/proc/" + E["BYSTANDER"])
def first(function, things):
    last = None
    for thing in things:
        try:
            function(thing)
        except OSError as error:
            last = error
        else:
            return through(thing)
    if last:
        raise last
    absent("nothing to try")
def holds(token, text):
    return text.encode() if token in text else b""
"""


def words() -> str:
    """Return the Python that precedes an attack's text."""
    table = {**numbers(platform.machine()), "pidfd_open": 434, "pidfd_send_signal": 424}
    return _WORDS.replace("{numbers}", json.dumps(table)).replace("{success}", SUCCESS)
