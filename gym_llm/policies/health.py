"""What was found out about a model server before it is needed. How it is found out is in `probe.py`."""

from __future__ import annotations

from dataclasses import dataclass

from gym_llm.errors import ModelError

PROBE_SECONDS = 10.0
"""Seconds that a probe takes at most, unless it is told otherwise."""


@dataclass(frozen=True, slots=True)
class Health:
    """One endpoint, as a probe found it.

    Attributes:
        endpoint: Its address.
        model: The model's name.
        latency: Seconds until the server's first answer; None when there was none.
        models: The models that the server lists; empty when it lists none.
        apis: The APIs that it speaks, by their paths; None where nobody asked.
        problem: Why it cannot be used; None when it can.
    """

    endpoint: str
    model: str
    latency: float | None = None
    models: tuple[str, ...] = ()
    apis: tuple[str, ...] | None = None
    problem: ModelError | None = None
