"""The zygote: a warm interpreter that forks one supervisor per run into namespaces of its own, and does nothing else.

It reads no payload and keeps none: a request is one byte and some file descriptors. It ends when its host closes
the control socket or dies; as process 1 of its namespace it then takes everything with it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import signal
import socket

from gym_llm.sandbox.inside import kernel, supervisor
from gym_llm.sandbox.inside.seccomp import assemble

_RUN = kernel.CLONE_NEWUSER | kernel.CLONE_NEWPID | kernel.CLONE_NEWNS
_DIRECT = b"c"
_KINDS = {  # a run of profile compute, a session of it, and everything of profile process
    _DIRECT: (_RUN, "compute"),
    b"s": (_RUN, "compute"),
    b"p": (_RUN | kernel.CLONE_NEWIPC | kernel.CLONE_NEWNET, "process"),
}
_MOST_DESCRIPTORS = 8
_REAP_MILLISECONDS = 1000


def main(control_fd: int, preload: list[str]) -> None:
    """Serve until the host is gone."""
    kernel.protect_from_tracing()
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
        file.write("1000")  # out of memory, the kernel kills a run before it kills the trainer
    for module in preload:
        importlib.import_module(module)
    zygote = _Zygote(socket.socket(fileno=control_fd))
    supervisor.forget_ourselves()
    gc.collect()
    gc.freeze()
    zygote.serve()


class _Zygote:
    """The runs that are under way.

    A program of profile `compute` cannot start another process, so it needs no supervisor of its own: it is
    process 1 of its namespace itself, and this is its parent. That halves what a run costs.
    """

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._filters = {
            kind: kernel.Filter(assemble(profile, kernel.MACHINE)) for kind, (_, profile) in _KINDS.items()
        }
        self._poller = select.poll()
        self._poller.register(control, select.POLLIN)
        self._direct: dict[int, tuple[int, int, socket.socket]] = {}
        self._supervised = 0

    def serve(self) -> None:
        """Take requests and tell the ends of runs, for ever."""
        while True:
            for fd, _ in self._poller.poll(_REAP_MILLISECONDS if self._supervised else None):
                if fd == self._control.fileno():
                    self._take()
                elif fd in self._direct:
                    self._end(fd)
            if self._supervised:
                self._reap()

    def _take(self) -> None:
        """Start a run. Only the zygote returns."""
        kind, fds, _, _ = socket.recv_fds(self._control, 1, _MOST_DESCRIPTORS)
        if not kind:
            os._exit(0)
        status = socket.socket(fileno=fds[0])
        try:
            pid = kernel.fork_into(_KINDS[kind][0])
            if pid == 0:
                supervisor.main(kind == _DIRECT, _KINDS[kind][1], status, fds[1:], self._filters[kind])
        except OSError as error:
            status.send(supervisor.failure(error))
            status.close()
        else:
            if kind == _DIRECT:
                self._watch(pid, status)
            else:
                self._supervised += 1
                status.close()
        for fd in fds[1:]:
            os.close(fd)

    def _watch(self, pid: int, status: socket.socket) -> None:
        ended = os.pidfd_open(pid)
        for fd in (ended, status.fileno()):
            self._direct[fd] = (pid, ended, status)
            self._poller.register(fd, select.POLLIN)

    def _end(self, fd: int) -> None:
        """Tell the end of a run that has ended, or that its host has given up."""
        pid, ended, status = self._direct[fd]
        if fd == status.fileno():
            os.kill(pid, signal.SIGKILL)
        _, code, used = os.wait4(pid, 0)
        for watched in (ended, status.fileno()):
            self._poller.unregister(watched)
            del self._direct[watched]
        message = supervisor.ending(code, used.ru_utime + used.ru_stime, used.ru_maxrss << 10, None)
        with contextlib.suppress(OSError):
            status.send(message)
        status.close()
        os.close(ended)

    def _reap(self) -> None:
        """Reap supervisors that have ended, and nothing else."""
        running = {pid for pid, _, _ in self._direct.values()}
        with contextlib.suppress(ChildProcessError):
            while found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                if found.si_pid in running:
                    return
                os.waitpid(found.si_pid, 0)
                self._supervised -= 1
