"""`AsyncVectorEnv`: Gymnasium's class of that name, on workers that host many environments each.

Code written for Gymnasium's class runs on it unchanged. What it adds: `send` and `recv`, awaitable steps, deadlines
that kill, and a blast radius of one. How workers are run is not here, see `engine.py`.
"""

from __future__ import annotations

import multiprocessing
import time
import weakref
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any, cast

import gymnasium
import numpy as np
from gymnasium import logger
from gymnasium.error import AlreadyPendingCallError, ClosedEnvironmentError, NoAsyncCallError
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.async_vector_env import AsyncState
from gymnasium.vector.utils import batch_space, concatenate, create_empty_array, iterate

from gym_llm.spaces import ItemSpace
from gym_llm.vector.awaiting import Awaiting
from gym_llm.vector.batches import Batch, Step, empty, infos_of, no_garbage_collection, own_options, rows_of, travelling
from gym_llm.vector.checks import batched_spaces, check_mask, check_spaces, seeds_of
from gym_llm.vector.engine import Engine, EngineConfig
from gym_llm.vector.failures import raised
from gym_llm.vector.housing import housed
from gym_llm.vector.slots import Result


class AsyncVectorEnv(VectorEnv[Any, Any, Any]):
    """Environments in worker processes, many to a worker.

    Args:
        env_fns: What makes each environment; lambdas and closures travel by dill.
        shared_memory: Accepted; arrays travel as raw buffers either way.
        copy: Whether numeric observations are copied; conversations never are, their items must not be changed.
        context: Start method of the workers: `fork`, `spawn` or `forkserver`; the platform's own when left out.
        daemon: As for Gymnasium's class.
        worker: Accepted, and not used: the workers are the engine's own.
        observation_mode: As for Gymnasium's class.
        autoreset_mode: As for Gymnasium's class.
        max_concurrency: Accepted; `num_workers` says how many environments run at the same time.
        num_workers: Worker processes; one per core when left out.
        on_error: What an exception in an environment does: `"raise"` it here, or `"truncate"` that episode, with
            `info["error"]` and the reward NaN. A dead or hanging worker always truncates.
        step_timeout: Seconds that one step may take before its worker is killed; no limit when left out.
        reset_timeout: Seconds that one reset may take; making the environments too, each.
        close_timeout: Seconds that `close` waits before it kills.
        max_respawns: Workers that may be started again.
        max_worker_rss: Bytes of memory at which a worker is killed.
        allow_pickle: Whether values of foreign environments may come back as pickles. Environments of this package
            never send any.
        python: An interpreter of their own for the environments: a path or a version such as `"3.12"`; a list
            has one entry per environment, None for this interpreter.
        requirements: What is installed for the environments: a list of requirements for all, or a list with one
            such list (or None) per environment. See `gym_llm.interpreters`.

    Raises:
        RuntimeError: When the environments' spaces differ.

    >>> import gymnasium, gym_llm
    >>> make = lambda: gymnasium.make("gym_llm/StatefulCounter-v0")
    >>> envs = AsyncVectorEnv([make] * 4, num_workers=2)
    >>> observations, infos = envs.reset(seed=0)
    >>> len(observations), infos["task_index"].shape
    (4, (4,))
    >>> envs.close()
    """

    def __init__(
        self, env_fns: Sequence[Callable[[], gymnasium.Env[Any, Any]]], shared_memory: bool = True,
        copy: bool = True, context: str | None = None, daemon: bool = True,
        worker: Callable[..., None] | None = None, observation_mode: str | Any = "same",
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP, max_concurrency: int | None = None, *,
        num_workers: int | None = None, on_error: str = "raise", step_timeout: float | None = None,
        reset_timeout: float | None = None, close_timeout: float = 5.0, max_respawns: int = 100,
        max_worker_rss: int | None = None, allow_pickle: bool = True,
        python: Any = None, requirements: Any = None,
    ) -> None:  # fmt: skip
        self.env_fns, self.shared_memory, self.copy, self.context = env_fns, shared_memory, copy, context
        self.daemon, self.worker, self.observation_mode = daemon, worker, observation_mode
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.max_concurrency, self.num_envs = max_concurrency, len(env_fns)
        if worker is not None:
            logger.warn("AsyncVectorEnv(worker=...) is not used: the workers are the engine's own")
        self.on_error, self.step_timeout, self.reset_timeout = on_error, step_timeout, reset_timeout
        self.close_timeout = close_timeout
        self._describe(env_fns, observation_mode)
        homes, interpreters = housed(self.num_envs, num_workers, python, requirements)
        config = EngineConfig(
            homes, self.autoreset_mode.value, context, daemon, allow_pickle, self._replayable, max_respawns,
            max_worker_rss, interpreters,
        )  # fmt: skip
        self._engine = Engine(env_fns, config)
        self._finalizer = weakref.finalize(self, self._engine.close, None, True)  # also at exit, before modules go
        self._state = AsyncState.DEFAULT
        self._asked: list[int] = []
        self._got: dict[int, Result] = {}
        self._errors: dict[int, dict[str, Any]] = {}
        self._awaiting: Awaiting | None = None
        try:
            self._check_spaces()
        except BaseException:
            self.close(terminate=True)
            raise

    def _describe(self, env_fns: Sequence[Callable[[], Any]], observation_mode: Any) -> None:
        sample = env_fns[0]()
        self.metadata = {**sample.metadata, "autoreset_mode": self.autoreset_mode}
        self.render_mode = sample.render_mode
        self._replayable = bool(getattr(sample.unwrapped, "replayable", True))
        self.single_action_space = sample.action_space
        self.action_space = batch_space(sample.action_space, self.num_envs)
        self.observation_space, self.single_observation_space = batched_spaces(
            sample.observation_space, observation_mode, env_fns, self.num_envs
        )
        sample.close()
        self._items = isinstance(self.single_observation_space, ItemSpace)
        self._observations = None if self._items else create_empty_array(
            self.single_observation_space, n=self.num_envs, fn=np.zeros
        )  # fmt: skip

    # Gymnasium's interface.

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Reset all environments, or those that `options["reset_mask"]` names.

        Args:
            seed: One seed (environment i gets seed + i), or one per environment.
            options: For the environments. `task` and `task_index` may be lists with one entry per environment.
        """
        self.reset_async(seed, options)
        return self.reset_wait()

    def reset_async(self, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None) -> None:
        """Begin a reset."""
        self._ready_for("reset_async")
        seeds = seeds_of(seed, self.num_envs)
        options = None if options is None else dict(options)
        mask = check_mask(options, self.num_envs)
        for index in np.flatnonzero(mask).tolist():
            self._ask_reset(index, seeds[index], own_options(options, index))
        self._sent(AsyncState.WAITING_RESET)

    def reset_wait(self, timeout: float | None = None) -> tuple[Any, dict[str, Any]]:
        """Finish a reset.

        Args:
            timeout: Seconds to wait.

        Raises:
            TimeoutError: When they were not enough.
        """
        self._collect(AsyncState.WAITING_RESET, "reset", timeout)
        infos = infos_of(self, self._asked, [self._reset_info(index) for index in self._asked])
        return self._batched([slot.observation for slot in self._engine.slots]), infos

    def step(self, actions: Any) -> Batch:
        """Step all environments."""
        self.step_async(actions)
        return self.step_wait()

    def step_async(self, actions: Any) -> None:
        """Begin a step of all environments."""
        self._ready_for("step_async")
        for index, action in zip(range(self.num_envs), self._each(actions), strict=True):
            self._ask_step(index, action)
        self._sent(AsyncState.WAITING_STEP)

    def step_wait(self, timeout: float | None = None) -> Batch:
        """Finish a step.

        Args:
            timeout: Seconds to wait.

        Raises:
            TimeoutError: When they were not enough.
        """
        self._collect(AsyncState.WAITING_STEP, "step", timeout)
        steps = self._stepped(self._asked)
        infos = infos_of(self, self._asked, [step[4] for step in steps])
        return (
            self._batched([step[0] for step in steps]),
            np.array([step[1] for step in steps], dtype=np.float64),
            np.array([step[2] for step in steps], dtype=np.bool_),
            np.array([step[3] for step in steps], dtype=np.bool_),
            infos,
        )

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Call a method of every environment, or get an attribute."""
        self.call_async(name, *args, **kwargs)
        return self.call_wait()

    def call_async(self, name: str, /, *args: Any, **kwargs: Any) -> None:
        """Begin a call."""
        self._ready_for("call_async")
        if name in ("reset", "step", "close", "_setattr", "_check_spaces"):
            raise ValueError(f"Trying to call function `{name}` with `call`, use `{name}` directly instead.")
        for index in range(self.num_envs):
            self._engine.ask(index, "call", [name, list(args), kwargs])
        self._asked = list(range(self.num_envs))
        self._sent(AsyncState.WAITING_CALL)

    def call_wait(self, timeout: float | None = None) -> tuple[Any, ...]:
        """Finish a call.

        Args:
            timeout: Seconds to wait.

        Raises:
            TimeoutError: When they were not enough.
        """
        self._collect(AsyncState.WAITING_CALL, "call", timeout)
        return tuple(self._got[index].value for index in self._asked)

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """Get an attribute of every environment."""
        return self.call(name)

    def set_attr(self, name: str, values: list[Any] | tuple[Any, ...] | object) -> None:
        """Set an attribute of every environment: one value, or one each."""
        self._assert_is_running()
        given = list(values) if isinstance(values, list | tuple) else [values] * self.num_envs
        if len(given) != self.num_envs:
            raise ValueError(
                "Values must be a list or tuple with length equal to the number of environments. "
                f"Got `{len(given)}` values for {self.num_envs} environments."
            )
        self._ready_for("set_attr")
        for index, value in enumerate(given):
            self._engine.ask(index, "set", [name, value])
        self._asked = list(range(self.num_envs))
        self._sent(AsyncState.WAITING_CALL)
        self._collect(AsyncState.WAITING_CALL, "call", None)

    @property
    def np_random_seed(self) -> Any:
        """The environments' seeds, as a tuple."""
        return self.get_attr("np_random_seed")

    @property  # type: ignore[misc]
    def np_random(self) -> Any:
        """The environments' generators, as a tuple; copies, which need `allow_pickle`."""
        return self.get_attr("np_random")

    def render(self) -> tuple[Any, ...]:
        """Render every environment."""
        return self.call("render")

    def close_extras(self, timeout: float | None = None, terminate: bool = False) -> None:
        """End the workers.

        Args:
            timeout: Seconds until they are killed; `close_timeout` when left out.
            terminate: Kill them now.
        """
        if self._state is not AsyncState.DEFAULT and not terminate:
            logger.warn(f"Calling `close` while waiting for a pending call to `{self._state.value}` to complete.")
        if self._awaiting is not None:
            self._awaiting.detach()
        self._finalizer.detach()
        self._engine.close(self.close_timeout if timeout is None else timeout, terminate)

    # Beyond Gymnasium.

    def send(self, actions: Sequence[Any], env_ids: Sequence[int]) -> None:
        """Begin steps of some environments; results come by `recv`, in the order in which they are ready.

        Args:
            actions: One action per named environment.
            env_ids: Which environments; none that has a step in flight.
        """
        self._assert_is_running()
        if self._asked:
            self._asked, self._got = [], {}
        for index, action in zip(env_ids, actions, strict=True):
            if self._engine.slots[index].pending is not None:
                raise AlreadyPendingCallError(f"environment {index} has a step in flight", "step")
            self._ask_step(index, action)
        self._asked = []
        self._engine.flush()

    def recv(self, min_envs: int = 1, timeout: float | None = None) -> Batch:
        """Return the steps that are ready, of at least `min_envs` environments.

        Args:
            min_envs: How many to wait for, at most as many as are in flight.
            timeout: Seconds to wait.

        Returns:
            Observations (a list), rewards, terminations, truncations of shape (n,), and infos in Gymnasium's
            layout over these n, with `env_id`.

        Raises:
            TimeoutError: When too few were ready in time; they are kept for the next call.
        """
        self._assert_is_running()
        flying = sum(slot.pending is not None for slot in self._engine.slots)
        wanted = min(min_envs, flying + len(self._got))
        self._gather(lambda: len(self._got) >= wanted, timeout, "recv")
        ids = list(self._got)
        steps = self._stepped(ids)
        self._got.clear()
        return rows_of(ids, steps)

    async def areset(
        self, env_id: int, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Reset one environment, awaiting it."""
        self._ask_reset(env_id, seed, options)
        result = await self._attached().result(env_id)
        self._got[env_id] = result
        info = self._reset_info(env_id)
        del self._got[env_id]
        return self._engine.slots[env_id].observation, info

    async def astep(self, env_id: int, action: Any) -> Step:
        """Step one environment, awaiting it."""
        self._ask_step(env_id, action)
        self._got[env_id] = await self._attached().result(env_id)
        step = self._one(env_id)
        del self._got[env_id]
        if step is not None:
            return step
        self._ask_reset(env_id, None, None)
        self._got[env_id] = await self._attached().result(env_id)
        step = self._after_failure(env_id)
        del self._got[env_id]
        return step

    # Asking and collecting.

    def _check_spaces(self) -> None:
        """Make every environment in its worker, and see that its spaces are the first one's."""
        for index in range(self.num_envs):
            payload = [self.observation_mode, self.single_observation_space, self.single_action_space]
            self._engine.ask(index, "spaces", payload, self.reset_timeout)
        self._asked = list(range(self.num_envs))
        self._sent(AsyncState.WAITING_CALL)
        self._collect(AsyncState.WAITING_CALL, "call", None)
        for index, result in self._got.items():
            if result.error is not None:
                raised(result.error, index)
        check_spaces([self._got[index].value for index in self._asked], self.observation_mode, self.single_action_space)

    def _ask_reset(self, index: int, seed: int | None, options: dict[str, Any] | None) -> None:
        self._asked.append(index)
        self._engine.ask(index, "reset", [seed, options], self.reset_timeout)

    def _ask_step(self, index: int, action: Any) -> None:
        slot = self._engine.slots[index]
        if slot.lost and self.autoreset_mode is not AutoresetMode.DISABLED:
            self._ask_reset(index, None, None)
            return
        self._asked.append(index)
        self._engine.ask(index, "step", travelling(action), self.step_timeout)

    def _each(self, actions: Any) -> Any:
        return actions if self._items else iterate(self.action_space, actions)

    def _ready_for(self, name: str) -> None:
        self._assert_is_running()
        if self._state is not AsyncState.DEFAULT:
            raise AlreadyPendingCallError(
                f"Calling `{name}` while waiting for a pending call to `{self._state.value}` to complete.",
                str(self._state.value),
            )
        self._asked, self._got = [], {}

    def _sent(self, state: AsyncState) -> None:
        self._engine.flush()
        self._state = state

    def _collect(self, state: AsyncState, name: str, timeout: float | None) -> None:
        self._assert_is_running()
        if self._state is not state:
            raise NoAsyncCallError(f"Calling `{name}_wait` without any prior call to `{name}_async`.", state.value)
        self._state = AsyncState.DEFAULT
        self._gather(lambda: len(self._got) >= len(self._asked), timeout, f"{name}_wait")
        if self.on_error == "raise":
            for index in self._asked:
                error = self._got[index].error
                if error is not None and error["kind"] in ("environment", "driver"):
                    raised(error, index)

    def _gather(self, enough: Callable[[], bool], timeout: float | None, name: str) -> None:
        deadline = None if timeout is None else time.monotonic() + timeout
        with no_garbage_collection():
            while not enough():
                left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
                if not self._engine.wait(left):
                    raise multiprocessing.TimeoutError(f"The call to `{name}` has timed out after {timeout} second(s).")
                self._got.update(self._engine.results())

    # From results to what Gymnasium returns.

    def _reset_info(self, index: int) -> dict[str, Any]:
        result = self._got[index]
        if result.error is None:
            return dict(result.value[1])
        slot = self._engine.slots[index]
        if slot.observation is None:
            slot.observation = [] if self._items else empty(self.single_observation_space)
        return {"error": result.error}

    def _stepped(self, ids: Sequence[int]) -> list[Step]:
        """Return each step; environments whose episode was lost are reset where the autoreset mode says so."""
        steps = {index: self._one(index) for index in ids}
        failed = [index for index, step in steps.items() if step is None]
        if failed:
            for index in failed:
                self._ask_reset(index, None, None)
                self._asked.pop()
            others = {index: result for index, result in self._got.items() if index not in failed}
            self._got = {}
            self._gather(lambda: all(index in self._got for index in failed), None, "step_wait")
            steps |= {index: self._after_failure(index) for index in failed}
            self._got |= others
        return [step for step in steps.values() if step is not None]

    def _one(self, index: int) -> Step | None:
        """Return a step, or None when its episode was lost and the environment has to be reset now."""
        result, slot = self._got[index], self._engine.slots[index]
        if result.error is None:
            if result.operation == "reset":
                return result.value[0], 0.0, False, False, dict(result.value[1])
            observation, reward, terminated, truncated, info = result.value
            return observation, reward, terminated, truncated, info
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            self._errors[index] = result.error
            return None
        if slot.observation is None:
            slot.observation = [] if self._items else empty(self.single_observation_space)
        return slot.observation, np.nan, False, True, {"error": result.error}

    def _after_failure(self, index: int) -> Step:
        error = self._errors.pop(index)
        slot = self._engine.slots[index]
        final = slot.observation
        info = {"final_obs": final, "final_info": {"error": error}, **self._reset_info(index)}
        return slot.observation, np.nan, False, True, info

    def _batched(self, observations: list[Any]) -> Any:
        if self._items:
            return tuple(observations)
        batch = concatenate(self.single_observation_space, observations, cast(Any, self._observations))
        self._observations = batch
        return deepcopy(batch) if self.copy else batch

    def _attached(self) -> Awaiting:
        self._asked = []
        if self._awaiting is None:
            self._awaiting = Awaiting(self._engine)
        return self._awaiting

    def _assert_is_running(self) -> None:
        if self.closed:
            raise ClosedEnvironmentError(f"Trying to operate on `{type(self).__name__}`, after a call to `close()`.")

    def __del__(self) -> None:
        """Nothing: the finalizer ends the workers."""
