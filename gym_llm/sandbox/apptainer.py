"""The provider `apptainer`, through its command line."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from gym_llm.sandbox.child import INSIDE
from gym_llm.sandbox.engine import MOUNTED_INSIDE, PROGRAM, WORK, Engine, environment_words
from gym_llm.sandbox.sandbox import Request


class Apptainer(Engine):
    """An apptainer container per run, for clusters that have nothing else.

    Memory and processes are limited by `setrlimit`: its cgroup options need a delegation that clusters rarely give.
    """

    name: ClassVar[str] = "apptainer"
    executable: ClassVar[str] = "apptainer"
    install: ClassVar[str] = "https://apptainer.org/docs/admin/main/installation.html"
    asks: ClassVar[tuple[str, ...]] = ("version",)

    def line(self, request: Request, folder: Path, program: Path, container: str) -> list[str]:
        """Return `apptainer exec` with its options."""
        binds = (f"{INSIDE}:{MOUNTED_INSIDE}:ro", f"{program}:{PROGRAM}:ro", f"{folder}:{WORK}:rw")
        image = self.image if "://" in self.image or self.image.endswith(".sif") else f"docker://{self.image}"
        return [
            self._engine, "--silent", "exec", "--containall", "--cleanenv", "--no-home", "--no-privs",
            "--net", "--network", "none", *[word for bind in binds for word in ("--bind", bind)], "--pwd", WORK,
            *environment_words(self.variables(request), "--env"), image,
        ]  # fmt: skip

    def ending(self, container: str) -> list[str] | None:
        """Return nothing: the container's processes are the client's own children."""
        return None
