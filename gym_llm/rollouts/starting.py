"""Starting a worker of a collection: forked off where that is safe, which costs little, started anew elsewhere."""

from __future__ import annotations

import platform
import sys
import threading
import warnings
from dataclasses import replace
from pathlib import Path

import gym_llm
from gym_llm.interpreters.interpreter import Interpreter
from gym_llm.rollouts.hosting import EpisodesFactory
from gym_llm.rollouts.interrupts import STEP_THREADS
from gym_llm.workers.process import Worker

_NEVER_FORKED = ("grpc", "jax", "ray", "tensorflow", "torch")


def started(factory: EpisodesFactory, closes: tuple[int, ...]) -> Worker:
    """Return a worker that is starting.

    Args:
        factory: Makes its handler.
        closes: Descriptors that it must not hold.
    """
    if not may_fork():
        return Worker(factory, interpreter=_Here(Path(sys.executable), platform.python_version()))
    with warnings.catch_warnings():  # Python counts the threads of numerical libraries, which expect a fork
        warnings.simplefilter("ignore", DeprecationWarning)
        return Worker(replace(factory, closes=closes), context="fork")


def may_fork(patience: float = 0.0) -> bool:
    """Whether a fork of this process is safe, which saves a worker's imports: no other thread may hold a lock.

    Args:
        patience: Seconds to wait for threads of an event loop that has ended.
    """
    for thread in threading.enumerate():
        if patience and thread.name.startswith(STEP_THREADS):
            thread.join(patience)
    alone = threading.current_thread() is threading.main_thread() and threading.active_count() == 1
    return sys.platform == "linux" and alone and not any(name in sys.modules for name in _NEVER_FORKED)


class _Here(Interpreter):
    """The running interpreter, started anew: no descriptor, thread or lock of this process goes along."""

    def command(self, module: str, *args: str) -> list[str]:
        """Return the command line; Ctrl-C is the driver's business, and this package is found where it is here."""
        root = str(Path(gym_llm.__file__).parent.parent)
        program = (
            "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); "
            f"sys.path.append({root!r}); from {module} import main; main()"
        )
        return [str(self.executable), "-P", "-c", program, *args]
