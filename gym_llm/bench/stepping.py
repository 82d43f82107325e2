"""Stepping through vector environments with the reference solutions' actions, ours beside Gymnasium's.

What is timed is `step` alone: choosing the actions and making the solutions is not. Every engine begins the next
episode in the step that ends the last one.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv

from gym_llm.bench.solutions import Solutions
from gym_llm.bench.usage import cpu, process_cpu, pss, tree
from gym_llm.errors import GymLLMError
from gym_llm.items import Item
from gym_llm.vector import make_vec
from gym_llm.vector.hosted import made

OURS = "gym_llm AsyncVectorEnv"
THEIRS = "gymnasium AsyncVectorEnv"
SYNC = "gymnasium SyncVectorEnv"
_MOST_SECONDS = 60.0
Engine = Callable[[], "VectorEnv[Any, Any, Any]"]


def engines(
    env_id: str, kwargs: Mapping[str, Any], num_envs: int, num_workers: int, *, gymnasium: bool
) -> dict[str, Engine]:
    """Return what makes each engine that is measured.

    Args:
        env_id: The environment's id.
        kwargs: Its keyword arguments.
        num_envs: Environments of each engine.
        num_workers: Workers of ours.
        gymnasium: Whether Gymnasium's engines are among them.
    """
    found: dict[str, Engine] = {OURS: functools.partial(make_vec, env_id, num_envs, num_workers=num_workers, **kwargs)}
    if gymnasium:
        fns = [functools.partial(made, env_id, (), dict(kwargs))] * num_envs
        mode = AutoresetMode.SAME_STEP
        found[THEIRS] = functools.partial(AsyncVectorEnv, fns, shared_memory=False, autoreset_mode=mode)
        found[SYNC] = functools.partial(SyncVectorEnv, fns, autoreset_mode=mode)
    return found


def step(make: Engine, solutions: Solutions, steps: int) -> dict[str, float]:
    """Make an engine, step it so many times, and return its figures."""
    before, wall, used = pss(), time.perf_counter(), cpu()
    vector = make()
    try:
        _, infos = vector.reset(seed=0)
        start = {"start_seconds": time.perf_counter() - wall, "start_cpu_seconds": cpu() - used}
        player = _Player(solutions, infos["task_index"])
        _step(vector, player.actions())
        player.restart(vector.reset(seed=1)[1]["task_index"])
        figures = {**_timed(vector, player, steps), **start, **_memory(before, vector.num_envs)}
    except BaseException:
        _close(vector, terminate=True)
        raise
    _close(vector, terminate=False)
    return figures


def _step(vector: VectorEnv[Any, Any, Any], actions: Any) -> Any:
    """Take a step; of Gymnasium's engine, which has no deadline of its own, within one.

    Raises:
        GymLLMError: It took too long.
    """
    if not isinstance(vector, AsyncVectorEnv):
        return vector.step(actions)
    vector.step_async(actions)
    try:
        return vector.step_wait(timeout=_MOST_SECONDS)
    except multiprocessing.TimeoutError:
        raise GymLLMError(f"{THEIRS} did not end a step within {_MOST_SECONDS:g} s; leave vs out") from None


def _close(vector: VectorEnv[Any, Any, Any], *, terminate: bool) -> None:
    if isinstance(vector, AsyncVectorEnv):
        vector.close(terminate=terminate)
    else:
        vector.close()


def _timed(vector: VectorEnv[Any, Any, Any], player: _Player, steps: int) -> dict[str, float]:
    wall = driver = 0.0
    workers = _workers()
    for _ in range(steps):
        actions = player.actions()
        started, used = time.perf_counter(), time.process_time()
        *_, terminated, truncated, infos = _step(vector, actions)
        driver += time.process_time() - used
        wall += time.perf_counter() - started
        player.advance(terminated | truncated, infos)
    workers = _workers() - workers
    count = steps * vector.num_envs
    return {
        "steps_per_second": count / wall,
        "cpu_us": (driver + workers) / count * 1e6,
        "driver_cpu_us": driver / count * 1e6,
        "workers_cpu_us": workers / count * 1e6,
    }


def _workers() -> float:
    """Return the CPU seconds of all below this process."""
    return sum(process_cpu(pid) for pid in tree() if pid != os.getpid())


def _memory(before: float, num_envs: int) -> dict[str, float]:
    """Return the memory of all, and what the engine has added to it per environment."""
    size = pss()
    return {"pss_mb": size, "pss_kb_per_env": (size - before) * 1024 / num_envs}


class _Player:
    """Knows where in its solution each environment is.

    Args:
        solutions: Of all tasks.
        tasks: The task of each environment, shape `(num_envs,)`.
    """

    def __init__(self, solutions: Solutions, tasks: Any) -> None:
        self._solutions = solutions
        self.restart(tasks)

    def restart(self, tasks: Any) -> None:
        """Begin anew, everywhere."""
        self._tasks = [int(task) for task in tasks]
        self._turns = [0] * len(self._tasks)

    def actions(self) -> tuple[list[Item], ...]:
        """Return the next action of every environment."""
        pairs = zip(self._tasks, self._turns, strict=True)
        return tuple(self._action(task, turn) for task, turn in pairs)

    def advance(self, over: Any, infos: Mapping[str, Any]) -> None:
        """Go on to the next turn, or where an episode is over to the next one's first."""
        for index in range(len(self._tasks)):
            self._turns[index] += 1
            if over[index]:
                self._tasks[index], self._turns[index] = int(infos["task_index"][index]), 0

    def _action(self, task: int, turn: int) -> list[Item]:
        solution = self._solutions.of(task)
        if turn >= len(solution):
            raise self._solutions.unfinished(task)
        return solution[turn]
