"""The two system call filters, assembled by hand as classic BPF: no libseccomp, no compiler.

`compute` lists what is allowed and lets a program neither fork, exec nor open a socket. `process` lists what is
denied, for shells, compilers and tests. Both turn away every call that is newer than this table.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterable

from gym_llm.sandbox.inside.syscalls import COMPUTE, DENIED, numbers

_LOAD, _JUMP_EQUAL, _JUMP_GREATER, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _AND, _RETURN = (
    0x20, 0x15, 0x25, 0x35, 0x45, 0x54, 0x06,
)  # fmt: skip
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_KILL, _ALLOW = 0x80000000, 0x7FFF0000
_X32 = 0x40000000
_LAST_KNOWN = 450
_THREAD_FLAGS = 0x10100  # CLONE_VM | CLONE_THREAD
_NAMESPACE_FLAGS = 0x7E020080
_TERMINAL_QUERIES = (0x5401, 0x5413, 0x5421, 0x541B, 0x5450, 0x5451)  # TCGETS WINSZ FIONBIO FIONREAD FIO(N)CLEX
_TERMINAL_INJECTIONS = (0x5412, 0x541C)  # TIOCSTI TIOCLINUX
_PRCTL = (3, 15, 16, 27, 39, 0x53564D41)  # GET_DUMPABLE SET_NAME GET_NAME GET_SECUREBITS GET_NO_NEW_PRIVS SET_VMA
_PRCTL_OF_PROCESSES = (*_PRCTL, 1, 2, 4, 5, 36, 37, 38)  # PDEATHSIG DUMPABLE SUBREAPER NO_NEW_PRIVS
_LOCAL, _INTERNET = (1,), (1, 2, 10)  # AF_UNIX; AF_INET, AF_INET6

_Instructions = list[tuple[int, int, int, int]]


def _deny(number: int = errno.EPERM) -> tuple[int, int, int, int]:
    return (_RETURN, 0, 0, 0x00050000 | number)


_PASS = (_RETURN, 0, 0, _ALLOW)


def _argument(index: int) -> tuple[int, int, int, int]:
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * index)


def _one_of(index: int, values: Iterable[int], error: int = errno.EPERM) -> _Instructions:
    """Allow a call whose argument is one of some values."""
    tests = [step for value in values for step in ((_JUMP_EQUAL, 0, 1, value), _PASS)]
    return [_argument(index), *tests, _deny(error)]


def _none_of(index: int, values: Iterable[int]) -> _Instructions:
    tests = [step for value in values for step in ((_JUMP_EQUAL, 0, 1, value), _deny())]
    return [_argument(index), *tests, _PASS]


_THREADS_ONLY = [
    _argument(0), (_JUMP_ANY_BIT, 0, 1, _NAMESPACE_FLAGS), _deny(),
    (_AND, 0, 0, _THREAD_FLAGS), (_JUMP_EQUAL, 0, 1, _THREAD_FLAGS), _PASS, _deny(),
]  # fmt: skip
_NO_NAMESPACES = [_argument(0), (_JUMP_ANY_BIT, 0, 1, _NAMESPACE_FLAGS), _deny(), _PASS]
_MAP_KIND, _MAP_SHARED_ANONYMOUS = 0x2F, (0x21, 0x23)  # MAP_ANONYMOUS with MAP_SHARED or MAP_SHARED_VALIDATE
_NO_SHARED_ANONYMOUS = [  # such memory stays when it is unmapped but for a page: no limit and no account sees it
    _argument(3), (_AND, 0, 0, _MAP_KIND),
    *(step for kind in _MAP_SHARED_ANONYMOUS for step in ((_JUMP_EQUAL, 0, 1, kind), _deny(errno.ENOMEM))), _PASS,
]  # fmt: skip
_SOCKET_LEVEL, _BUFFER_SIZES = 1, (7, 8)  # SOL_SOCKET; SO_SNDBUF, SO_RCVBUF
_BUFFERS_AS_THEY_ARE = [  # answered as if done: buffers are the kernel's memory, which `watch.py` can only guess
    _argument(1), (_JUMP_EQUAL, 1, 0, _SOCKET_LEVEL), _PASS,
    _argument(2), *(step for size in _BUFFER_SIZES for step in ((_JUMP_EQUAL, 0, 1, size), _deny(0))), _PASS,
]  # fmt: skip
_OLD_CLONE_ONLY = [_deny(errno.ENOSYS)]  # its flags are behind a pointer; glibc then uses clone
_RULES: dict[str, dict[str, _Instructions]] = {
    "compute": {
        "clone": _THREADS_ONLY,
        "clone3": _OLD_CLONE_ONLY,
        "mmap": _NO_SHARED_ANONYMOUS,
        "setsockopt": _BUFFERS_AS_THEY_ARE,
        "ioctl": _one_of(1, _TERMINAL_QUERIES, errno.ENOTTY),
        "prctl": _one_of(0, _PRCTL),
        "prlimit64": _one_of(0, [0]),
        "socketpair": _one_of(0, _LOCAL),
    },
    "process": {
        "clone": _NO_NAMESPACES,
        "clone3": _OLD_CLONE_ONLY,
        "mmap": _NO_SHARED_ANONYMOUS,
        "setsockopt": _BUFFERS_AS_THEY_ARE,
        "ioctl": _none_of(1, _TERMINAL_INJECTIONS),
        "prctl": _one_of(0, _PRCTL_OF_PROCESSES),
        "prlimit64": _one_of(0, [0]),
        "socket": _one_of(0, _INTERNET, errno.EAFNOSUPPORT),
        "socketpair": _one_of(0, _LOCAL),
    },
}


def assemble(profile: str, machine: str) -> bytes:
    """Return the filter of a profile, as an array of `struct sock_filter`."""
    known = numbers(machine)
    code: _Instructions = [
        (_LOAD, 0, 0, _ARCHITECTURE), (_JUMP_EQUAL, 1, 0, _AUDIT[machine]), (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER), (_JUMP_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _KILL),
    ]  # fmt: skip
    rules = {known[name]: rule for name, rule in _RULES[profile].items()}
    for number, rule in rules.items():
        code += [(_JUMP_EQUAL, 0, len(rule), number), *rule]
    if profile == "compute":
        allowed = {known[name] for name in COMPUTE if name in known}
    else:
        denied = {known[name] for name in DENIED if name in known}
        allowed = set(range(_LAST_KNOWN + 1)) - denied
    code += [(_JUMP_GREATER, 0, 1, _LAST_KNOWN), _deny(errno.ENOSYS)]
    for low, high in _intervals(allowed - set(rules)):
        code += [(_JUMP_AT_LEAST, 1, 0, low), _deny(), (_JUMP_GREATER, 1, 0, high), _PASS]
    code.append(_deny())
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _intervals(numbers_: set[int]) -> list[tuple[int, int]]:
    """Return the runs of consecutive numbers, ascending."""
    found: list[tuple[int, int]] = []
    for number in sorted(numbers_):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found
