"""From the steps of an episode to its `Trajectory`: shared by the agent and by recording of hand-driven loops."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, cast

import gymnasium

import gym_llm
from gym_llm.core import ResponsesEnv
from gym_llm.errors import DefinitionError
from gym_llm.items import Action
from gym_llm.trajectory import Trajectory, Turn


def responses_env(env: gymnasium.Env[Any, Any]) -> ResponsesEnv:
    """Return the environment under all wrappers.

    Raises:
        DefinitionError: When it is no `ResponsesEnv`.
    """
    inner = env.unwrapped
    if not isinstance(inner, ResponsesEnv):
        raise DefinitionError(f"{inner!r} is no gym_llm environment: it must extend gym_llm.ResponsesEnv")
    return inner


def begin(
    env: ResponsesEnv, info: Mapping[str, Any], policy: dict[str, Any], seed: int | None, sampling_seed: int | None
) -> Trajectory:
    """Return an empty trajectory for the episode that `env` has just begun."""
    return Trajectory(
        env=identity(env),
        policy=policy,
        row=env.row,
        create_params=info["responses_create_params"],
        prompt=list(env.episode.items),
        task_index=info["task_index"],
        seed=seed,
        sampling_seed=sampling_seed,
        started_at=time.time(),
        version=gym_llm.__version__,
    )


def add_turn(
    trajectory: Trajectory, env: ResponsesEnv, before: int, action: Action, step: tuple[Any, ...], latency: float
) -> None:
    """Append one step.

    Args:
        trajectory: What is filled.
        env: The environment, after the step.
        before: Length of the conversation before the step.
        action: What the policy returned.
        step: What `step` returned.
        latency: Seconds that the policy took.
    """
    _, reward, terminated, truncated, info = step
    joined = env.episode.actions[-1]
    response, extras = _response(action)
    trajectory.turns.append(
        Turn(
            action=joined,
            answers=env.episode.items[before + len(joined) :],
            reward=float(reward),
            response=response,
            latency=extras.get("latency", latency),
            tool_calls=info.get("tool_calls", 0),
            tool_errors=info.get("tool_errors", 0),
            failed_attempts=extras.get("attempts") or [],
            policy_version=extras.get("policy_version"),
            endpoint=extras.get("endpoint"),
        )
    )
    trajectory.terminated, trajectory.truncated = bool(terminated), bool(truncated)
    trajectory.end_reason = info.get("end_reason", "truncated by a wrapper" if truncated else None)
    trajectory.verification, trajectory.error = info.get("verification"), info.get("error")
    trajectory.seconds = time.time() - trajectory.started_at


def identity(env: ResponsesEnv) -> dict[str, Any]:
    """Return the environment's id and keyword arguments; rows given in memory are named, not repeated."""
    spec = env.spec
    kwargs = {k: v for k, v in (spec.kwargs if spec else {}).items() if k != "render_mode"}
    if isinstance(kwargs.get("dataset"), list | tuple):
        kwargs["dataset"] = f"{len(env.tasks)} rows in memory"
    return {"id": spec.id if spec else type(env).__name__, "kwargs": kwargs}


def _response(action: Action) -> tuple[dict[str, Any], dict[str, Any]]:
    if hasattr(action, "model_dump"):
        action = action.model_dump(exclude_unset=True, mode="json")
    if not isinstance(action, dict) or "output" not in action:
        return {}, {}
    response = {key: value for key, value in action.items() if key not in ("output", "_gym_llm")}
    return response, cast(dict[str, Any], action.get("_gym_llm") or {})
