"""Starting a worker of a collection: forked off where that is safe, which costs little, started anew elsewhere."""

from __future__ import annotations

import platform
import sys
import threading
import warnings
from pathlib import Path

import gym_llm
from gym_llm.interpreters.interpreter import Interpreter
from gym_llm.journal.journal import SYNC_THREAD
from gym_llm.rollouts.hosting import EpisodesFactory
from gym_llm.rollouts.interrupts import STEP_THREADS
from gym_llm.workers.process import Worker

_NEVER_FORKED = ("grpc", "jax", "ray", "tensorflow", "torch")


def started(factory: EpisodesFactory) -> Worker:
    """Return a worker that is starting.

    Args:
        factory: Makes its handler.
    """
    if not may_fork():
        return Worker(factory, interpreter=here())
    with warnings.catch_warnings():  # Python counts the threads of numerical libraries, which expect a fork
        warnings.simplefilter("ignore", DeprecationWarning)
        return Worker(factory, context="fork")


def here() -> Interpreter:
    """Return the running interpreter, to be started anew."""
    return _Here(Path(sys.executable), platform.python_version())


def may_fork(patience: float = 0.0) -> bool:
    """Whether a fork of this process is safe, which saves a worker's imports: no other thread may hold a lock.

    Args:
        patience: Seconds to wait for threads of an event loop that has ended.
    """
    for thread in threading.enumerate():
        if patience and thread.name.startswith(STEP_THREADS):
            thread.join(patience)
    others = [thread for thread in threading.enumerate() if thread.name != SYNC_THREAD]  # it holds none of ours
    alone = others == [threading.main_thread()] and threading.current_thread() is threading.main_thread()
    return sys.platform == "linux" and alone and not any(name in sys.modules for name in _NEVER_FORKED)


class _Here(Interpreter):
    """The running interpreter, started anew: no descriptor, thread or lock of this process goes along."""

    def command(self, module: str, *args: str) -> list[str]:
        """Return the command line; Ctrl-C is the driver's business, and this package is found where it is here."""
        root = str(Path(gym_llm.__file__).parent.parent)
        program = (
            "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); "
            f"{root!r} in sys.path or sys.path.insert(0, {root!r}); from {module} import main; main()"
        )
        return [str(self.executable), "-P", "-c", program, *args]
