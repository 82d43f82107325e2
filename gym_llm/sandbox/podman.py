"""The provider `podman`, through its command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from gym_llm.sandbox.engine import Engine, container_words, environment_words
from gym_llm.sandbox.sandbox import Request


class Podman(Engine):
    """A podman container per run: as with docker, and without a daemon. Files stay this user's."""

    name: ClassVar[str] = "podman"
    executable: ClassVar[str] = "podman"
    install: ClassVar[str] = "apt-get install podman"
    asks: ClassVar[tuple[str, ...]] = ("info",)

    def line(self, request: Request, folder: Path, program: Path, container: str) -> list[str]:
        """Return `podman run` with its options."""
        variables = environment_words(self.variables(request), "--env")
        same_user = ["--userns", "keep-id"] if os.geteuid() else []
        return [
            self._engine, *container_words(request, folder, program, container), *same_user, *variables, self.image,
        ]  # fmt: skip
