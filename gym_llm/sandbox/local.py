"""The provider `unsafe-local`: resource limits and nothing else. It is no sandbox, and is taken only by its name.

The code runs as this user, sees every file and the network, and can read this process's memory. For trusted code
on machines where nothing better works, and for tests.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, ClassVar

from gym_llm.sandbox import interpreter
from gym_llm.sandbox.call import Link
from gym_llm.sandbox.command_line import ENVIRONMENT
from gym_llm.sandbox.exchange import Exchange
from gym_llm.sandbox.limits import Limits
from gym_llm.sandbox.packing import linked, memory, pipe
from gym_llm.sandbox.process import ProcessRun
from gym_llm.sandbox.sandbox import Request, Sandbox
from gym_llm.sandbox.workspace import DiskWatch, Workspace

_INSIDE = Path(__file__).with_name("inside")
_LIMITED = str(_INSIDE / "rlimits.py")
_REPL = (
    "import sys, types\n"
    f"for name, path in (('gym_llm', ''), ('gym_llm.sandbox', {str(_INSIDE.parent)!r})):\n"
    "    sys.modules[name] = types.ModuleType(name); sys.modules[name].__path__ = [path]\n"
    "from gym_llm.sandbox.inside import repl\n"
    "for name in [name for name in sys.modules if name.startswith('gym_llm')]: del sys.modules[name]\n"
)


class UnsafeLocal(Sandbox):
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

    def _start(self, request: Request) -> Exchange:
        with memory(request.stdin) as stdin, pipe() as (out, out_inner), pipe() as (err, err_inner):
            run = self._launched(request, stdin, out_inner, err_inner)
            return Exchange(run, os.dup(out), os.dup(err), request.limits)

    def _open(self, request: Request) -> Link:
        def launch(ends: list[int]) -> ProcessRun:
            out, err, channel = ends
            return self._launched(request, channel, out, err)

        return linked(launch, request.limits.output)

    def _launched(self, request: Request, stdin: int, stdout: int, stderr: int) -> ProcessRun:
        """Make the run's folder and start it there; a session's channel is its stdin."""
        folder = self._spaces.make({"program.py": request.program})
        space = request.workspace or self._spaces.make(request.files)

        def clean() -> None:
            folder.close()
            if space is not request.workspace:
                space.close()

        limits = request.limits.as_plain()
        if request.session:
            limits["cpu"] = 1 << 30
        own = self._words(request, folder.path / "program.py", stdin)
        try:
            run = ProcessRun(
                [sys.executable, "-I", "-S", _LIMITED, json.dumps(limits), *own], stdin=stdin, stdout=stdout,
                stderr=stderr, folder=str(space.path), environment=self._variables(request, space),
                pass_fds=[stdin] if request.session else [], clean=clean,
            )  # fmt: skip
        except BaseException:  # boundary: whatever ended it goes on up, and what was taken is given back
            clean()
            raise
        run.over_disk = DiskWatch(space, request.limits.disk)
        return run

    def _words(self, request: Request, program: Path, channel: int) -> list[str]:
        if request.session:
            return [self._python, "-s", "-c", f"{_REPL}sys.exit(repl.serve({channel}, {channel}))"]
        return list(request.command) or [self._python, "-s", str(program), *request.arguments]

    def _variables(self, request: Request, space: Workspace) -> dict[str, str]:
        module_path = {} if request.command else {"PYTHONPATH": str(space.path)}
        path = f"{Path(self._python).parent}:/usr/local/bin:/usr/bin:/bin"
        home = {"PATH": path, "HOME": str(space.path), "TMPDIR": "/tmp"}
        return {**ENVIRONMENT, **home, **module_path, **request.environment}
