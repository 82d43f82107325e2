"""Counters of a running mock model, written by its event loop and readable from any thread."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Stats:
    """What a mock model has seen so far.

    Attributes:
        requests: Model calls received (both APIs), whatever became of them.
        answered: Model calls whose answer was written completely, errors included.
        rejected: Model calls answered with a status of 400 or more.
        in_flight: Model calls being answered now, waiting ones included.
        max_in_flight: The most there were at once.
        connections: Connections open now.
        max_connections: The most there were at once.
        bytes_in: Bytes received.
        bytes_out: Bytes handed to the sockets.
        faults: How often each kind of fault was played.
    """

    requests: int = 0
    answered: int = 0
    rejected: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    connections: int = 0
    max_connections: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def arrived(self) -> int:
        """Count a model call and return its number, from 1."""
        self.requests += 1
        self.in_flight += 1
        if self.in_flight > self.max_in_flight:
            self.max_in_flight = self.in_flight
        return self.requests

    def left(self, complete: bool) -> None:
        """Count a model call out; `complete` when its answer was written to the end."""
        self.in_flight -= 1
        self.answered += complete

    def connected(self) -> None:
        """Count a connection in."""
        self.connections += 1
        self.max_connections = max(self.max_connections, self.connections)

    def as_dict(self) -> dict[str, Any]:
        """Return all counters as plain data, as GET /stats shows them."""
        counts = {name: getattr(self, name) for name in self.__slots__ if name != "faults"}
        return {**counts, "faults": dict(self.faults)}
