"""The provider `apptainer`, through its command line."""

from __future__ import annotations

import os
from typing import ClassVar

from gym_llm.sandbox.engine import Engine, Mounts, environment_words
from gym_llm.sandbox.inside.container import ROOT
from gym_llm.sandbox.sandbox import Request


class Apptainer(Engine):
    """An apptainer container per run, for clusters that have nothing else.

    Memory and processes are limited by `setrlimit`: its cgroup options need a delegation that clusters rarely give.
    """

    name: ClassVar[str] = "apptainer"
    executable: ClassVar[str] = "apptainer"
    install: ClassVar[str] = "https://apptainer.org/docs/admin/main/installation.html"
    asks: ClassVar[tuple[str, ...]] = ("version",)

    def line(self, request: Request, mounts: Mounts, container: str) -> list[str]:
        """Return `apptainer exec` with its options; without its own process 1, so that it is ours."""
        shown = [f"{source}:{target}:{mode}" for source, target, mode in mounts]
        image = self.image if "://" in self.image or self.image.endswith(".sif") else f"docker://{self.image}"
        return [
            self._engine, "--silent", "exec", "--containall", "--cleanenv", "--no-home", "--no-privs", "--no-init",
            "--net", "--network", "none", "--scratch", ROOT, *[word for bind in shown for word in ("--bind", bind)],
            "--pwd", "/", *environment_words(self.variables(request), "--env"), image,
        ]  # fmt: skip

    def removal(self, container: str) -> list[str]:
        """Return nothing: the container's processes are the client's own children."""
        return []

    def _owner(self) -> int:
        """Return this user, who everything inside is."""
        return os.geteuid()
