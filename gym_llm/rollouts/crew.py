"""Episodes in worker processes: jobs go out, finished lines come back, and a death costs the episode that did it.

A worker holds as many jobs as it may play at once and gets the next one as soon as one ends. When it dies or hangs,
the page tells which episode ran: that one has failed, its other ones are handed out again and start over, without
an attempt counted. What happens inside a worker is said in `hosting.py`.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field

from gym_llm.errors import GymLLMError, WorkerError
from gym_llm.policies.policy import Policy
from gym_llm.rollouts import wire
from gym_llm.rollouts.collector import Collector
from gym_llm.rollouts.episodes import Failed, Finished, lost_episode
from gym_llm.rollouts.hosting import EpisodesFactory
from gym_llm.rollouts.luggage import CannotTravel, Luggage
from gym_llm.rollouts.plan import Job, Seeds
from gym_llm.rollouts.starting import started
from gym_llm.workers.frames import Encoder, frames
from gym_llm.workers.process import CLOSE, Worker

MAX_RESPAWNS = 100
_TICK_SECONDS = 0.25
_CLOSE_SECONDS = 5.0
_STILLBORN = 3
_UNEXPLAINED = 3
_IDLE = -1
_START_SECONDS = 60.0
_encoder = Encoder(allow_pickle=False)
_START = frames([_encoder.encode([wire.START, _IDLE, 0])])


@dataclass(slots=True)
class _Given:
    """A job that a worker has: its sequence number, when it went there, and the unexplained deaths that it saw."""

    job: Job
    number: int = 0
    started: float = 0.0
    deaths: int = 0


@dataclass(slots=True, eq=False)
class _Member:
    """One place for a worker, whichever process fills it now."""

    index: int
    share: int
    worker: Worker
    since: float = field(default_factory=time.monotonic)
    ready: bool = False
    wary: bool = False
    running: dict[int, _Given] = field(default_factory=dict)

    def room(self, given: _Given) -> bool:
        """Whether a job may be added; jobs that saw unexplained deaths are played with ever fewer beside them."""
        deaths = given.deaths
        if self.wary:
            deaths = max(deaths, *(other.deaths for other in self.running.values()), 0)
        self.wary = deaths > 0
        return len(self.running) < max(1, self.share >> deaths)


class Crew:
    """The stage of a collection whose policy can be rebuilt elsewhere.

    Args:
        luggage: What each worker plays.
        policy: The policy, for the records of lost episodes.
        seeds: The run's seeds, likewise.
        workers: Number of workers.
        concurrency: Most episodes at once, over all workers.
        episode_timeout: Seconds that a step may take, or None.
    """

    def __init__(
        self, luggage: Luggage, policy: Policy, seeds: Seeds, workers: int, concurrency: int,
        episode_timeout: float | None,
    ) -> None:  # fmt: skip
        self._luggage, self._policy, self._seeds = luggage, policy, seeds
        self._count, self._concurrency, self._timeout = workers, concurrency, episode_timeout
        self._members: list[_Member] = []
        self._again: deque[_Given] = deque()
        self._fresh: _Given | None = None
        self._number = self._respawns = self._stillborn = 0
        self._lived = False

    async def run(self, collector: Collector) -> None:
        """Play all jobs.

        Raises:
            CannotTravel: A worker could not rebuild what it was given, before any episode was played.
        """
        self._collector, self._loop = collector, asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()
        try:
            for index in range(self._count):
                share = self._concurrency // self._count + (index < self._concurrency % self._count)
                self._members.append(_Member(index, share, self._started(index, share)))
                self._watch(self._members[-1])
            self._tick()
            await self._over
            if not any(member.running for member in self._members):
                self._close()
        finally:
            self._ticking.cancel()
            for member in self._members:
                self._let_go(member)

    def cancel(self) -> None:
        """Give up what runs."""
        if not self._over.done():
            self._over.set_result(None)

    # Workers.

    def _started(self, index: int, share: int) -> Worker:
        factory = EpisodesFactory(self._luggage, index, self._count, share, self._timeout)
        worker = started(factory)
        worker.send(_START)
        return worker

    def _watch(self, member: _Member) -> None:
        self._loop.add_reader(member.worker.fileno(), self._service, member)
        self._watch_writes(member)

    def _watch_writes(self, member: _Member) -> None:
        if member.worker.unsent:
            self._loop.add_writer(member.worker.fileno(), self._flush, member)
        else:
            self._loop.remove_writer(member.worker.fileno())

    def _flush(self, member: _Member) -> None:
        member.worker.flush()
        self._watch_writes(member)

    def _let_go(self, member: _Member) -> None:
        """End a worker's process, if it has not ended."""
        fd = member.worker.fileno()
        if fd >= 0:
            self._loop.remove_reader(fd)
            self._loop.remove_writer(fd)
        member.worker.kill()
        member.worker.release()

    def _close(self) -> None:
        """Let workers close their environments; all at once, each for a while."""
        for member in self._members:
            member.worker.send(CLOSE)
        deadline = time.monotonic() + _CLOSE_SECONDS
        for member in self._members:
            fd = member.worker.fileno()
            self._loop.remove_reader(fd)
            self._loop.remove_writer(fd)
            member.worker.close(max(deadline - time.monotonic(), 0.05))

    # Jobs.

    def _refill(self, member: _Member) -> None:
        """Hand out as many jobs as a worker has room for, in one write."""
        jobs: list[bytes] = []
        while member.ready and len(member.running) < member.share:
            given = self._next()
            if given is None:
                break
            if not member.room(given):
                self._again.appendleft(given)
                break
            self._number += 1
            given.number, given.started = self._number, time.time()
            index = given.job.task * self._collector.plan.num_repeats + given.job.rollout
            member.running[index] = given
            jobs.append(_encoder.encode([wire.PLAY, index, given.number, *given.job]))
        if jobs:
            member.worker.send(frames(jobs))
            if member.worker.unsent:
                self._watch_writes(member)

    def _next(self) -> _Given | None:
        if self._collector.stopping:
            return None
        if self._again:
            return self._again.popleft()
        job = self._collector.next()
        return None if job is None else _Given(job)

    def _end_if_done(self) -> None:
        self._collector.flush()
        if self._over.done() or any(member.running for member in self._members):
            return
        if self._collector.stopping or not (self._again or self._collector.plan.missing):
            self._over.set_result(None)

    # What workers tell.

    def _service(self, member: _Member) -> None:
        """Take in what a worker has sent."""
        try:
            received, alive = member.worker.receive()
            for frame in received:
                for told in wire.decode(frame):
                    self._take(member, told)
            if alive:
                self._refill(member)
            else:
                member.worker.wait(_CLOSE_SECONDS)
                self._died(member, "worker_died", f"its worker process died: {member.worker.cause()}")
            self._end_if_done()
        except WorkerError as error:
            self._fail(error)
        except Exception as error:  # boundary: a callback has nobody to raise to
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        if not self._over.done():
            self._over.set_exception(error)

    def _take(self, member: _Member, told: wire.Told) -> None:
        if isinstance(told, wire.Ready):
            member.ready = self._lived = True
            return
        if isinstance(told, wire.Unable):
            raise CannotTravel(told.reason)
        given = member.running.get(told.job)
        if given is None or given.number != told.number:
            return
        if isinstance(told, wire.Hung):
            self._kill(member, told.job)
            return
        del member.running[told.job]
        if isinstance(told, wire.Fatal):
            self._collector.stop(wire.raised(told))
        elif isinstance(told, wire.Done):
            self._settle(given.job, Finished(told.line, told.facts))
        else:
            self._settle(given.job, Failed(told.line, told.kind))

    def _settle(self, job: Job, outcome: Finished | Failed) -> None:
        try:
            self._collector.settle(job, outcome)
        except GymLLMError as error:
            self._collector.stop(error)

    # Deaths.

    def _tick(self) -> None:
        """Look for workers that hang."""
        self._ticking = self._loop.call_later(_TICK_SECONDS, self._tick)
        try:
            for member in self._members if self._timeout is not None else ():
                if not member.ready and time.monotonic() - member.since > max(_START_SECONDS, self._timeout or 0):
                    member.worker.kill()
                    self._died(member, "worker_timeout", f"it did not start within {_START_SECONDS:g} seconds")
                    continue
                job, number, since = member.worker.page.read()
                given = member.running.get(job)
                hangs = time.monotonic() - since > (self._timeout or 0)
                if given is not None and given.number == number and hangs:
                    self._kill(member, job)
            self._end_if_done()
        except Exception as error:  # boundary: as in _service
            self._fail(error)

    def _kill(self, member: _Member, culprit: int) -> None:
        """Kill a worker for an episode that hangs."""
        member.worker.kill()
        message = f"a step took longer than episode_timeout={self._timeout:g} seconds; its worker was killed"
        self._drain(member)
        self._died(member, "worker_timeout", message, culprit)

    def _drain(self, member: _Member) -> None:
        """Take in what a worker sent before it was killed."""
        alive = True
        while alive:
            received, alive = member.worker.receive()
            for frame in received:
                for told in wire.decode(frame):
                    if not isinstance(told, wire.Hung):
                        self._take(member, told)

    def _died(self, member: _Member, kind: str, message: str, culprit: int | None = None) -> None:
        """Write the failure of the episode that did it, give back the others, and start another worker."""
        blamed = self._culprit(member) if culprit is None else culprit
        lost, member.running = member.running, {}
        self._let_go(member)
        guilty = lost.pop(blamed, None) if blamed is not None else None
        for given in lost.values():
            given.deaths += guilty is None
            self._again.append(given)
        if guilty is not None:
            failed = lost_episode(guilty.job, self._seeds, self._policy, kind, message, guilty.started)
            self._settle(guilty.job, failed)
        self._respawn(member, message)
        for other in self._members:
            self._refill(other)

    def _culprit(self, member: _Member) -> int | None:
        """Return the job that the page names; or the only one there, when it has been there at many deaths."""
        job, number, _ = member.worker.page.read()
        named = member.running.get(job)
        if named is not None and named.number == number:
            return job
        if len(member.running) == 1:
            index, given = next(iter(member.running.items()))
            return index if given.deaths >= _UNEXPLAINED else None
        return None

    def _respawn(self, member: _Member, message: str) -> None:
        self._stillborn += not (member.ready or self._lived)
        member.ready = False
        self._respawns += 1
        if self._stillborn >= _STILLBORN:
            raise WorkerError(f"workers end before their first episode: {message}; num_workers=0 does without them")
        if self._respawns > MAX_RESPAWNS:
            raise WorkerError(f"workers died more than {MAX_RESPAWNS} times; the last one: {message}")
        if self._collector.stopping:
            return
        member.worker, member.since = self._started(member.index, member.share), time.monotonic()
        self._watch(member)
