"""The driver's engine: requests to environments in workers, answers from them, and what happens when a worker dies.

Requests and answers are per environment; batches, Gymnasium's interface and autoreset after a failure are not here,
see `async_vector_env.py`. A worker that dies or hangs costs the episode that did it: the others are replayed on a
new worker from their journals and go on.
"""

from __future__ import annotations

import contextlib
import select
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import dill  # type: ignore[import-untyped]
from gymnasium.utils.env_checker import data_equivalence

from gym_llm.errors import VectorEnvBroken, WorkerError
from gym_llm.vector.host import ERROR, HostFactory
from gym_llm.vector.hosted import MakeEnv
from gym_llm.vector.slots import Pending, Result, Slot
from gym_llm.workers.frames import Decoder, Encoder, frames
from gym_llm.workers.process import Worker

if TYPE_CHECKING:
    from gym_llm.interpreters import Interpreter

_MAX_CRASHES = 5
_MAX_STILLBORN = 3
_LOOK_SECONDS = 0.25
_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """How the engine runs.

    Attributes:
        homes: For each environment, the index of the worker that hosts it.
        autoreset: The autoreset mode's value.
        context: Start method of the workers.
        daemon: As for `multiprocessing.Process`.
        allow_pickle: Whether values of foreign environments may be pickled.
        replayable: Whether episodes may be replayed after a worker's death.
        max_respawns: Workers that may be started again, over the engine's life.
        max_worker_rss: Bytes of resident memory at which a worker is killed, or None.
        interpreters: For each worker, the interpreter that runs it; None for this one.
    """

    homes: Sequence[int]
    autoreset: str
    context: str | None = None
    daemon: bool = True
    allow_pickle: bool = True
    replayable: bool = True
    max_respawns: int = 100
    max_worker_rss: int | None = None
    interpreters: Sequence[Interpreter | None] = ()


class Engine:
    """Environments in worker processes.

    Args:
        make_envs: What makes each environment.
        config: How to run them.
    """

    def __init__(self, make_envs: Sequence[MakeEnv], config: EngineConfig) -> None:
        self._make_envs, self._config = list(make_envs), config
        self._encoder, self._decoder = Encoder(allow_pickle=True), Decoder(config.allow_pickle)
        self.slots = [Slot(index, home) for index, home in enumerate(config.homes)]
        count = max(config.homes) + 1
        self._out: list[list[bytes]] = [[] for _ in range(count)]
        self._ready: deque[tuple[int, Result]] = deque()
        self.respawns = 0
        self._stillborn, self._lived, self._up = [0] * count, [False] * count, [False] * count
        self._looked = time.monotonic()
        self._poller = select.poll()
        self._by_fd: dict[int, int] = {}
        self._broken: VectorEnvBroken | None = None
        self.workers: list[Worker] = []
        try:
            for index in range(count):
                self.workers.append(self._start(index))
        except BaseException:
            self.close(None, True)
            raise

    def ask(self, index: int, operation: str, payload: Any, timeout: float | None = None) -> None:
        """Queue a request; `flush` sends it.

        Args:
            index: Which environment.
            operation: `reset`, `step`, `call`, `set` or `spaces`.
            payload: Its arguments.
            timeout: Seconds that the environment may take before its worker is killed.
        """
        if self._broken is not None:
            raise self._broken
        slot = self.slots[index]
        if operation in ("step", "reset"):
            untold, slot.untold = slot.untold, None
            if untold is not None and operation == "step":
                self._ready.append((index, Result("step", error=untold)))
                return
        if slot.pending is not None:
            slot.stale[slot.number] = slot.pending
        slot.number = number = slot.number + 1
        slot.pending = Pending(operation, payload, number, time.monotonic() if timeout else 0.0, timeout)
        try:
            self._out[slot.worker].append(self._encoder.encode((operation, index, number, payload)))
        except WorkerError as error:
            slot.pending = None
            self._ready.append((index, Result(operation, error=error_of("WorkerError", str(error), "driver"))))

    def flush(self) -> None:
        """Send what is queued, one system call a worker."""
        for index, messages in enumerate(self._out):
            if messages:
                self._write(index, frames(messages))
                messages.clear()

    def wait(self, timeout: float | None = None) -> bool:
        """Take in what comes until at least one result is ready; return whether there is one.

        Args:
            timeout: Seconds to wait at most; None to wait as long as it takes.

        Raises:
            VectorEnvBroken: When workers keep dying.
        """
        if self._broken is not None:
            raise self._broken
        self.flush()
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._ready:
            left = _LOOK_SECONDS if deadline is None else min(_LOOK_SECONDS, deadline - time.monotonic())
            for fd, event in self._poller.poll(max(left, 0) * 1000):
                if fd in self._by_fd:
                    self.service(self._by_fd[fd], event)
            self.look()
            if not self._ready and deadline is not None and time.monotonic() >= deadline:
                return False
        return True

    def results(self) -> list[tuple[int, Result]]:
        """Return (environment, result) of everything that is ready, in the order of arrival."""
        ready = list(self._ready)
        self._ready.clear()
        return ready

    def service(self, index: int, event: int = select.POLLIN) -> None:
        """Read from and write to one worker."""
        worker = self.workers[index]
        if event & select.POLLOUT:
            worker.flush()
            self._watch_writes(index)
        if not event & ~select.POLLOUT:
            return
        try:
            received, alive = worker.receive()
            for frame in received:
                self._take(frame, index)
        except WorkerError as error:
            self._died(index, "protocol", str(error))
            return
        if not alive:
            worker.wait(5.0)
            self._died(index, "died", worker.cause())

    def look(self) -> None:
        """Kill workers that hang or have grown too large; cheap enough to be called often."""
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS / 5:
            return
        self._looked = now
        for index, worker in enumerate(self.workers):
            limit = self._config.max_worker_rss
            if limit is not None and (size := worker.rss()) > limit:
                self._kill(index, "memory", f"its worker held {size} bytes, more than max_worker_rss={limit}")
            elif (culprit := self._hanging(index, now)) is not None:
                self._kill(index, "timeout", f"it took longer than {culprit[1]:g} seconds", culprit[0])

    def close(self, timeout: float | None, terminate: bool) -> None:
        """End every worker: in good order, within `timeout` seconds, or at once."""
        for index, worker in enumerate(self.workers):
            self._forget(index)
            if terminate:
                worker.kill()
                worker.release()
        if not terminate:
            deadline = time.monotonic() + (5.0 if timeout is None else timeout)
            for worker in self.workers:
                worker.close(max(deadline - time.monotonic(), 0.05))
        self.workers.clear()

    def watch(self) -> list[int]:
        """Return the file descriptors of the workers, for an event loop."""
        return list(self._by_fd)

    def unsent(self) -> list[int]:
        """Return the file descriptors of the workers that have not taken everything yet."""
        return [fd for fd, index in self._by_fd.items() if self.workers[index].unsent]

    def worker_of(self, fd: int) -> int | None:
        """Return which worker a file descriptor leads to; None when it has ended."""
        return self._by_fd.get(fd)

    # Workers.

    def _start(self, index: int) -> Worker:
        config = self._config
        own = {slot.index: self._make_envs[slot.index] for slot in self.slots if slot.worker == index}
        factory = HostFactory(own, config.autoreset, config.allow_pickle)
        other = config.interpreters[index] if config.interpreters else None
        worker = Worker(
            factory, context=config.context, daemon=config.daemon, name=f"gym-llm-vector-{index}",
            interpreter=other,
        )  # fmt: skip
        self._by_fd[worker.fileno()] = index
        self._poller.register(worker.fileno(), select.POLLIN)
        return worker

    def _write(self, index: int, data: bytes) -> None:
        self.workers[index].send(data)
        self._watch_writes(index)

    def _watch_writes(self, index: int) -> None:
        worker = self.workers[index]
        self._poller.modify(worker.fileno(), select.POLLIN | (select.POLLOUT if worker.unsent else 0))

    def _forget(self, index: int) -> None:
        for fd in [fd for fd, worker in self._by_fd.items() if worker == index]:
            del self._by_fd[fd]
            with contextlib.suppress(KeyError):
                self._poller.unregister(fd)

    def _kill(self, index: int, kind: str, message: str, culprit: int | None = None) -> None:
        worker = self.workers[index]
        named = self._running(index) if culprit is None else culprit
        worker.kill()
        for frame in worker.receive()[0]:
            self._take(frame, index)
        self._died(index, kind, message, named)

    def _died(self, index: int, kind: str, message: str, culprit: int | None = None) -> None:
        """Start a worker again; the culprit's episode is lost, the others are replayed."""
        worker = self.workers[index]
        named = self._running(index) if culprit is None else culprit
        self._forget(index)
        worker.kill()
        worker.release()
        self.respawns += 1
        self._stillborn[index] += not self._lived[index]
        if self._stillborn[index] >= _MAX_STILLBORN:
            self._break(f"a worker died {_MAX_STILLBORN} times before its first answer ({message}); see its output")
        if self.respawns > self._config.max_respawns:
            self._break(
                f"workers died more than max_respawns={self._config.max_respawns} times; the last one: {message}"
            )
        self.workers[index], self._up[index] = self._start(index), False
        self._out[index].clear()  # what was not sent yet is asked again below, in its place
        for slot in self.slots:
            if slot.worker == index:
                self._restore(slot, slot.index == named, kind, message)
        self.flush()

    def _break(self, message: str) -> NoReturn:
        self._broken = VectorEnvBroken(message)
        raise self._broken

    def _restore(self, slot: Slot, guilty: bool, kind: str, message: str) -> None:
        pending = slot.pending
        if guilty:
            slot.crashes += 1
            if slot.crashes > _MAX_CRASHES:
                self._break(f"environment {slot.index} took down {slot.crashes} workers in a row: {message}")
        slot.stale.clear()
        live = slot.start is not None and not slot.lost
        if not live or guilty or not self._config.replayable:
            self._set_again(slot)
        if guilty or (live and not self._config.replayable):
            slot.lost, slot.start = True, None
            if live or pending is not None:
                self._fail(slot, kind, message)
            return
        if live:
            slot.number += 1
            slot.replays = slot.number
            frame = ["replay", slot.index, slot.number, [slot.start, slot.actions]]
            self._out[slot.worker].append(self._encoder.encode(frame))
        if pending is not None:
            slot.pending = None
            self.ask(slot.index, pending.operation, pending.payload, pending.timeout)

    def _set_again(self, slot: Slot) -> None:
        """Give a new environment the attributes that its predecessor was given; nobody waits for the answers."""
        for name, value in slot.attributes.items():
            slot.number += 1
            self._out[slot.worker].append(self._encoder.encode(("set", slot.index, slot.number, [name, value])))

    def _running(self, index: int) -> int:
        """Return the environment whose pending request a worker was running, or -1."""
        job, number, _ = self.workers[index].page.read()
        pending = self.slots[job].pending if 0 <= job < len(self.slots) else None
        known = pending is not None and pending.number == number
        return job if known or (job >= 0 and self.slots[job].replays == number) else -1

    def _fail(self, slot: Slot, kind: str, message: str) -> None:
        pending, slot.pending = slot.pending, None
        error = error_of("WorkerDied" if kind != "timeout" else "TimeoutError", message, f"worker_{kind}")
        if pending is None or pending.operation not in ("step", "reset"):
            slot.untold = error
        if pending is not None:
            self._ready.append((slot.index, Result(pending.operation, error=error)))

    def _hanging(self, index: int, now: float) -> tuple[int, float] | None:
        """Return (environment, its timeout) when one has taken longer than it may."""
        job, _, since = self.workers[index].page.read()
        for slot in self.slots:
            pending = slot.pending
            if slot.worker != index or pending is None or pending.timeout is None:
                continue
            starting = job == -1 and not self._up[index]
            if now - pending.since <= (pending.timeout + _START_SECONDS if starting else pending.timeout):
                continue
            if job == -1 or job == slot.index:
                started = pending.since if job == -1 else since
                if now - started > pending.timeout:
                    return slot.index, pending.timeout
            elif now - since > pending.timeout:
                return job, pending.timeout
        return None

    # Answers.

    def _take(self, frame: bytes, worker: int) -> None:
        """Take in the answers of a frame."""
        slots, count, ready = self.slots, len(self.slots), self._ready
        self._lived[worker] = self._up[worker] = True
        for index, number, status, value in self._decoder.decode(frame):
            slot = slots[index] if isinstance(index, int) and 0 <= index < count else None
            if slot is None or slot.worker != worker:
                raise WorkerError(f"an answer for environment {index!r}, which this worker does not host")
            pending = slot.pending
            if pending is None or number != pending.number:
                self._late(slot, number, status, value)
                continue
            slot.pending = None
            if status == ERROR:
                slot.lost = slot.lost or pending.operation in ("reset", "step")
                ready.append((index, Result(pending.operation, error=value)))
            else:
                ready.append((index, slot.take(pending, value)))

    def _late(self, slot: Slot, number: int, status: int, value: Any) -> None:
        """Take in what nobody waits for: a replay's end, or an answer that came after its deadline."""
        if number == slot.replays:
            slot.replays = None
            self._replayed(slot, status, value)
        elif (stale := slot.stale.pop(number, None)) is not None and status != ERROR:
            slot.take(stale, value)

    def _replayed(self, slot: Slot, status: int, value: Any) -> None:
        if status != ERROR and _same(value, slot.observation):
            return
        slot.lost, slot.start = True, None
        reason = value["message"] if status == ERROR else "the answers were not the same"
        self._fail(slot, "replay", f"its worker died with another environment, and its replay failed: {reason}")


def _same(value: Any, other: Any) -> bool:
    """Return whether two observations are equal, also when they hold NaN or objects that cannot be compared."""
    try:
        if data_equivalence(value, other):
            return True
    except Exception:  # boundary: an object may compare in any way
        pass
    return bool(dill.dumps(value) == dill.dumps(other))


def error_of(name: str, message: str, kind: str) -> dict[str, Any]:
    """Return an `info["error"]`."""
    return {"type": name, "message": message, "kind": kind, "where": ""}
