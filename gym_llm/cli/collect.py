"""`gym-llm collect`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gym_llm.cli.environment import make
from gym_llm.cli.mixture import output_of, shares
from gym_llm.cli.names import resolve
from gym_llm.cli.policy import described
from gym_llm.cli.wrapping import maker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gym_llm.configs.schemas import CollectConfig, WrapperSchema


@dataclass(frozen=True, slots=True)
class _Job:
    """One call of `collect`: an environment, its tasks, its file."""

    env: str
    kwargs: dict[str, Any]
    wrappers: Sequence[str | WrapperSchema]
    input: Path | None
    output: Path
    limit: int | None

    @property
    def whole_kwargs(self) -> dict[str, Any]:
        return self.kwargs | ({} if self.input is None else {"dataset": str(self.input)})


def run(config: CollectConfig) -> int:
    """Collect verified trajectories into a JSONL file.

    Runs every task of the dataset num_repeats times with the policy and writes one line per episode, failed ones
    to a file of their own, metrics beside it. The default policy is the mock model over HTTP, which needs no key
    and no network. After an interruption, the same command with resume=true continues.

    A mixture writes one file per environment, OUTPUT_NAME.jsonl; their weights share out limit, or without one as
    many tasks as the smallest allows. The environments are played one after the other.
    """
    jobs = [_single(config)] if isinstance(config.env, str) else _mixture(config)
    solve = [{"id": job.env, "kwargs": job.whole_kwargs} for job in jobs]
    mock = {"solve": solve, "solve_seed": config.seed}
    with described(config.policy, **mock) as policy:
        well = [_collect(job, config, policy) for job in jobs]
    return 0 if all(well) else 1


def default_output(env: str) -> Path:
    """Return `outputs/<env>-<local time>.jsonl`."""
    name = env.rpartition("/")[2]
    return Path("outputs") / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.jsonl"


def _single(config: CollectConfig) -> _Job:
    env = resolve(str(config.env))
    output = config.output or default_output(env)
    return _Job(env, config.env_kwargs, config.wrappers, config.input, output, config.limit)


def _mixture(config: CollectConfig) -> list[_Job]:
    entries: Any = config.env
    output = config.output or default_output("mixture")
    jobs, sizes = {}, {}
    for name, entry in entries.items():
        kwargs, wrappers = config.env_kwargs | entry.env_kwargs, [*entry.wrappers, *config.wrappers]
        job = _Job(resolve(entry.env), kwargs, wrappers, entry.input, output_of(output, name), None)
        with make(job.env, job.whole_kwargs) as made:
            sizes[name] = len(made.unwrapped.tasks)
        jobs[name] = job
    counts = shares({name: entry.weight for name, entry in entries.items()}, sizes, config.limit)
    said = ", ".join(f"{counts[name]} of {sizes[name]} tasks of {name}" for name in jobs)
    print(f"mixture: {said}")
    return [_Job(job.env, job.kwargs, job.wrappers, job.input, job.output, counts[name]) for name, job in jobs.items()]


def _collect(job: _Job, config: CollectConfig, policy: dict[str, Any]) -> bool:
    """Play one job; returns whether all of it came to a verified end."""
    from gym_llm.rollouts import CollectionInterrupted, collect

    given: dict[str, Any] = {"env": job.env, "env_kwargs": job.kwargs, "input": job.input}
    if job.wrappers:
        given = {"env": maker(job.env, job.whole_kwargs, job.wrappers)}
    try:
        collection = collect(
            **given, policy=policy, output=job.output, limit=job.limit, num_repeats=config.num_repeats,
            concurrency=config.concurrency, sampling=config.sampling.model_dump(exclude_none=True),
            resume=config.resume, overwrite=config.overwrite, max_attempts=config.max_attempts, seed=config.seed,
            progress=config.progress, num_workers=config.num_workers, episode_timeout=config.episode_timeout,
        )  # fmt: skip
    except CollectionInterrupted:
        output = config.output or job.output
        raise KeyboardInterrupt(f"to continue, add to the same command: output={output} resume=true") from None
    print(collection)
    return not (collection.failures or collection.missing)
