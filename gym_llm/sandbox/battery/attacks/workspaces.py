"""Traps in a workspace, for the host that reads it back, copies and removes it."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from pathlib import Path

from gym_llm.errors import SandboxError
from gym_llm.sandbox.battery.attack import BOTH, LIMITS, Attack, Way
from gym_llm.sandbox.battery.trial import Trial

_DONE = r"ABSENT|Errno|ended by disk|exited"
_OWN: tuple[Way, ...] = BOTH


def _reads_nothing(trial: Trial) -> str:
    """Read and copy everything; a secret that comes back is found in what is returned."""
    for path in [*trial.space.paths(), "link", "folder/secret", "up/secret"]:
        with contextlib.suppress(OSError, SandboxError):
            if trial.leaked(trial.space.read(path)):
                return f"{path!r} gives a secret"
    with contextlib.suppress(OSError, SandboxError):
        trial.space.write("folder/target", b"changed")
    with contextlib.suppress(OSError, SandboxError), trial.space.snapshot() as copied:
        for path in copied.paths():
            with contextlib.suppress(OSError, SandboxError):
                if trial.leaked(copied.read(path)):
                    return f"the copy of {path!r} has a secret"
    return ""


def _reads_while_it_changes(trial: Trial) -> str:
    end = time.monotonic() + 1
    while time.monotonic() < end:
        for path in ("folder/secret", "file"):
            with contextlib.suppress(OSError, SandboxError):
                if trial.leaked(trial.space.read(path)):
                    return f"a swapped {path!r} gives a secret"
            with contextlib.suppress(OSError, SandboxError):
                trial.space.write("folder/target", b"changed")
    return ""


def _copies_small(trial: Trial) -> str:
    """The copy takes no more disk than the run could."""
    with contextlib.suppress(SandboxError), trial.space.snapshot() as copied:
        taken = sum({found.st_ino: found.st_blocks * 512 for found in map(Path.lstat, copied.path.iterdir())}.values())
        if taken > 3 * LIMITS.disk:
            return f"the copy takes {taken >> 20} MiB"
    return ""


def _copies_no_rights(trial: Trial) -> str:
    with trial.space.snapshot() as copied:
        for path in copied.path.rglob("*"):
            if path.lstat().st_mode & (stat.S_ISUID | stat.S_ISGID) and path.lstat().st_uid == os.geteuid() == 0:
                return f"{path.name} is setuid"
    return ""


def _lists(trial: Trial) -> str:
    with contextlib.suppress(SandboxError):
        repr(trial.space.paths())
        trial.space.snapshot().close()
    with contextlib.suppress(SandboxError):
        trial.space.size()
    return ""


def _own(name: str, text: str, check: str = "lists", by: str = _DONE) -> Attack:
    checks = {"lists": _lists, "reads": _reads_nothing, "small": _copies_small, "rights": _copies_no_rights}
    return Attack(name, f"{text}\nabsent('made')", _OWN, by=by, workspace=True, check=checks[check])


_SWAP = r"""
os.mkdir('a'); open('a/secret', 'w').close(); os.symlink(os.path.dirname(E['SECRET_FILE']), 'b')
open('c', 'w').close(); os.symlink(E['SECRET_FILE'], 'd')
end = time.monotonic() + 1.5
while time.monotonic() < end:
    for one, other, name in (('a', 'b', 'folder'), ('c', 'd', 'file')):
        os.rename(one, name); os.rename(name, one); os.rename(other, name); os.rename(name, other)
absent('swapped')
"""

ATTACKS = (
    _own("link to a file of the machine", "os.symlink(E['SECRET_FILE'], 'link')", "reads"),
    _own(
        "link to a folder of the machine",
        "os.symlink(os.path.dirname(E['SECRET_FILE']), 'folder')\nos.symlink('../' * 20 + os.path.dirname(E['SECRET_FILE']), 'up')",
        "reads",
    ),
    _own(
        "link to processes",
        "os.symlink('/proc/self/environ', 'link')\nos.symlink('/proc/self/root' + os.path.dirname(E['SECRET_FILE']), 'folder')",
        "reads",
    ),
    _own("link in a circle", "os.symlink('link', 'link')\nos.symlink('.', 'folder')", "reads"),
    Attack(
        "swap a file for a link while it is read", _SWAP, _OWN, by=_DONE, workspace=True, during=_reads_while_it_changes
    ),
    _own("leave a pipe to be read", "os.mkfifo('link')\nos.mkfifo('pipe')", "reads"),
    _own("leave a device to be read", "import stat\nos.mknod('link', 0o666 | stat.S_IFCHR, os.makedev(1, 5))", "reads"),
    _own(
        "leave names that are no text",
        "for name in (b'a\\nb', b'\\xff\\xfe', b' ', b'-rf', b'\\x1b[2J', b'x' * 255): open(name, 'w').close()",
        "reads",
    ),
    _own("leave a folder of a thousand floors", "for _ in range(1200):\n    os.mkdir('d')\n    os.chdir('d')"),
    _own(
        "leave what nobody may read",
        "os.mkdir('d'); open('d/f', 'w').close(); open('f', 'w').close()\nos.chmod('d/f', 0); os.chmod('d', 0); os.chmod('f', 0); os.chmod('.', 0)",
    ),
    _own(
        "leave files of holes",
        "for n in range(12):\n    open(str(n), 'w').close()\n    os.truncate(str(n), 15 << 20)",
        "small",
    ),
    _own(
        "leave one file under many names",
        "open('f', 'wb').write(b'x' * (3 << 20))\nfor n in range(40): os.link('f', str(n))",
        "small",
    ),
    _own("leave setuid programs", "open('f', 'w').close()\nos.chmod('f', 0o6777)", "rights"),
    _own("remove the workspace", "first(os.rmdir, ['.', os.getcwd()])"),
    _own("rename the workspace", "first(lambda to: os.rename(os.getcwd(), to), ['/sandbox/tmp/x', '../x'])"),
    Attack(
        "fill the workspace",
        "n = 0\nwhile n < 160:\n    open(str(n), 'wb').write(bytes(1 << 20))\n    time.sleep(0.01)\n    n += 1\nthrough('160 MiB')",
        _OWN,
        by="ended by disk|Errno",
        workspace=True,
    ),
    Attack(
        "fill the workspace with files",
        "for n in range(60000):\n    open(str(n), 'w').close()\nthrough('60000 files')",
        _OWN,
        by="ended by (disk|cpu)|Errno",
        workspace=True,
    ),
    Attack(
        "climb out of the workspace",
        "found = os.listdir('..') + os.listdir('/spaces') if os.path.isdir('/spaces') else os.listdir('..')\nothers = [n for n in found if n.startswith('w') and n != 'work']\nthrough(others) if others else absent(found)",
        _OWN,
        workspace=True,
        by="ABSENT|Errno",
    ),
)
