"""The plan: which (task, rollout) there are, which are done, what is tried next, and with which seeds.

Jobs are made one at a time, task by task with its repeats together; a finished rollout costs one byte. The plan
knows nothing of files, environments or policies.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from typing import NamedTuple

from gym_llm.seeds import drawn


class Job(NamedTuple):
    """One episode to play: which task, which repeat of it, and how many attempts failed before."""

    task: int
    rollout: int
    attempt: int


class Plan:
    """All rollouts of a collection and how far they are.

    Args:
        num_tasks: Number of tasks.
        num_repeats: Rollouts per task.
        max_attempts: Attempts per rollout.

    >>> plan = Plan(num_tasks=2, num_repeats=2)
    >>> plan.finish(0, 1)
    True
    >>> [job.task * 10 + job.rollout for job in iter(plan.next, None)]
    [0, 10, 11]
    """

    def __init__(self, num_tasks: int, num_repeats: int = 1, max_attempts: int = 3) -> None:
        self.num_tasks, self.num_repeats, self.max_attempts = num_tasks, num_repeats, max_attempts
        self.total = num_tasks * num_repeats
        self.finished = 0
        self.given_up = 0
        self._done = bytearray(self.total)
        self._failed: Counter[int] = Counter()
        self._again: deque[Job] = deque()
        self._fresh = self._fresh_jobs()

    @property
    def missing(self) -> int:
        """Rollouts that may still be tried."""
        return self.total - self.finished - self.given_up

    def finish(self, task: int, rollout: int) -> bool:
        """Mark a rollout done; False if it is outside the plan or was done before."""
        index = task * self.num_repeats + rollout
        if not (0 <= task < self.num_tasks and 0 <= rollout < self.num_repeats) or self._done[index]:
            return False
        self._done[index] = 1
        self.finished += 1
        return True

    def fail(self, task: int, rollout: int) -> None:
        """Count a failed attempt, and plan the next one while some are left."""
        failed = self.count_failure(task, rollout)
        if failed < self.max_attempts:
            self._again.append(Job(task, rollout, failed))
        else:
            self.given_up += 1

    def count_failure(self, task: int, rollout: int) -> int:
        """Count a failed attempt of an earlier run; returns how many there are."""
        index = task * self.num_repeats + rollout
        self._failed[index] += 1
        return self._failed[index]

    def count_given_up(self) -> None:
        """Recount the rollouts that have no attempt left, after an earlier run's failures were counted."""
        spent = (index for index, failed in self._failed.items() if failed >= self.max_attempts)
        self.given_up = sum(not self._done[index] for index in spent if index < self.total)

    def next(self) -> Job | None:
        """Return the next job: one never tried in this run, then those that failed; None when none waits."""
        job = next(self._fresh, None)
        if job is None and self._again:
            job = self._again.popleft()
        return job

    def _fresh_jobs(self) -> Iterator[Job]:
        index = self._done.find(0)
        while index >= 0:
            failed = self._failed.get(index, 0)
            if failed < self.max_attempts:
                yield Job(*divmod(index, self.num_repeats), failed)
            index = self._done.find(0, index + 1)


class Seeds:
    """The seeds of a run: an environment seed per task, a sampling seed per attempt.

    Repeats of a task share the environment's seed, so that a group differs only by sampling. Seeds have 31 bits,
    which every model server takes.

    >>> Seeds(0).environment(3) == Seeds(0).environment(3) != Seeds(1).environment(3)
    True
    """

    def __init__(self, run: int) -> None:
        self.run = run
        self._last: tuple[int, int, list[int]] = (-1, -1, [])

    def environment(self, task: int) -> int:
        """Return the environment's seed for a task."""
        return self._drawn(task, 0, 0)

    def sampling(self, job: Job) -> int:
        """Return the policy's seed for one attempt."""
        return self._drawn(job.task, job.attempt, job.rollout + 1)

    def _drawn(self, task: int, attempt: int, place: int) -> int:
        """Return one number of the sequence of a task's attempt: the environment's, then one per repeat."""
        last_task, last_attempt, numbers = self._last
        if task != last_task or attempt != last_attempt or place >= len(numbers):
            numbers = drawn(self.run, task, attempt, 2 * place + 2)
            self._last = task, attempt, numbers
        return numbers[place]
