"""What Gymnasium checks of a vector environment's arguments and spaces, with its messages' meaning and its types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Space
from gymnasium.vector.utils import batch_differing_spaces, batch_space


def check_settings(on_error: Any, max_concurrency: Any, **timeouts: Any) -> None:
    """Check arguments that nothing else would complain about.

    Raises:
        ValueError: For one that cannot be used.
    """
    if on_error not in ("raise", "truncate"):
        raise ValueError(f"on_error={on_error!r}: give 'raise' or 'truncate'")
    if max_concurrency is not None and not isinstance(max_concurrency, int | np.integer):
        raise ValueError(f"`max_concurrency` must be an integer or None, got {type(max_concurrency)}.")
    if max_concurrency is not None and max_concurrency < 1:
        raise ValueError(f"`max_concurrency` must be a positive or None, got {max_concurrency}.")
    for name, value in timeouts.items():
        if value is not None and (not isinstance(value, int | float | np.number) or not value > 0):
            raise ValueError(f"{name}={value!r}: give seconds above 0, or None for no limit")


def seeds_of(seed: int | list[int | None] | None, num_envs: int) -> list[int | None]:
    """Return one seed per environment.

    Raises:
        ValueError: When a list has another length.
    """
    if seed is None:
        return [None] * num_envs
    if isinstance(seed, int | np.integer):
        return [int(seed) + index for index in range(num_envs)]
    if len(seed) != num_envs:
        raise ValueError(
            f"If seeds are passed as a list the length must match num_envs={num_envs} but got length={len(seed)}."
        )
    return list(seed)


def check_mask(options: dict[str, Any] | None, num_envs: int) -> Any:
    """Take `reset_mask` out of the options and return which environments to reset.

    Raises:
        TypeError: When it is no boolean array.
        ValueError: When its shape is wrong or it names none.
    """
    if options is None or "reset_mask" not in options:
        return np.ones(num_envs, dtype=np.bool_)
    mask = options.pop("reset_mask")
    if not isinstance(mask, np.ndarray):
        raise TypeError(f"`options['reset_mask']` must be a numpy array, got {type(mask)}")
    if mask.shape != (num_envs,):
        raise ValueError(f"`options['reset_mask']` must have shape `({num_envs},)`, got {mask.shape}")
    if mask.dtype != np.bool_:
        raise TypeError(f"`options['reset_mask']` must have `dtype=np.bool_`, got {mask.dtype}")
    if not np.any(mask):
        raise ValueError(
            f"`options['reset_mask']` must contain a boolean array with at least one True value, got reset_mask={mask}"
        )
    return mask


def batched_spaces(
    sample: Space[Any], mode: Any, env_fns: Sequence[Callable[[], Any]], num_envs: int
) -> tuple[Space[Any], Space[Any]]:
    """Return the batched and the single observation space for an observation mode.

    Raises:
        TypeError: When a custom pair holds something that is no space.
        ValueError: For an unknown mode.
    """
    if isinstance(mode, tuple) and len(mode) == 2:
        if not all(isinstance(space, Space) for space in mode):
            raise TypeError(
                f"Expected both elements of observation_mode to be Spaces, got {type(mode[0])} and {type(mode[1])}"
            )
        return mode[0], mode[1]
    if mode == "same":
        return batch_space(sample, num_envs), sample
    if mode == "different":
        spaces = [make().observation_space for make in env_fns]
        return batch_differing_spaces(spaces), spaces[0]
    raise ValueError(
        "Invalid `observation_mode`, expected: 'same' or 'different' or tuple of single and batch observation "
        f"space, actual got {mode}"
    )


def check_spaces(answers: Sequence[list[bool]], mode: Any, action_space: Space[Any]) -> None:
    """Compare the environments' spaces with the first one's.

    Args:
        answers: Of each environment: whether its observation space fits, whether its action space is the same.
        mode: The observation mode.
        action_space: The first environment's action space.

    Raises:
        RuntimeError: When they differ.
    """
    if not all(answer[0] for answer in answers):
        raise RuntimeError(
            "AsyncVectorEnv(..., observation_mode='same') however some of the sub-environments observation spaces "
            "are not equivalent. If this is intentional, use `observation_mode='different'` instead."
            if mode == "same"
            else "AsyncVectorEnv(..., observation_mode='different' or custom space) however the sub-environment's "
            "observation spaces do not share a common shape and dtype."
        )
    if not all(answer[1] for answer in answers):
        raise RuntimeError(
            f"Some environments have an action space different from `{action_space}`. "
            "In order to batch actions, the action spaces from all environments must be equal."
        )
