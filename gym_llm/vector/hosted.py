"""One environment inside a worker: resetting, stepping, autoreset, and what of it travels to the driver.

Observations of our environments travel as deltas: only the items that the driver does not have yet. It knows
nothing of messages or of other environments: see `host.py`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from gym_llm.core import ResponsesEnv
from gym_llm.spaces import ItemSpace
from gym_llm.workers.frames import exact

FULL, DELTA = 0, 1
MakeEnv = Callable[[], gymnasium.Env[Any, Any]]


class HostedEnv:
    """An environment and what its driver has seen of it.

    Args:
        make: Makes the environment.
        autoreset: What happens after an episode's end.
        allow_pickle: Whether values of foreign environments that are not plain data are pickled.

    Attributes:
        env: The environment.
        ours: Whether it is a gym_llm environment, whose data is plain.
        blocking: Whether it is given a thread.
        awaits: Whether it may have to be suspended.
        plain: Whether it is neither.
    """

    def __init__(self, make: MakeEnv, autoreset: AutoresetMode, allow_pickle: bool) -> None:
        self._make, self._autoreset, self._allow_pickle = make, autoreset, allow_pickle
        self._open()

    def _open(self) -> None:
        self.env = self._make()
        inner = self.env.unwrapped
        self.ours = isinstance(inner, ResponsesEnv)
        self._items = isinstance(self.env.observation_space, ItemSpace)
        self.blocking = bool(getattr(inner, "blocking", False))
        self.awaits = isinstance(inner, ResponsesEnv) and inner.awaits
        self.plain = not (self.blocking or self.awaits)
        self._seen: list[Any] = []
        self._over = False

    def reset(self, seed: int | None, options: Mapping[str, Any] | None) -> list[Any]:
        """Begin an episode; return [observation, info, random state before it]."""
        state = None if seed is not None else self._random_state()
        observation, info = self.env.reset(seed=seed, options=None if options is None else dict(options))
        self._over, self._seen = False, []
        return [self._observation(observation), self._carried(info), state]

    def step(self, action: Any) -> list[Any]:
        """Take an action; return [observation, reward, terminated, truncated, info, how the next episode began].

        The last is None unless this step also began an episode: then it is the random state before it.
        """
        if self._over and self._autoreset is AutoresetMode.NEXT_STEP:
            observation, info, state = self.reset(None, None)
            return [observation, 0, False, False, info, [state]]
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._over = over = bool(terminated or truncated)
        if over and self._autoreset is AutoresetMode.SAME_STEP:
            final = {"final_info": self._carried(info), "final_obs": self._observation(observation)}
            observation, info, state = self.reset(None, None)
            return [observation, reward, terminated, truncated, [final, info], [state]]
        return [self._observation(observation), reward, terminated, truncated, self._carried(info), None]

    def replay(self, start: Mapping[str, Any], actions: list[Any]) -> Any:
        """Play an episode again on a fresh environment; return its whole observation, to be compared."""
        sets = deque(start["sets"])
        self._set_random_state(start["state"])
        self._set_until(sets, -1)
        self.reset(start["seed"], start["options"])
        observation: Any = None
        for done, action in enumerate(actions):
            self._set_until(sets, done)
            observation, _, terminated, truncated, _ = self.env.step(action)
            self._over = bool(terminated or truncated)
            if self._items:
                self._seen = list(observation)
        self._set_until(sets, len(actions))
        if not actions:
            return self._seen if self._items else self._carried(self._last)
        return observation if self._items else self._carried(observation)

    def _set_until(self, sets: deque[list[Any]], done: int) -> None:
        while sets and sets[0][0] <= done:
            _, name, value = sets.popleft()
            self.set(name, value)

    def again(self) -> None:
        """Make the environment anew."""
        try:
            self.env.close()
        finally:
            self._open()

    def call(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Return an attribute, called when it can be."""
        attribute = self.env.get_wrapper_attr(name)
        value = attribute(*args, **kwargs) if callable(attribute) else attribute
        return exact(value) if self._allow_pickle else value

    def set(self, name: str, value: Any) -> None:
        """Set an attribute."""
        self.env.set_wrapper_attr(name, value)

    def _observation(self, observation: Any) -> list[Any]:
        if not self._items:
            shape = self.env.observation_space.shape
            if isinstance(observation, np.ndarray) and shape is not None and observation.shape != shape:
                raise ValueError(f"an observation of shape {observation.shape}, where its space has {shape}")
            self._last = observation
            return [FULL, self._carried(observation)]
        known = len(self._seen)
        if known and len(observation) >= known and observation[known - 1] is self._seen[-1]:
            self._seen = observation
            return [DELTA, observation[known:]]
        self._seen = observation
        return [FULL, observation]

    def _carried(self, value: Any) -> Any:
        """Return what travels: plain data as it is, anything else as a pickle where that is allowed."""
        if self.ours or not self._allow_pickle:
            return value
        return exact(value)

    def _random_state(self) -> list[Any] | None:
        inner = self.env.unwrapped
        generator = inner.np_random  # one that was never seeded is made now, so that it can be made again
        if not isinstance(generator.bit_generator, np.random.PCG64):
            return None
        state, seed = generator.bit_generator.state, inner._np_random_seed
        return [
            hex(state["state"]["state"]), hex(state["state"]["inc"]), state["has_uint32"], state["uinteger"],
            None if seed is None else hex(seed),
        ]  # fmt: skip

    def _set_random_state(self, state: list[Any] | None) -> None:
        if state is None:
            return
        bits = np.random.PCG64(0)
        bits.state = {
            "bit_generator": "PCG64", "state": {"state": int(state[0], 16), "inc": int(state[1], 16)},
            "has_uint32": state[2], "uinteger": state[3],
        }  # fmt: skip
        inner = self.env.unwrapped
        inner._np_random = np.random.Generator(bits)
        inner._np_random_seed = None if state[4] is None else int(state[4], 16)


def made(env_id: str, wrappers: Sequence[Callable[[Any], Any]], kwargs: dict[str, Any]) -> gymnasium.Env[Any, Any]:
    """Make a registered environment with wrappers around it, the first one innermost."""
    import gym_llm  # noqa: F401 - registers the ids

    env: Any = gymnasium.make(env_id, disable_env_checker=True, **kwargs)
    for wrapper in wrappers:
        env = wrapper(env)
    return cast("gymnasium.Env[Any, Any]", env)
