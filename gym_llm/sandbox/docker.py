"""The provider `docker`, through its command line."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from gym_llm.sandbox.engine import Engine, container_words, environment_words
from gym_llm.sandbox.sandbox import Request


class Docker(Engine):
    """A docker container per run: no network, read-only root, no capability, docker's own seccomp filter."""

    name: ClassVar[str] = "docker"
    executable: ClassVar[str] = "docker"
    install: ClassVar[str] = "https://docs.docker.com/engine/install/ (on Debian: apt-get install docker.io)"
    asks: ClassVar[tuple[str, ...]] = ("info",)

    def line(self, request: Request, folder: Path, program: Path, container: str) -> list[str]:
        """Return `docker run` with its options."""
        variables = environment_words(self.variables(request), "--env")
        return [self._engine, *container_words(request, folder, program, container), *variables, self.image]
