"""The system calls that Python has no function for, by `ctypes`. Linux on x86_64 and aarch64 only.

`PyDLL` keeps the interpreter's lock, so that a clone happens between Python's own fork hooks.
"""

from __future__ import annotations

import ctypes
import os
import signal

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = (
    0x00020000, 0x08000000, 0x10000000, 0x20000000, 0x40000000,
)  # fmt: skip
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 4096, 16384, 1 << 18
MACHINE = os.uname().machine
_SYS_CLONE, _SYS_CAPSET = {"x86_64": (56, 126), "aarch64": (220, 91)}.get(MACHINE, (-1, -1))
_PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 4, 22, 24, 38
_SECCOMP_MODE_FILTER = 2
_LAST_CAPABILITY = 40
_CAPABILITY_VERSION = 0x20080522

_libc = ctypes.PyDLL(None, use_errno=True)
_syscall = _libc.syscall
_syscall.restype = ctypes.c_long
_mount = _libc.mount
_mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]
_prctl = _libc.prctl
_prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong]
_unshare = _libc.unshare
_no_capabilities = (
    ctypes.create_string_buffer(_CAPABILITY_VERSION.to_bytes(4, "little") + bytes(4)),
    ctypes.create_string_buffer(24),
)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def fork_into(namespaces: int) -> int:
    """Fork the interpreter into new namespaces; returns as `os.fork` does."""
    api = ctypes.pythonapi
    api.PyOS_BeforeFork()
    pid = int(_syscall(_SYS_CLONE, namespaces | signal.SIGCHLD, 0, 0, 0, 0))
    number = ctypes.get_errno()
    if pid == 0:
        api.PyOS_AfterFork_Child()
        return 0
    api.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(number, f"clone: {os.strerror(number)}")
    return pid


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """Mount a file system."""
    type_ = kind.encode() if kind else None
    done = _mount(os.fsencode(source), os.fsencode(target), type_, flags, options.encode() or None)
    _checked(done, f"mount {kind or 'bind'} on {target}")


def unshare(namespaces: int) -> None:
    """Leave the given namespaces for new ones."""
    _checked(_unshare(namespaces), "unshare")


def protect_from_tracing(protect: bool = True) -> None:
    """Keep processes of the same user from reading this one's memory and descriptors."""
    _checked(_prctl(_PR_SET_DUMPABLE, int(not protect), None, 0, 0), "prctl")


def drop_privileges() -> None:
    """Give up every capability, and the means to get one back."""
    for number in range(_LAST_CAPABILITY + 1):
        _prctl(_PR_CAPBSET_DROP, number, None, 0, 0)
    _checked(_syscall(_SYS_CAPSET, *_no_capabilities), "capset")
    _checked(_prctl(_PR_SET_NO_NEW_PRIVS, 1, None, 0, 0), "prctl")


class Filter:
    """A seccomp filter, kept ready to be installed."""

    def __init__(self, program: bytes) -> None:
        self._code = ctypes.create_string_buffer(program, len(program))
        length = len(program) // 8
        address = ctypes.addressof(self._code)
        self._header = ctypes.create_string_buffer(length.to_bytes(8, "little") + address.to_bytes(8, "little"))

    def install(self) -> None:
        """Install it for this process and all that it starts."""
        pointer = ctypes.cast(self._header, ctypes.c_void_p)
        _checked(_prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, pointer, 0, 0), "seccomp")
