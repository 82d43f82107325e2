"""`collect` and `acollect`: tasks and repeats of a dataset, played by a policy, into a JSONL file of trajectories.

This is the public face: it checks the settings and the rows, opens the files, runs a `Collector` and reports. Where
the episodes are played is not said here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium

from gym_llm.journal.rows import read_rows
from gym_llm.policies.policy import Policy
from gym_llm.rollouts.interrupts import Interrupts, run_loop
from gym_llm.rollouts.prepare import Run, prepare
from gym_llm.rollouts.report import report
from gym_llm.tasks import Dataset

Env = str | Callable[[], gymnasium.Env[Any, Any]]
AnyPolicy = Policy | dict[str, Any] | str | Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Collection:
    """What a collection has come to.

    Attributes:
        path: The rows, one JSON line per verified episode.
        failures_path: One JSON line per failed attempt; missing when nothing failed.
        metrics_path: The metrics as JSON.
        metrics: The metrics, as in that file.
        episodes: Rows in the file.
        failures: Rollouts that failed in every attempt they were allowed.
        missing: Rollouts that were not finished, because the collection was stopped.
        interrupted: Whether Ctrl-C stopped it.
        quarantined: Damaged stretches that were moved out of the files of an earlier run.
    """

    path: Path
    failures_path: Path
    metrics_path: Path
    metrics: dict[str, Any] = field(repr=False)
    episodes: int
    failures: int
    missing: int
    interrupted: bool = False
    quarantined: int = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the rows, one at a time from the file."""
        return read_rows(self.path)

    def __str__(self) -> str:
        """The metrics as a table, and where the files are."""
        lines = [report(self.metrics), f"rows: {self.path}"]
        if self.failures_path.exists():
            lines.append(f"failures: {self.failures_path}")
        return "\n".join([*lines, f"metrics: {self.metrics_path}"])


class CollectionInterrupted(KeyboardInterrupt):
    """Ctrl-C stopped a collection in good order; `collection` is what it has come to."""

    def __init__(self, collection: Collection) -> None:
        super().__init__(f"interrupted; {_how_to_resume(collection)}")
        self.collection = collection


def collect(
    env: Env, policy: AnyPolicy, *, output: str | Path,
    input: Dataset | None = None,  # noqa: A002
    env_kwargs: Mapping[str, Any] | None = None, limit: int | None = None, num_repeats: int = 1,
    concurrency: int = 1024, sampling: Mapping[str, Any] | None = None, resume: bool = False,
    overwrite: bool = False, max_attempts: int = 3, seed: int = 0, progress: bool = True,
    num_workers: int | None = None, episode_timeout: float | None = None,
) -> Collection:  # fmt: skip
    """Play every task of a dataset `num_repeats` times and write one JSON line per verified episode.

    A failed episode becomes a line in `<stem>_failures.jsonl`, is tried again after all others, and never becomes
    a reward. Killed at any moment and run again with `resume=True`, every (task, repeat) ends up in the file once.
    Ctrl-C lets running episodes end for 5 seconds; a second one leaves at once.

    Args:
        env: An environment's id, or a callable without arguments that makes one.
        policy: A policy, its specification, or a callable of the observation (and `info`), sync or async.
        output: The JSONL file; failures, metrics and settings are kept beside it.
        input: A JSONL file or rows; the environment's own tasks when left out.
        env_kwargs: Keyword arguments of the environment.
        limit: Tasks to take from the beginning; all when left out.
        num_repeats: Episodes per task; they share the environment's seed and differ by sampling.
        concurrency: Most episodes at once; each holds one environment.
        sampling: Keys of the model call that replace those of the rows and of the policy, such as `temperature`.
        resume: Continue what is in the output.
        overwrite: Replace what is in the output.
        max_attempts: Attempts per episode, earlier runs included.
        seed: Seed of the run.
        progress: Whether progress is shown on standard error.
        num_workers: Processes that play the episodes; 0 plays them in this one. When left out: the cores, for at
            least 200 episodes (5,000 in a program with threads, which cannot be forked, and of a function) of an
            environment given by its id, or as a partial of `gymnasium.make`; else 0. A policy that cannot be rebuilt
            elsewhere is asked here, while its environments are in the workers; one that looks into the environment
            keeps it here.
        episode_timeout: Seconds that one step may take, the model's answer included, before the episode fails; it
            needs workers, since only a process can be stopped for certain.

    Raises:
        TaskError: For rows that the environment refuses, up to five of them named; nothing is played then.
        OutputError: If the output is there already, is being written by another process, cannot be continued
            because settings have changed, or cannot be written.
        ConfigError: For a setting that cannot be used.
        ModelError: If every model request would fail, such as for a wrong key. The policy's endpoints are asked
            before anything is written; later, finished episodes are kept.
        JudgeError: Likewise, when every verdict of the environment's judge would fail, or every answer of another
            model that it asks, such as a played user.
        CollectionInterrupted: After Ctrl-C.

    >>> import tempfile, gym_llm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     out = f"{folder}/weather.jsonl"
    ...     collection = collect("gym_llm/SimpleWeather-v0", "scripted", output=out, progress=False)
    >>> collection.metrics["reward"]["mean"]
    1.0
    """
    prepared = prepare(
        env, policy, output=output, dataset=input, env_kwargs=env_kwargs or {}, limit=limit,
        num_repeats=num_repeats, concurrency=concurrency, sampling=sampling or {}, resume=resume,
        overwrite=overwrite, max_attempts=max_attempts, seed=seed, progress=progress, num_workers=num_workers,
        episode_timeout=episode_timeout,
    )  # fmt: skip
    run_loop(prepared.probe(), threads=1)
    with prepared.open() as run, Interrupts(run.collector.interrupt, run.progress.say):
        try:
            run_loop(run.play(close_policy=True), threads=concurrency)
        except (Exception, asyncio.CancelledError):  # boundary: it goes on up, with what is there summed up
            with contextlib.suppress(OSError):
                _finished(run)
            raise
        collection = _finished(run)
    if collection.interrupted:
        raise CollectionInterrupted(collection)
    return collection


async def acollect(
    env: Env, policy: AnyPolicy, *, output: str | Path,
    input: Dataset | None = None,  # noqa: A002
    env_kwargs: Mapping[str, Any] | None = None, limit: int | None = None, num_repeats: int = 1,
    concurrency: int = 1024, sampling: Mapping[str, Any] | None = None, resume: bool = False,
    overwrite: bool = False, max_attempts: int = 3, seed: int = 0, progress: bool = True,
    num_workers: int | None = None, episode_timeout: float | None = None,
) -> Collection:  # fmt: skip
    """Do what `collect` does, in the running event loop.

    Signals are left to the caller: cancelling it stops the collection in good order. A `Policy` that is given is
    not closed.
    """
    prepared = prepare(
        env, policy, output=output, dataset=input, env_kwargs=env_kwargs or {}, limit=limit,
        num_repeats=num_repeats, concurrency=concurrency, sampling=sampling or {}, resume=resume,
        overwrite=overwrite, max_attempts=max_attempts, seed=seed, progress=progress, num_workers=num_workers,
        episode_timeout=episode_timeout,
    )  # fmt: skip
    await prepared.probe()
    with prepared.open() as run:
        try:
            await run.play(close_policy=not isinstance(policy, Policy))
        except (Exception, asyncio.CancelledError):  # boundary: it goes on up, with what is there summed up
            with contextlib.suppress(OSError):
                _finished(run)
            raise
        return _finished(run)


def _finished(run: Run) -> Collection:
    """Write the metrics and say what is left to do."""
    plan, paths = run.collector.plan, run.outputs.paths
    result = run.metrics.result(expected=plan.total, given_up=plan.given_up, seed=run.seed)
    run.outputs.write_metrics(result)
    collection = Collection(
        path=paths.rows, failures_path=paths.failures, metrics_path=paths.metrics, metrics=result,
        episodes=plan.finished, failures=plan.given_up, missing=plan.missing,
        interrupted=run.collector.interrupted, quarantined=run.quarantined,
    )  # fmt: skip
    run.progress.close()
    if collection.missing:
        run.progress.say(_how_to_resume(collection))
    return collection


def _how_to_resume(collection: Collection) -> str:
    total = collection.metrics["episodes"]["expected"]
    return (
        f"{collection.episodes:,} of {total:,} episodes are in {collection.path}; run the same again with "
        "resume=True to continue"
    )
