"""What the policies of one model server share: how it is reached, from any event loop and any process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from gym_llm.policies import probe
from gym_llm.policies.connections import Connections
from gym_llm.policies.health import PROBE_SECONDS, Health
from gym_llm.policies.policy import Policy


class ServedPolicy(Policy):
    """A policy that asks one model server; subclasses set `_connections` and `_path`, what is called there."""

    _connections: Connections
    _path: str

    def reached_by(self, change: Callable[[Connections], Connections]) -> Self:
        """Return this policy with its server reached in another way, made of the present one."""
        policy = self._copied()
        policy._connections = change(self._connections)
        return policy

    def credentials(self) -> Any:
        """Return the key that was given directly."""
        return self._connections.credentials()

    def entrusted(self, credentials: Any, index: int = 0, count: int = 1) -> Self:
        """Return this policy as one of several processes uses it; see `Policy.entrusted`."""
        return self.reached_by(lambda given: given.entrusted(credentials, index, count))

    def secrets(self) -> list[str]:
        """Return the key."""
        return self._connections.secrets()

    async def probe(self, timeout: float = PROBE_SECONDS, *, thorough: bool = False) -> list[Health]:
        """Probe the endpoint; see `Policy.probe`."""
        return [await probe.probe(self._connections, self._path, timeout, thorough)]

    async def close(self) -> None:
        """Close the connections of the running event loop. Without it, they are closed when the loop shuts down."""
        await self._connections.close()
