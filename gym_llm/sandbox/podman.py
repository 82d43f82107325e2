"""The provider `podman`, through its command line."""

from __future__ import annotations

import os
import resource
from typing import ClassVar

from gym_llm.sandbox.engine import Engine, Mounts, container_words, environment_words
from gym_llm.sandbox.sandbox import Request

_PODMANS_OWN = 32768


class Podman(Engine):
    """A podman container per run: as with docker, and without a daemon. Files stay this user's."""

    name: ClassVar[str] = "podman"
    executable: ClassVar[str] = "podman"
    install: ClassVar[str] = "apt-get install podman"
    asks: ClassVar[tuple[str, ...]] = ("info",)

    def line(self, request: Request, mounts: Mounts, container: str) -> list[str]:
        """Return `podman run` with its options."""
        shared = container_words(request, mounts, container, user=self.owner, tmpfs="notmpcopyup")
        shared += ["--read-only-tmpfs=false", "--ulimit", f"nproc={_most_processes()}"]
        shared += ["--userns", "keep-id"] if os.geteuid() else []
        return [self._engine, *shared, *environment_words(self.variables(request), "--env"), self.image]


def _most_processes() -> str:
    """Return a bound on a user's processes that podman can set; its default needs CAP_SYS_RESOURCE.

    A run's own bound is the container's `--pids-limit`.
    """
    most = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    bound = _PODMANS_OWN if most == resource.RLIM_INFINITY else min(most, _PODMANS_OWN)
    return f"{bound}:{bound}"
