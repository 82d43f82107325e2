"""One run's first process: raises its walls, then becomes the program, or supervises it as process 1.

A supervisor holds the status socket that the program never has; what it sends there is what the kernel says. It is
immune to signals from the program, as process 1, and closed to tracing. When its host goes away, everything ends.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import signal
import socket
import sys
import time
from typing import Any

from gym_llm.sandbox.inside import kernel, payload, program, rlimits, walls
from gym_llm.sandbox.inside.watch import SOCKET_BYTES, Watch

HOME = "/opt/gym-llm"
_FIRST_OWN = 3  # the descriptors 0, 1 and 2 are the program's
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


def failure(error: BaseException) -> bytes:
    """Return the message that says that a run could not be started."""
    return json.dumps({"failed": f"{type(error).__name__}: {error}"}).encode()


def ending(status: int, cpu: float, memory: int, reason: str | None) -> bytes:
    """Return the message that says how a run ended."""
    return json.dumps({"status": status, "cpu": cpu, "memory": memory, "reason": reason}).encode()


def main(direct: bool, profile: str, status: socket.socket, fds: list[int], filter_: kernel.Filter) -> None:
    """Raise the walls of one run, and become its program or supervise it; never returns.

    Args:
        direct: Whether to become the program, which the zygote then watches.
        profile: `compute` or `process`.
        status: Where the end is told.
        fds: Payload, stdin, stdout, stderr and, for a session, its channel.
        filter_: The system calls that the program may make.
    """
    try:
        header, offset = payload.read_header(fds[0])
        _prepare(profile, header, fds[0], offset)
        pid = 0 if direct else os.fork()
        if pid == 0:
            become(header, fds[1:], filter_, supervisors=int(not direct))
        for fd in fds:
            os.close(fd)
        message = supervise(pid, status, header["limits"])
    except BaseException as error:  # boundary: the host is told, and nothing of this process may go on
        message = failure(error)
    with contextlib.suppress(OSError):
        status.send(message)
    os._exit(0)


def _prepare(profile: str, header: dict[str, Any], payload_fd: int, offset: int) -> None:
    kernel.protect_from_tracing(False)  # its files in /proc are its own again
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a handler of process 1 is what its run could reach
    walls.take_identity(header["uid"], header["gid"])
    kernel.protect_from_tracing()
    if profile == "process":
        _raise_loopback()
        _bound_buffers()
    walls.mount_all(header["limits"], header["workspace"], profile)
    os.umask(0o022)
    payload.write_files(payload_fd, header["files"], offset, walls.ROOT)
    os.chdir(walls.WORK)
    kernel.drop_privileges()


def _raise_loopback() -> None:
    """Bring up the interface by which the run's processes may talk to each other, and to nobody else."""
    import fcntl

    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        set_flags, up = 0x8914, 1
        fcntl.ioctl(any_socket, set_flags, b"lo".ljust(16, b"\0") + up.to_bytes(2, "little") + bytes(22))


def _bound_buffers() -> None:
    """Bound what one TCP socket of the run may hold in the kernel; whole machines share one limit else."""
    for name in ("tcp_rmem", "tcp_wmem"):
        with contextlib.suppress(OSError), open(f"/proc/sys/net/ipv4/{name}", "w", encoding="ascii") as file:  # noqa: PTH123
            file.write(f"4096 65536 {SOCKET_BYTES}")


def become(header: dict[str, Any], fds: list[int], filter_: kernel.Filter, supervisors: int | None) -> None:
    """Turn into the program; never returns.

    Args:
        header: Of the payload.
        fds: stdin, stdout, stderr and, for a session, its channel.
        filter_: The system calls that the program may make.
        supervisors: How many processes of its user are none of its own; None where others keep their number small.
    """
    code = 126
    try:
        high = [os.dup2(fd, 64 + index, inheritable=False) for index, fd in enumerate(fds)]
        for target, fd in enumerate(high):
            os.dup2(fd, target)
        os.closerange(len(fds), 1 << 20)
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        kernel.protect_from_tracing(False)
        rlimits.limit(header["limits"], supervisors)
        filter_.install()
        if header.get("bare"):  # the interpreter was started without the packages of its image
            import site

            site.main()
        if header["command"]:
            code = _execute(header)
        elif header["session"]:
            code = _serve_session(header["environment"])
        else:
            code = program.run(header["program"], header["arguments"], header["environment"])
    except BaseException:  # boundary: whatever happens here, the supervisor's code below the fork must not run
        with contextlib.suppress(BaseException):
            import traceback

            os.write(2, traceback.format_exc().encode())
    os._exit(code)


def _serve_session(environment: dict[str, str]) -> int:
    """Serve a session; what that needs is imported now, so that every run need not carry it along."""
    os.environ.update(environment)
    sys.path.insert(0, HOME)
    from gym_llm.sandbox.inside import repl

    forget_ourselves()
    return repl.serve(_FIRST_OWN, _FIRST_OWN)


def forget_ourselves() -> None:
    """Leave programs an interpreter in which this package was never imported."""
    sys.path[:] = [entry for entry in sys.path if entry not in ("", HOME)]
    for name in [name for name in sys.modules if name.partition(".")[0] == "gym_llm"]:
        del sys.modules[name]


def _execute(header: dict[str, Any]) -> int:
    for number in _IGNORED_BY_PYTHON:
        signal.signal(number, signal.SIG_DFL)
    command, environment = header["command"], {**os.environ, **header["environment"]}
    try:
        os.execvpe(command[0], command, environment)
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode(errors="replace"))
        return 127 if isinstance(error, FileNotFoundError) else 126


def supervise(pid: int, status: socket.socket, limits: dict[str, Any], wall: float = math.inf) -> bytes:
    """Wait for the program, keep it within its limits, and return how it ended; `wall` is seconds from now."""
    end = time.monotonic() + wall
    ended = os.pidfd_open(pid)
    poller = select.poll()
    poller.register(ended, select.POLLIN)
    poller.register(status, select.POLLIN)
    watch = Watch(limits)
    while True:
        left = max(0.0, end - time.monotonic()) * 1000
        ready = dict(poller.poll(min(watch.milliseconds, left)))
        if ended in ready:
            break
        if status.fileno() in ready:
            budget = status.recv(64)
            if not budget:  # the host has given the run up, or is gone
                break
            watch.allow(float(budget))
        elif watch.exceeded():
            break
        elif time.monotonic() >= end:
            watch.reason = "wall"
            break
    return _ending(pid, watch)


def _ending(pid: int, watch: Watch) -> bytes:
    """Kill what is left, and tell what the kernel knows about the program."""
    watch.look()
    with contextlib.suppress(ProcessLookupError):
        if not os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            os.kill(pid, signal.SIGKILL)
    _, code, own = os.wait4(pid, 0)
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    cpu, memory = watch.total()
    memory = max(memory, own.ru_maxrss << 10)
    return ending(code, cpu, memory, watch.reason)
