"""Raising here what an environment raised in its worker."""

from __future__ import annotations

import multiprocessing
import sys
from typing import Any, NoReturn

from gymnasium import logger

from gym_llm.errors import WorkerError


class WaitTimeout(multiprocessing.TimeoutError, TimeoutError):
    """A wait that took too long: the exception that Gymnasium raises, and Python's own."""


def raised(error: dict[str, Any], index: int) -> NoReturn:
    """Raise an exception of the type that the environment raised, when that type is known here.

    Raises:
        WorkerError: When it is not, or cannot be made of a message; the text names the type.
    """
    logger.error(f"Received the following error from environment {index}:\n{error.get('traceback', '')}")
    kind = getattr(sys.modules.get(error.get("module", "")), error["type"], None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            made = kind(error["message"])
        except Exception:  # boundary: an exception class with a constructor of its own
            made = None
        if made is not None:
            raise made
    raise WorkerError(f"environment {index} raised {error['type']}: {error['message']}")


def is_own(error: dict[str, Any] | None) -> bool:
    """Return whether an error is an exception of the environment, not the death of its worker."""
    return error is not None and error["kind"] in ("environment", "driver")
