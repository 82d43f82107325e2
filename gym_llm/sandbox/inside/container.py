"""A container's first process: takes a run from its host, starts it, supervises it, and tells how it ended.

The host listens on a socket that is shown at `STATUS` and takes one connection only: this process makes it before
anything of the model's exists. The payload and the program's streams come over it. As process 1 it is immune to
signals from inside, and it is closed to tracing; when the host goes away, it ends everything.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import time
from typing import Any

from gym_llm.sandbox.inside import kernel, payload, supervisor
from gym_llm.sandbox.inside.seccomp import assemble

STATUS = "/opt/gym-llm/status"
ROOT = "/sandbox"
WORK = f"{ROOT}/work"
_KILLS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")  # cgroups 2 and 1
_MOST_DESCRIPTORS = 8


def main() -> None:
    """Run what the host sends, and leave."""
    if os.getpid() != 1:  # everything else that it can signal is killed at the end
        raise SystemExit("this has to be the first process of its container")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    kernel.protect_from_tracing()
    status = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    status.connect(STATUS)
    try:
        message = _run(status)
    except BaseException as error:  # boundary: the host is told, and nothing of this process may go on
        message = supervisor.failure(error)
    with contextlib.suppress(OSError):
        status.send(message)
    os._exit(0)


def _run(status: socket.socket) -> bytes:
    _, fds, _, _ = socket.recv_fds(status, 1, _MOST_DESCRIPTORS)
    header, offset = payload.read_header(fds[0])
    filter_ = kernel.Filter(assemble(header["profile"], kernel.MACHINE))
    _prepare(header, fds[0], offset)
    supervisor.forget_ourselves()
    gc.collect()
    gc.freeze()
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _die_first()
        supervisor.become(header, fds[1:], filter_, supervisors=None)
    for fd in fds:
        os.close(fd)
    told = json.loads(supervisor.supervise(pid, status, header["limits"], header["wall"]))
    if told["reason"] is None and told["status"] and _ran_out_of_memory():
        told["reason"] = "memory"
    return json.dumps({**told, "wall": time.monotonic() - began}).encode()


def _prepare(header: dict[str, Any], payload_fd: int, offset: int) -> None:
    kernel.drop_privileges()
    os.umask(0o022)
    for name in ("tmp", "work"):
        os.makedirs(f"{ROOT}/{name}", exist_ok=True)  # noqa: PTH103
    payload.write_files(payload_fd, header["files"], offset, ROOT)
    os.chdir(header["work"])


def _ran_out_of_memory() -> bool:
    """Return whether the kernel has killed something of this container because its memory was used up."""
    for path in _KILLS:
        with contextlib.suppress(OSError), open(path, encoding="ascii") as file:  # noqa: PTH123
            return any(line.startswith("oom_kill ") and line.split()[1] != "0" for line in file)
    return False


def _die_first() -> None:
    """Have the kernel, out of memory, kill the program before what supervises it."""
    kernel.protect_from_tracing(False)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
        file.write("1000")
