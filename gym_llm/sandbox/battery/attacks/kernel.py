"""Reaching parts of the kernel that no honest program needs, where its holes have been."""

from __future__ import annotations

from gym_llm.sandbox.battery.attack import BOTH, Attack

_I386 = (
    "import mmap\nmemory = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 7)\n"
    "memory.write(bytes.fromhex('b814000000cd80c3'))\n"
    "address = ctypes.addressof(ctypes.c_char.from_buffer(memory))\n"
    "pid = ctypes.CFUNCTYPE(ctypes.c_int)(address)()\nif pid > 0: through(pid)\nelse: absent(pid)"
)
_INJECT = (
    "import fcntl, termios\ndef inject(fd):\n    fcntl.ioctl(fd, termios.TIOCSTI, b'x')\n"
    "ends = [0, 1, 2]\ntry: ends += os.openpty()\nexcept OSError: pass\nfirst(inject, ends)"
)


def _call(name: str, code: str, ways: tuple[str, ...] = BOTH) -> Attack:
    return Attack(name, f"through({code})", ways)  # type: ignore[arg-type]


ATTACKS = (
    _call("load a BPF map", "syscall('bpf', 0, (ctypes.c_uint32 * 32)(2, 4, 4, 1), 72)"),
    _call("count events", "syscall('perf_event_open', (ctypes.c_uint32 * 32)(1, 112), 0, -1, -1, 0)"),
    _call("open a ring of requests", "syscall('io_uring_setup', 4, (ctypes.c_uint32 * 32)())", (*BOTH, "session")),
    _call("handle page faults", "syscall('userfaultfd', 1)"),
    _call("add a key", "syscall('add_key', b'user', b'gym-llm', b'x', 1, -2)"),
    _call("join a keyring", "syscall('keyctl', 1, 0, 0, 0, 0)"),
    _call("read the kernel's log", "syscall('syslog', 3, ctypes.create_string_buffer(4096), 4096)"),
    _call("watch a file system", "syscall('fanotify_init', 0, 0)"),
    _call("compare processes", "syscall('kcmp', os.getpid(), os.getpid(), 0, 0, 1) + 1"),
    _call("read memory across processes", "syscall('process_vm_readv', os.getpid(), 0, 0, 0, 0, 0) + 1"),
    _call("make a secret memory", "syscall('memfd_secret', 0)"),
    _call("make shared memory that stays", "libc.shmctl(libc.shmget(0, 4096, 0o1600), 0, 0)"),
    _call("make a queue that stays", "libc.msgctl(libc.msgget(0, 0o1600), 0, 0)"),
    _call("make semaphores that stay", "libc.semctl(libc.semget(0, 1, 0o1600), 0, 0, 0)"),
    _call(
        "open a message queue",
        "libc.mq_open(b'/' + E['MARK'].encode(), os.O_CREAT | os.O_RDWR, 0o600, 0) + libc.mq_unlink(b'/' + E['MARK'].encode())",
    ),
    _call("change the host's name", "libc.sethostname(os.uname().nodename.encode(), len(os.uname().nodename))"),
    _call("change the clock by nothing", "libc.clock_settime(0, (ctypes.c_int64 * 2)(-1, -1))"),
    _call("change the address space's form", "libc.personality(0x0040000)"),
    _call("take ports", "syscall('iopl', 3)"),
    _call("run in real time", "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))"),
    _call("run before others", "os.setpriority(os.PRIO_PROCESS, 0, -5)"),
    _call("lock memory", "libc.mlockall(3)"),
    _call("raise a limit", "__import__('resource').setrlimit(7, (1 << 20, 1 << 20))"),
    _call("open a kernel image", "syscall('kexec_file_load', -1, -1, 0, 0, 0)"),
    _call("call what is newer than the filter", "libc.syscall(451, 0, 0, 0, 0)"),
    _call("call by the x32 numbers", "libc.syscall(0x40000000 | 39)"),
    Attack("call by the old interface", _I386, by=r"ABSENT|signal (31|11)\b"),
    Attack("put words into the terminal", _INJECT),
    Attack("be spared when memory is short", "open('/proc/self/oom_score_adj', 'w').write('-500')\nthrough()"),
)
