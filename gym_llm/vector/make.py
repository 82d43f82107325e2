"""Vector environments of registered ids: `gym_llm.make_vec`, and the entry points that `gymnasium.make_vec` uses."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
from gymnasium.vector import AutoresetMode

from gym_llm.registration import NAMESPACE
from gym_llm.vector.async_vector_env import AsyncVectorEnv
from gym_llm.vector.hosted import made

_ENGINE = (
    "context", "daemon", "copy", "shared_memory", "observation_mode", "autoreset_mode", "num_workers", "on_error",
    "step_timeout", "reset_timeout", "close_timeout", "max_respawns", "max_worker_rss", "allow_pickle", "python",
    "requirements",
)  # fmt: skip


def make_vec(
    env_id: str, num_envs: int = 1, *, wrappers: Sequence[Callable[[Any], Any]] = (), **kwargs: Any
) -> AsyncVectorEnv:
    """Make an `AsyncVectorEnv` of a registered environment.

    The next episode begins in the step that ends the last one (`SAME_STEP`), failures truncate, and nothing is
    unpickled from a worker, unless `autoreset_mode`, `on_error` and `allow_pickle` say otherwise.

    Args:
        env_id: The environment's id.
        num_envs: How many environments.
        wrappers: Put around each environment, the first one innermost; they travel by dill.
        **kwargs: The engine's arguments (`num_workers`, `step_timeout` ...), and the environment's own.

    >>> import gym_llm
    >>> envs = make_vec("gym_llm/StatefulCounter-v0", num_envs=4, num_workers=1, max_turns=3)
    >>> observations, infos = envs.reset(seed=0)
    >>> len(observations)
    4
    >>> envs.close()
    """
    engine = {key: kwargs.pop(key) for key in _ENGINE if key in kwargs}
    settings = {
        "autoreset_mode": AutoresetMode.SAME_STEP, "on_error": "truncate", "allow_pickle": False, **engine
    }  # fmt: skip
    make = functools.partial(made, env_id, tuple(wrappers), kwargs)
    envs = AsyncVectorEnv([make] * num_envs, **settings)
    envs.spec = gymnasium.spec(env_id)
    return envs


def __getattr__(name: str) -> Callable[..., AsyncVectorEnv]:
    """Return the vector entry point of an id: `gym_llm.vector.make:MCQA-v0`."""
    env_id = f"{NAMESPACE}/{name}"
    if env_id in gymnasium.registry:
        return functools.partial(make_vec, env_id)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
