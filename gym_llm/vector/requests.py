"""Requests to single environments, and steps made of their answers: exceptions, lost episodes and resets after them.

Which calls may follow each other, and batches, are not here, see `async_vector_env.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from gym_llm.spaces import ItemSpace
from gym_llm.vector.batches import Step, empty, no_garbage_collection, travelling
from gym_llm.vector.engine import Engine, error_of
from gym_llm.vector.failures import WaitTimeout, is_own, raised
from gym_llm.vector.slots import Result
from gym_llm.workers.frames import exact


@dataclass(frozen=True, slots=True)
class RequestConfig:
    """How requests are made, and what becomes of failures.

    Attributes:
        autoreset_mode: What happens after an episode's end.
        on_error: `"raise"` or `"truncate"`.
        step_timeout: Seconds that a step may take, or None.
        reset_timeout: Seconds that a reset may take, or None.
        observation_space: One environment's.
        action_space: One environment's.
    """

    autoreset_mode: AutoresetMode
    on_error: str
    step_timeout: float | None
    reset_timeout: float | None
    observation_space: gymnasium.Space[Any]
    action_space: gymnasium.Space[Any]


class Requests:
    """What environments were asked for, and what came of it.

    Args:
        engine: Runs the environments.
        config: How to ask.

    Attributes:
        asked: The environments that a call asks, in their order.
        flying: Those whose step was sent and not received.
        got: Results that nobody has taken yet, by environment.
    """

    def __init__(self, engine: Engine, config: RequestConfig) -> None:
        self._engine, self._config = engine, config
        self._items = isinstance(config.observation_space, ItemSpace)
        self._item_actions = isinstance(config.action_space, ItemSpace)
        self.asked: list[int] = []
        self.flying: set[int] = set()
        self.got: dict[int, Result] = {}
        self._errors: dict[int, tuple[dict[str, Any], Any]] = {}

    def begin(self) -> None:
        """Forget what a call before this one asked for."""
        self.asked = []
        if self.got.keys() - self.flying:
            self.got = {index: result for index, result in self.got.items() if index in self.flying}

    def reset(self, index: int, seed: int | None, options: dict[str, Any] | None) -> None:
        """Ask an environment for a reset."""
        self.asked.append(index)
        self._engine.ask(index, "reset", [seed, exact(options)], self._config.reset_timeout)

    def step(self, index: int, action: Any) -> None:
        """Ask an environment for a step, or for the reset that has to come before one."""
        config, slot = self._config, self._engine.slots[index]
        if slot.lost and slot.untold is None and config.autoreset_mode is not AutoresetMode.DISABLED:
            if config.autoreset_mode is AutoresetMode.NEXT_STEP or config.on_error == "raise":
                self.reset(index, None, None)
                return
            slot.untold = error_of("ResetNeeded", "its last reset failed", "environment")
        self.asked.append(index)
        self._engine.ask(
            index, "step", travelling(action) if self._item_actions else exact(action), config.step_timeout
        )

    def all(self, operation: str, payloads: Sequence[Any], timeout: float | None = None) -> None:
        """Ask every environment for something else."""
        for index, payload in enumerate(payloads):
            self._engine.ask(index, operation, payload, timeout)
        self.asked = list(range(len(payloads)))

    def gather(
        self, enough: Callable[[], bool], timeout: float | None, name: str, only: set[int] | None = None
    ) -> None:
        """Take in results until there are enough.

        Args:
            enough: Whether there are.
            timeout: Seconds to wait; None to wait as long as it takes.
            name: Who waits, for the message.
            only: The environments whose results are wanted; those of others are dropped.

        Raises:
            WaitTimeout: There were too few in time.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with no_garbage_collection():
            while not enough():
                left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
                if not self._engine.wait(left):
                    raise WaitTimeout(f"The call to `{name}` has timed out after {timeout} second(s).")
                self.take(only)

    def take(self, only: set[int] | None) -> None:
        """Take in what is there."""
        self.got.update((index, result) for index, result in self._engine.results() if only is None or index in only)

    def raise_first(self, ids: Sequence[int], *, taken: bool = False) -> None:
        """Raise the first exception of these environments; `taken` ones are not told again."""
        for index in ids:
            error = self.got[index].error
            if is_own(error) or (error is not None and self.got[index].operation in ("call", "set")):
                result = self.got.pop(index) if taken else self.got[index]
                if taken:
                    self.flying.discard(index)
                raised(result.error or {}, index)

    def stepped(self, ids: Sequence[int]) -> list[Step]:
        """Return each step; environments whose episode was lost are reset where the autoreset mode says so."""
        steps = {index: self.one(index, self.got[index]) for index in ids}
        failed = [index for index, step in steps.items() if step is None]
        if failed:
            for index in failed:
                self.reset(index, None, None)
                self.asked.pop()
                del self.got[index]
            self.gather(lambda: all(index in self.got for index in failed), None, "step_wait")
            steps |= {index: self.after_failure(index, self.got[index]) for index in failed}
        return [step for step in steps.values() if step is not None]

    def one(self, index: int, result: Result) -> Step | None:
        """Return a step, or None when its episode was lost and the environment has to be reset now."""
        slot = self._engine.slots[index]
        if result.error is None:
            if result.operation == "reset":
                return result.value[0], 0.0, False, False, dict(result.value[1])
            observation, reward, terminated, truncated, info = result.value
            return observation, reward, terminated, truncated, info
        if slot.observation is None:
            slot.observation = self.nothing()
        if self._config.autoreset_mode is AutoresetMode.SAME_STEP:
            self._errors[index] = result.error, slot.observation
            return None
        return slot.observation, np.nan, False, True, {"error": result.error}

    def after_failure(self, index: int, result: Result) -> Step:
        """Return the step whose episode was lost, of an environment that was reset since."""
        error, final = self._errors.pop(index)
        info = {"final_obs": final, "final_info": {"error": error}, **self.reset_info(index, result)}
        return self._engine.slots[index].observation, np.nan, False, True, info

    def reset_info(self, index: int, result: Result) -> dict[str, Any]:
        """Return the info of a reset."""
        if result.error is None:
            return dict(result.value[1])
        slot = self._engine.slots[index]
        if slot.observation is None:
            slot.observation = self.nothing()
        return {"error": result.error}

    def nothing(self) -> Any:
        """Return what stands for the observation of an environment that has given none yet."""
        return [] if self._items else empty(self._config.observation_space)
