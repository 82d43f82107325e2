"""The pool: one thread for each worker process, a queue before them, first come, first served.

How a process is started, spoken to and killed is in `process.py`; what runs inside it is `worker.py`.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
import threading
import weakref
from concurrent.futures import Future
from functools import cache
from queue import SimpleQueue
from types import TracebackType
from typing import Any

import msgspec

from gym_llm.errors import ConfigError, PoolError
from gym_llm.items import scrub
from gym_llm.pool.process import WorkerProcess

_CLOSED = "the pool is closed"


class _Job:
    """One call: what to run, for how long, where its outcome goes, and who runs it now."""

    __slots__ = ("abandoned", "function", "outcome", "process", "request", "timeout")

    def __init__(self, function: str, arguments: tuple[Any, ...], timeout: float) -> None:
        self.function, self.timeout = function, timeout
        self.request = _encoded([function, arguments])
        self.outcome: Future[Any] = Future()
        self.process: WorkerProcess | None = None
        self.abandoned = False


class Pool:
    """Worker processes that answer one call at a time and are killed when a call runs past its deadline.

    Processes start with the first calls. May be used from any thread and any event loop. A forked child has a
    pool of its own.

    Args:
        size: Most processes at once; the number of cores by default.
        start_timeout: Seconds that a process may take to start and to import a function's module.

    >>> with Pool(size=1) as pool:
    ...     pool.call("math:hypot", 3, 4, timeout=10.0)
    5.0
    """

    def __init__(self, size: int | None = None, *, start_timeout: float = 60.0) -> None:
        self.size = _cores() if size is None else size
        if self.size < 1:
            raise ConfigError(f"size={size}: a pool needs at least 1 process")
        self._start_timeout = start_timeout
        self._reset()
        _pools.add(self)

    def call(self, function: str, *arguments: Any, timeout: float) -> Any:
        """Run a function in a worker process and return its result.

        Args:
            function: Import path `"package.module:function"`. The module is loaded without its packages'
                `__init__`, so that one which needs only the standard library starts in milliseconds.
            *arguments: Plain JSON data.
            timeout: Seconds that the function may run; neither waiting for a process nor starting one counts.

        Raises:
            PoolTimeout: It ran longer, and was killed.
            PoolCrashed: Its process died; the message names the signal.
            PoolError: It raised (the message has type and text, a note the traceback), there is no such
                function, its result is no plain data, or the pool is closed.
        """
        job = self._submit(function, arguments, timeout)
        try:
            return job.outcome.result()
        finally:
            self._abandon(job)

    async def acall(self, function: str, *arguments: Any, timeout: float) -> Any:
        """Do what `call` does, without blocking the event loop. Cancelling kills a call that is running."""
        job = self._submit(function, arguments, timeout)
        try:
            return await asyncio.wrap_future(job.outcome)
        finally:
            self._abandon(job)

    def close(self) -> None:
        """Kill every process. Calls that are waiting or running fail; so do later ones."""
        with self._lock:
            self._closed = True
            threads = self._threads[:]
            self._threads.clear()
            for process in self._processes:
                process.kill()
        for _ in threads:
            self._queue.put(None)
        for thread in threads:
            thread.join()
        while not self._queue.empty():
            job = self._queue.get()
            if job is not None and job.outcome.set_running_or_notify_cancel():
                job.outcome.set_exception(PoolError(_CLOSED))

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _reset(self) -> None:
        """Begin with no process; also in a forked child, where the parent's threads do not exist."""
        self._lock = threading.Lock()
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._processes: set[WorkerProcess] = set()
        self._unfinished = 0
        self._closed = False

    def _forked(self) -> None:
        for process in self._processes:
            process.disown()
        self._reset()

    def _submit(self, function: str, arguments: tuple[Any, ...], timeout: float) -> _Job:
        if not timeout > 0:
            raise ConfigError(f"timeout={timeout}: give seconds above 0")
        job = _Job(function, arguments, timeout)
        with self._lock:
            if self._closed:
                raise PoolError(_CLOSED)
            self._unfinished += 1
            if self._unfinished > len(self._threads) < self.size:
                thread = threading.Thread(target=self._serve, name="gym-llm-pool", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._queue.put(job)
        return job

    def _abandon(self, job: _Job) -> None:
        """Give up a call whose caller has gone; does nothing when it is done."""
        if not job.outcome.cancel():
            with self._lock:
                job.abandoned = True
                if job.process is not None:
                    job.process.kill()

    def _serve(self) -> None:
        """Run jobs on one process after another; the body of each thread."""
        process: WorkerProcess | None = None
        while (job := self._queue.get()) is not None:
            if job.outcome.set_running_or_notify_cancel():
                process = self._run(job, process)
            else:
                self._finished(job)
        if process is not None:
            self._drop(process)

    def _run(self, job: _Job, process: WorkerProcess | None) -> WorkerProcess | None:
        """Run a job on a process, a new one if need be; return the process that the next job gets."""
        try:
            process = self._alive(process)
            with self._lock:
                job.process = process
                if job.abandoned:
                    raise PoolError("the call was cancelled")
            process.load(job.function, self._start_timeout)
            result = process.run(job.function, job.request, job.timeout)
        except BaseException as error:  # boundary: whatever failed belongs to the caller
            self._finished(job)
            job.outcome.set_exception(PoolError(_CLOSED) if self._closed else error)
        else:
            self._finished(job)
            job.outcome.set_result(result)
        return self._next(process)

    def _next(self, process: WorkerProcess | None) -> WorkerProcess | None:
        """Start a new process at once in place of one that was killed, so that the next job need not wait."""
        try:
            return process if self._closed else self._alive(process)
        except OSError:  # the next job tries again, and reports it
            return None

    def _alive(self, process: WorkerProcess | None) -> WorkerProcess:
        """Return the process, or a new one in place of one that has ended."""
        if process is not None:
            if process.alive:
                return process
            self._drop(process)
        process = WorkerProcess()
        with self._lock:
            self._processes.add(process)
            if self._closed:
                process.kill()
        return process

    def _finished(self, job: _Job) -> None:
        """Count a job as done; before its outcome is told, so that the caller's next one finds this thread free."""
        with self._lock:
            job.process = None
            self._unfinished -= 1

    def _drop(self, process: WorkerProcess) -> None:
        process.close()
        with self._lock:
            self._processes.discard(process)


@cache
def default() -> Pool:
    """Return the pool that all environments of this process share."""
    return Pool()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _encoded(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(scrub(value))


_pools: weakref.WeakSet[Pool] = weakref.WeakSet()


def _close_all() -> None:
    for pool in list(_pools):
        pool.close()


def _forked_all() -> None:
    for pool in list(_pools):
        pool._forked()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked_all)
