"""The provider `docker`, through its command line."""

from __future__ import annotations

from typing import ClassVar

from gym_llm.sandbox.engine import Engine, Mounts, container_words, environment_words
from gym_llm.sandbox.sandbox import Request


class Docker(Engine):
    """A docker container per run: no network, read-only root, no capability, docker's own seccomp filter."""

    name: ClassVar[str] = "docker"
    executable: ClassVar[str] = "docker"
    install: ClassVar[str] = "https://docs.docker.com/engine/install/ (on Debian: apt-get install docker.io)"
    asks: ClassVar[tuple[str, ...]] = ("info",)

    def line(self, request: Request, mounts: Mounts, container: str) -> list[str]:
        """Return `docker run` with its options."""
        inodes = f"nr_inodes={request.limits.inodes}"
        shared = container_words(request, mounts, container, user=self.owner, tmpfs=inodes)
        return [self._engine, *shared, *environment_words(self.variables(request), "--env"), self.image]
