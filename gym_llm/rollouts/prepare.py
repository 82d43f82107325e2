"""Everything before the first episode: settings checked, rows checked, files opened, earlier rows taken over."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import gymnasium.wrappers

import gym_llm
from gym_llm.core import ResponsesEnv
from gym_llm.errors import ConfigError, ModelError, OutputError, TaskError
from gym_llm.policies.chat.request import NAMES
from gym_llm.policies.policy import Policy, as_policy
from gym_llm.policies.settings import seconds, whole_number
from gym_llm.rollouts.collector import Collector
from gym_llm.rollouts.episodes import MakeEnv
from gym_llm.rollouts.metrics import Metrics
from gym_llm.rollouts.outputs import Outputs, Paths
from gym_llm.rollouts.plan import Plan
from gym_llm.rollouts.progress import Progress
from gym_llm.rollouts.run_file import Settings, fingerprint
from gym_llm.rollouts.staging import Staging
from gym_llm.schemas import CREATE_KEYS, create_params_problem
from gym_llm.tasks import FileTasks, Tasks, load
from gym_llm.wrappers.recorder import identity, responses_env

_SHOWN_PROBLEMS = 5
_OF_MAKE = (gymnasium.wrappers.OrderEnforcing, gymnasium.wrappers.PassiveEnvChecker)
_PLAIN = str | int | float | bool | None


@dataclass(slots=True)
class Run:
    """A collection that is ready to be played."""

    collector: Collector
    outputs: Outputs
    metrics: Metrics
    progress: Progress
    policy: Policy
    seed: int
    quarantined: int

    async def play(self, *, close_policy: bool) -> None:
        """Run the collector, and release the policy's connections."""
        try:
            await self.collector.run()
        finally:
            if close_policy:
                await self.policy.close()


@dataclass(slots=True)
class Prepared:
    """A collection whose settings and rows are checked; nothing is written yet.

    Attributes:
        policy: The policy.
    """

    policy: Policy
    _staging: Staging
    _paths: Paths
    _plan: Plan
    _settings: Settings
    _resume: bool
    _overwrite: bool
    _progress: bool

    async def probe(self) -> None:
        """Ask the policy's endpoints whether there is any point in beginning.

        Raises:
            ModelError: There is none; what may pass is only warned of.
        """
        try:
            found = await self.policy.probe()
        except ModelError as error:
            if error.fatal:
                self._staging.first.close()
                raise
            gymnasium.logger.warn(f"{error}; going on, since this may pass")
        else:
            for health in (health for health in found if health.problem):
                gymnasium.logger.warn(f"{health.problem}; the other endpoints are used")

    @contextmanager
    def open(self) -> Iterator[Run]:
        """Hold the files open, and take over what is in them.

        Raises:
            OutputError: They cannot be written or continued.
        """
        settings, plan = self._settings, self._plan
        outputs = Outputs(self._paths, secrets=self.policy.secrets())
        try:
            metrics = Metrics(responses_env(self._staging.first).reward_range[1])
            continued = outputs.start(settings, resume=self._resume, overwrite=self._overwrite)
            quarantined = outputs.recover(plan, metrics) if continued else 0
            shown = Progress(plan.total, plan.finished, enabled=self._progress)
            if quarantined:
                shown.say(f"{quarantined} damaged stretches of earlier files were moved to *.quarantine")
            collector = Collector(plan, outputs, metrics, shown, self._staging.stage(settings, plan.missing))
            yield Run(collector, outputs, metrics, shown, self.policy, settings["seed"], quarantined)
        finally:
            outputs.close()


def prepare(
    env: Any, policy: Any, *, output: str | Path, dataset: Any, env_kwargs: Mapping[str, Any], limit: int | None,
    num_repeats: int, concurrency: int, sampling: Mapping[str, Any], resume: bool, overwrite: bool,
    max_attempts: int, seed: int, progress: bool, num_workers: int | None, episode_timeout: float | None,
) -> Prepared:  # fmt: skip
    """Check everything that can be checked without writing or asking anything; see `collect` for the arguments."""
    _check_numbers(limit, num_repeats=num_repeats, concurrency=concurrency, max_attempts=max_attempts, seed=seed)
    _check_workers(num_workers, episode_timeout)
    check_sampling(sampling)
    paths = Paths.of(output)
    paths.refuse_existing(resume=resume, overwrite=overwrite)
    make_env = maker(env, dataset, env_kwargs)
    first = make_env()
    inner = responses_env(first)
    tasks = inner.tasks if dataset is None or isinstance(env, str) else load(dataset, inner.Task)
    _refuse_input_as_output(paths, tasks)
    agent_policy = as_policy(policy)
    agent_policy.sampled(sampling)  # refuses what this policy does not know
    num_tasks = min(len(tasks), limit or len(tasks))
    check_rows(tasks, num_tasks)
    settings = describe(inner, env, tasks, agent_policy, sampling) | {
        "limit": limit, "num_repeats": num_repeats, "seed": seed, "concurrency": concurrency,
    }  # fmt: skip
    if wrappers := [] if isinstance(env, str) else describe_wrappers(first):
        settings["wrappers"] = wrappers
    plan = Plan(num_tasks, num_repeats, max_attempts)
    staging = Staging(
        make_env, first, None if isinstance(env, str) else dataset, tasks, agent_policy, by_name(env),
        num_workers, episode_timeout,
    )  # fmt: skip
    return Prepared(agent_policy, staging, paths, plan, settings, resume, overwrite, progress)


def maker(env: Any, dataset: Any, env_kwargs: Mapping[str, Any]) -> MakeEnv:
    """Return what makes one environment.

    Raises:
        ConfigError: For keyword arguments of an environment that a callable makes.
    """
    if isinstance(env, str):
        given = {} if dataset is None else {"dataset": dataset}
        module, _, env_id = env.rpartition(":")
        if module:
            importlib.import_module(module)
        spec = gymnasium.spec(env_id)
        return partial(gymnasium.make, spec, disable_env_checker=True, **{**env_kwargs, **given})
    if env_kwargs:
        raise ConfigError("env_kwargs belong to an environment's id; give them inside the callable that makes it")
    if not callable(env):
        raise ConfigError(f"env={env!r}: give an id, or a callable that makes an environment")
    return env  # type: ignore[no-any-return]


def by_name(env: Any) -> bool:
    """Return whether an environment is given by its id, also as a partial of what makes one of an id.

    A function of one's own may use what only this process has, such as a model on a GPU.

    >>> by_name("gym_llm/MCQA-v0"), by_name(partial(gymnasium.make, "gym_llm/MCQA-v0")), by_name(lambda: None)
    (True, True, False)
    """
    made_by = env.func if isinstance(env, partial) else None
    return isinstance(env, str) or getattr(made_by, "__module__", "").startswith(("gymnasium.", "gym_llm."))


def check_sampling(sampling: Mapping[str, Any]) -> None:
    """Check the keys of the model call that replace those of the rows.

    Raises:
        ConfigError: Naming the key; what only one server knows goes into `extra_body`.
    """
    known = {key: value for key, value in sampling.items() if key in CREATE_KEYS or key not in NAMES}
    problem = create_params_problem({"input": "", **known})
    if "input" in sampling or problem:
        key, reason = problem or ("input", "the prompt is the row's")
        raise ConfigError(f"sampling.{key}: {reason} (keys that only your server knows go in sampling.extra_body)")


def check_rows(tasks: Tasks, count: int) -> None:
    """Check the first `count` rows before anything is played.

    Raises:
        TaskError: For the first bad row; its reason also names up to four others.
    """
    problems: list[TaskError] = []
    for index in range(count):
        try:
            tasks.task(tasks.row(index), tasks.line(index))
        except TaskError as error:
            problems.append(error)
            if len(problems) == _SHOWN_PROBLEMS:
                break
    if problems:
        first, *others = problems
        more = "".join(f"\n{error}" for error in others)
        raise TaskError(first.source, first.line, first.field, first.reason + more)


def describe(inner: ResponsesEnv, env: Any, tasks: Tasks, policy: Policy, sampling: Mapping[str, Any]) -> Settings:
    """Return the settings that decide what the rows are; see `run_file.py`."""
    who = identity(inner)
    if not isinstance(env, str) and inner.spec is None:
        who["id"] = f"{type(inner).__module__}:{type(inner).__qualname__}"
    if isinstance(tasks, FileTasks):
        who["kwargs"].pop("dataset", None)
    return {
        "version": gym_llm.__version__,
        "env": who,
        "input": {"source": tasks.source, "sha256": fingerprint(tasks), "tasks": len(tasks)},
        "policy": policy.spec(),
        "sampling": dict(sampling),
    }


def describe_wrappers(env: gymnasium.Env[Any, Any]) -> list[dict[str, Any]]:
    """Return the wrappers that a callable lays around its environment, innermost first.

    Arguments are those that a wrapper records (`gymnasium.utils.RecordConstructorArgs`), as far as they are plain.
    """
    described: list[dict[str, Any]] = []
    while isinstance(env, gymnasium.Wrapper):
        saved = getattr(env, "_saved_kwargs", {})
        kwargs = {key: value for key, value in saved.items() if isinstance(value, _PLAIN)}
        if not isinstance(env, _OF_MAKE):
            described.insert(0, {"name": env.class_name(), "kwargs": kwargs})
        env = env.env
    return described


def _check_numbers(limit: Any, **numbers: Any) -> None:
    for name, value in {"limit": 1 if limit is None else limit, **numbers}.items():
        least = 0 if name == "seed" else 1
        if not isinstance(value, int) or value < least:
            raise ConfigError(f"{name}={value!r}: give a whole number of at least {least}")


def _check_workers(num_workers: int | None, episode_timeout: float | None) -> None:
    if num_workers is not None:
        whole_number("num_workers", num_workers, at_least=0)
    if episode_timeout is not None:
        seconds("episode_timeout", episode_timeout)


def _refuse_input_as_output(paths: Paths, tasks: Tasks) -> None:
    if isinstance(tasks, FileTasks) and paths.rows.exists() and paths.rows.samefile(tasks.source):
        raise OutputError(f"{paths.rows} is the input; give another output")
