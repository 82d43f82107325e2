"""The provider `unsafe-local`: resource limits and nothing else. It is no sandbox, and is taken only by its name.

The code runs as this user, sees every file and the network, and can read this process's memory. For trusted code
on machines where nothing better works, and for tests.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from gym_llm.sandbox import interpreter
from gym_llm.sandbox.child import INSIDE, ChildSandbox, Streams, repl_code
from gym_llm.sandbox.command_line import ENVIRONMENT
from gym_llm.sandbox.limits import Limits
from gym_llm.sandbox.process import ProcessRun
from gym_llm.sandbox.sandbox import Request
from gym_llm.sandbox.workspace import Workspace

_LIMITED = str(INSIDE / "rlimits.py")


class UnsafeLocal(ChildSandbox):
    """Child processes of this user with resource limits; anything else is open to them.

    Args:
        python: Path of the interpreter of programs; the running one by default.
        limits: Of runs that bring none. Processes are not limited, memory only as address space.
        concurrency: Most runs at once.
    """

    name: ClassVar[str] = "unsafe-local"

    def __init__(
        self, *, python: str | None = None, limits: Limits | None = None, concurrency: int | None = None
    ) -> None:
        self._python = interpreter.find(python).executable
        super().__init__(limits=limits, concurrency=concurrency)

    def describe(self) -> dict[str, Any]:
        """Return provider and interpreter, and that nothing is protected."""
        return {"provider": self.name, "python": self._python, "protects": "nothing"}

    def _spawn(
        self, request: Request, space: Workspace, program: Path, streams: Streams, clean: Callable[[], None]
    ) -> ProcessRun:
        if request.session:
            call = f"serve({streams.channel}, {streams.channel})"
            command = [self._python, "-s", "-c", repl_code(str(INSIDE.parent), call)]
        elif request.command:
            command = list(request.command)
        else:
            command = [self._python, "-s", str(program), *request.arguments]
        module_path = {} if request.command else {"PYTHONPATH": str(space.path)}
        limits = request.limits.as_plain()
        if request.session:
            limits["cpu"] = 1 << 30
        bin_folder = str(Path(self._python).parent)
        home = {"PATH": f"{bin_folder}:/usr/local/bin:/usr/bin:/bin", "HOME": str(space.path), "TMPDIR": "/tmp"}
        return ProcessRun(
            [sys.executable, "-I", "-S", _LIMITED, json.dumps(limits), *command],
            stdin=streams.stdin, stdout=streams.stdout, stderr=streams.stderr, folder=str(space.path),
            environment={**ENVIRONMENT, **home, **module_path, **request.environment},
            pass_fds=[streams.channel] if streams.channel is not None else [], clean=clean,
        )  # fmt: skip
