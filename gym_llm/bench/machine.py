"""The machine that figures come from, in words and as data."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from typing import Any

from gym_llm import __version__
from gym_llm.rollouts.luggage import cores

_GIB = 1024**3


def machine() -> dict[str, Any]:
    """Return what is known of this machine, its load now included."""
    return {
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cores": cores(),
        "load": round(os.getloadavg()[0], 1),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIB, 1),
        "python": platform.python_version(),
        "gymnasium": metadata.version("gymnasium"),
        "gym_llm": __version__,
    }


def described(facts: dict[str, Any]) -> str:
    """Return the machine in one line.

    >>> described(machine()).count(", ") >= 4
    True
    """
    return (
        f"{facts['cores']} cores ({facts['processor']}), load {facts['load']:g}, {facts['memory_gib']:g} GiB, "
        f"Python {facts['python']}, gymnasium {facts['gymnasium']}, gym_llm {facts['gym_llm']}"
    )
