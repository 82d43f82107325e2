"""`AsyncVectorEnv`: Gymnasium's class of that name, on workers that host many environments each.

Code written for Gymnasium's class runs on it unchanged. What it adds: `send` and `recv`, awaitable steps, deadlines
that kill, and a blast radius of one. How workers are run is not here, see `engine.py`, nor how steps are made of
their answers, see `requests.py`.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import gymnasium
import numpy as np
from gymnasium import logger
from gymnasium.error import AlreadyPendingCallError, ClosedEnvironmentError, NoAsyncCallError
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.async_vector_env import AsyncState
from gymnasium.vector.utils import batch_space, concatenate, create_empty_array, iterate

from gym_llm.core import ResponsesEnv
from gym_llm.spaces import ItemSpace
from gym_llm.vector.awaiting import Awaiting
from gym_llm.vector.batches import Batch, Step, infos_of, own_options, rows_of
from gym_llm.vector.checks import batched_spaces, check_mask, check_settings, check_spaces, seeds_of
from gym_llm.vector.engine import Engine, EngineConfig
from gym_llm.vector.failures import is_own, raised
from gym_llm.vector.housing import housed
from gym_llm.vector.requests import RequestConfig, Requests
from gym_llm.vector.slots import Result
from gym_llm.workers.frames import exact


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
        max_concurrency: Most workers; each runs one environment at a time, or those that await.
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
        ValueError: For an argument that cannot be used.

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
        check_settings(on_error, max_concurrency, step_timeout=step_timeout, reset_timeout=reset_timeout)
        if worker is not None:
            logger.warn("AsyncVectorEnv(worker=...) is not used: the workers are the engine's own")
        self.on_error, self.step_timeout, self.reset_timeout = on_error, step_timeout, reset_timeout
        self.close_timeout = close_timeout
        self._describe(env_fns, observation_mode)
        homes, interpreters = housed(self.num_envs, num_workers, python, requirements, max_concurrency)
        config = EngineConfig(
            homes, self.autoreset_mode.value, context, daemon, allow_pickle, self._replayable, max_respawns,
            max_worker_rss, interpreters,
        )  # fmt: skip
        self._engine = Engine(env_fns, config)
        self._finalizer = weakref.finalize(self, self._engine.close, None, True)  # also at exit, before modules go
        self._state = AsyncState.DEFAULT
        self._requests = Requests(self._engine, RequestConfig(
            self.autoreset_mode, on_error, step_timeout, reset_timeout, self.single_observation_space,
            self.single_action_space,
        ))  # fmt: skip
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
        self._ours = isinstance(sample.unwrapped, ResponsesEnv)
        self._replayable = bool(getattr(sample.unwrapped, "replayable", True))
        self.single_action_space = sample.action_space
        self.action_space = batch_space(sample.action_space, self.num_envs)
        self.observation_space, self.single_observation_space = batched_spaces(
            sample.observation_space, observation_mode, env_fns, self.num_envs
        )
        sample.close()
        self._items = isinstance(self.single_observation_space, ItemSpace)
        self._item_actions = isinstance(self.single_action_space, ItemSpace)
        self.observations: Any = ((),) * self.num_envs if self._items else create_empty_array(
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
        chosen = np.flatnonzero(mask).tolist()
        own = own_options(options, chosen, self.num_envs) if self._ours else [options] * len(chosen)
        self._free_for("reset_async", self._requests.flying.difference(chosen))
        for index, given in zip(chosen, own, strict=True):
            self._requests.reset(index, seeds[index], given)
        self._requests.flying.clear()  # what `send` began for these is over
        self._sent(AsyncState.WAITING_RESET)

    def reset_wait(self, timeout: float | None = None) -> tuple[Any, dict[str, Any]]:
        """Finish a reset.

        Args:
            timeout: Seconds to wait.

        Raises:
            TimeoutError: When they were not enough.
        """
        self._collect(AsyncState.WAITING_RESET, "reset", timeout)
        requests = self._requests
        told = [requests.reset_info(index, requests.got[index]) for index in requests.asked]
        seen = [slot.observation for slot in self._engine.slots]
        observations = self._batched([requests.nothing() if each is None else each for each in seen])
        return observations, infos_of(self, requests.asked, told)

    def step(self, actions: Any) -> Batch:
        """Step all environments."""
        self.step_async(actions)
        return self.step_wait()

    def step_async(self, actions: Any) -> None:
        """Begin a step of all environments."""
        self._ready_for("step_async")
        self._free_for("step_async", self._requests.flying)
        each = list(actions if self._item_actions else iterate(self.action_space, actions))
        if len(each) != self.num_envs:
            raise ValueError(f"{len(each)} actions for {self.num_envs} environments: give one each")
        for index, action in enumerate(each):
            self._requests.step(index, action)
        self._sent(AsyncState.WAITING_STEP)

    def step_wait(self, timeout: float | None = None) -> Batch:
        """Finish a step.

        Args:
            timeout: Seconds to wait.

        Raises:
            TimeoutError: When they were not enough.
        """
        self._collect(AsyncState.WAITING_STEP, "step", timeout)
        steps = self._requests.stepped(self._requests.asked)
        infos = infos_of(self, self._requests.asked, [step[4] for step in steps])
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
        self._free_for("call_async", self._requests.flying)
        self._requests.all("call", [[name, exact(list(args)), exact(kwargs)]] * self.num_envs)
        self._sent(AsyncState.WAITING_CALL)

    def call_wait(self, timeout: float | None = None) -> tuple[Any, ...]:
        """Finish a call.

        Args:
            timeout: Seconds to wait.

        Raises:
            TimeoutError: When they were not enough.
        """
        self._collect(AsyncState.WAITING_CALL, "call", timeout)
        return self._values()

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
        self._free_for("set_attr", self._requests.flying)
        self._requests.all("set", [[name, exact(value)] for value in given])
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
            self._awaiting.detach(ClosedEnvironmentError("the vector environment was closed before the answer came"))
        self._finalizer.detach()
        self._engine.close(self.close_timeout if timeout is None else timeout, terminate)

    # Beyond Gymnasium.

    def send(self, actions: Sequence[Any], env_ids: Sequence[int]) -> None:
        """Begin steps of some environments; results come by `recv`, in the order in which they are ready.

        Args:
            actions: One action per named environment.
            env_ids: Which environments; none whose last step was not received yet.

        Raises:
            AlreadyPendingCallError: When there is one.
            ValueError: When there is no such environment, or one is named twice; nothing was sent then.
        """
        ids, given = [self._known(index) for index in env_ids], list(actions)
        if len(given) != len(ids) or len(set(ids)) != len(ids):
            raise ValueError(f"{len(given)} actions for env_ids={ids}: give one action for each of some environments")
        self._idle("send")
        self._free_for("send", self._requests.flying.intersection(ids))
        for index, action in zip(ids, given, strict=True):
            self._requests.step(index, action)
            self._requests.got.pop(index, None)
        self._requests.asked = []
        self._requests.flying.update(ids)
        self._engine.flush()

    def recv(self, min_envs: int = 1, timeout: float | None = None) -> Batch:
        """Return the steps that are ready, of at least `min_envs` environments.

        Args:
            min_envs: How many to wait for, at most as many as are in flight.
            timeout: Seconds to wait.

        Returns:
            Observations (a list), rewards, terminations, truncations of shape (n,), and infos in Gymnasium's
            layout over these n, with `env_id`; with nothing in flight, n is 0.

        Raises:
            TimeoutError: When too few were ready in time; they are kept for the next call.
        """
        self._idle("recv")
        requests = self._requests
        requests.begin()
        flying = requests.flying
        wanted = min(min_envs, len(flying))
        if wanted <= len(requests.got) and self._engine.wait(0.0):
            requests.take(flying)
        requests.gather(lambda: len(requests.got) >= wanted, timeout, "recv", flying)
        ids = list(requests.got)
        if self.on_error == "raise":
            requests.raise_first(ids, taken=True)
        steps = requests.stepped(ids)
        for index in ids:
            del requests.got[index]
        flying.difference_update(ids)
        return rows_of(ids, [self._owned(step) for step in steps])

    async def areset(
        self, env_id: int, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Reset one environment, awaiting it.

        Raises:
            AlreadyPendingCallError: When it has a step or a reset in flight.
        """
        awaiting = self._attached(env_id, "areset")
        self._requests.reset(env_id, seed, options)
        result = await self._awaited(awaiting, env_id)
        info = self._requests.reset_info(env_id, result)
        return self._own(self._engine.slots[env_id].observation), info

    async def astep(self, env_id: int, action: Any) -> Step:
        """Step one environment, awaiting it. One whose awaiting was cancelled has taken its step.

        Raises:
            AlreadyPendingCallError: When it has a step or a reset in flight.
        """
        awaiting = self._attached(env_id, "astep")
        self._requests.step(env_id, action)
        step = self._requests.one(env_id, await self._awaited(awaiting, env_id))
        if step is None:
            self._requests.reset(env_id, None, None)
            step = self._requests.after_failure(env_id, await awaiting.result(env_id))
        return self._owned(step)

    # Asking and collecting.

    def _check_spaces(self) -> None:
        """Make every environment in its worker, and see that its spaces are the first one's."""
        payload = [self.observation_mode, self.single_observation_space, self.single_action_space]
        self._requests.all("spaces", [payload] * self.num_envs, self.reset_timeout)
        self._sent(AsyncState.WAITING_CALL)
        self._collect(AsyncState.WAITING_CALL, "call", None)
        for index, result in self._requests.got.items():
            if result.error is not None:
                raised(result.error, index)
        check_spaces(self._values(), self.observation_mode, self.single_action_space)

    def _values(self) -> tuple[Any, ...]:
        return tuple(self._requests.got[index].value for index in self._requests.asked)

    def _ready_for(self, name: str) -> None:
        """Refuse to go on while anything is being waited for; then forget what was."""
        self._idle(name)
        self._requests.begin()

    def _free_for(self, name: str, flying: set[int]) -> None:
        """Refuse to go on while steps that `send` began were not received."""
        if flying:
            raise AlreadyPendingCallError(
                f"Calling `{name}` while steps of environments {sorted(flying)} were sent and not received.", "step"
            )

    def _idle(self, name: str, index: int | None = None) -> None:
        """Refuse to go on while a call to all environments is in flight, or any or this one is being awaited."""
        self._assert_is_running()
        if self._state is not AsyncState.DEFAULT:
            raise AlreadyPendingCallError(
                f"Calling `{name}` while waiting for a pending call to `{self._state.value}` to complete.",
                str(self._state.value),
            )
        if self._awaiting is not None and self._awaiting.waits(index):
            raise AlreadyPendingCallError(f"Calling `{name}` while `areset` or `astep` is being awaited.", "step")

    def _known(self, index: Any) -> int:
        if not 0 <= index < self.num_envs:
            raise ValueError(f"there is no environment {index}: there are 0 to {self.num_envs - 1}")
        return int(index)

    def _sent(self, state: AsyncState) -> None:
        self._engine.flush()
        self._state = state

    def _collect(self, state: AsyncState, name: str, timeout: float | None) -> None:
        self._assert_is_running()
        if self._state is not state:
            raise NoAsyncCallError(f"Calling `{name}_wait` without any prior call to `{name}_async`.", state.value)
        self._state = AsyncState.DEFAULT
        self._requests.gather(lambda: len(self._requests.got) >= len(self._requests.asked), timeout, f"{name}_wait")
        if self.on_error == "raise" or state is AsyncState.WAITING_CALL:  # without a step, nothing can be truncated
            self._requests.raise_first(self._requests.asked)

    # From results to what Gymnasium returns.

    def _batched(self, observations: list[Any]) -> Any:
        if self._items:
            self.observations = batch = tuple(observations)
            return batch
        self.observations = concatenate(self.single_observation_space, observations, self.observations)
        return deepcopy(self.observations) if self.copy else self.observations

    def _own(self, observation: Any) -> Any:
        """Return a numeric observation that may be changed, as `copy` says; the journal has its own."""
        return deepcopy(observation) if self.copy and not self._items else observation

    def _owned(self, step: Step) -> Step:
        return self._own(step[0]), *step[1:]

    def _attached(self, env_id: int, name: str) -> Awaiting:
        index = self._known(env_id)
        self._idle(name, index)
        self._free_for(name, self._requests.flying)
        self._requests.asked = []
        if self._awaiting is None:
            self._awaiting = Awaiting(self._engine)
        return self._awaiting

    async def _awaited(self, awaiting: Awaiting, index: int) -> Result:
        result = await awaiting.result(index)
        if self.on_error == "raise" and is_own(result.error):
            raised(result.error or {}, index)
        return result

    def _assert_is_running(self) -> None:
        if self.closed:
            raise ClosedEnvironmentError(f"Trying to operate on `{type(self).__name__}`, after a call to `close()`.")

    def __del__(self) -> None:
        """Nothing: the finalizer ends the workers."""
