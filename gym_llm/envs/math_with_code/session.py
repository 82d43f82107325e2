"""The episode's Python session: opened with the first call, its replies cut and told to the model.

The sandbox is one per process, and so is the number of calls that run at once.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import weakref
from typing import Any

from gym_llm.errors import MissingExtra, SandboxError
from gym_llm.sandbox import Limits, Reply, Sandbox, Session, open_sandbox
from gym_llm.sandbox.slots import Slots

PACKAGES = ("numpy", "scipy", "sympy", "pandas")
_PRELOAD = ("numpy", "scipy", "sympy", "pandas")
_MEMORY = 2 << 30
_ENDED = {
    "wall": "the code ran longer than {:g} seconds and was stopped", "cpu": "the code ran too long and was stopped",
    "memory": "the code used too much memory and was stopped", "output": "the code printed too much and was stopped",
    "disk": "the code wrote too much to disk and was stopped",
}  # fmt: skip
_RESET = "The session was reset: names and imports from before are gone."


class PythonSession:
    """One episode's session.

    Args:
        provider: Name of the sandbox provider.
        timeout: Seconds that a call may take.
        output_chars: Most characters that are shown of each of its outputs.
    """

    def __init__(self, provider: str, timeout: float, output_chars: int) -> None:
        self._provider, self._timeout, self._output_chars = provider, timeout, output_chars
        self._session: Session | None = None
        self._end: weakref.finalize[Any, PythonSession] | None = None
        self.failure: SandboxError | None = None
        self.calls, self.errors, self.resets, self.seconds = 0, 0, 0, 0.0

    async def execute(self, code: str) -> dict[str, Any]:
        """Run code and return what the model is told."""
        self.calls += 1
        slots = _slots(os.getpid())
        await slots.aacquire()
        try:
            if self._session is None:
                limits = Limits(cpu=self._timeout, wall=self._timeout, memory=_MEMORY, address_space=2 * _MEMORY)
                self._session = shared_sandbox(self._provider).session(limits=limits)
                self._end = weakref.finalize(self, self._session.close)  # for an episode that nobody ends
            reply = await self._session.aexecute(code)
        except SandboxError as error:
            self.failure = error
            raise
        finally:
            slots.release()
        return self._told(reply)

    def close(self) -> None:
        """End the session."""
        self._session = None
        if self._end is not None:
            self._end()

    def _told(self, reply: Reply) -> dict[str, Any]:
        """Return the five fields of the tool's answer."""
        self.errors += not reply.ok
        self.resets += reply.restarted
        self.seconds += reply.wall
        problem = reply.error
        if reply.restarted:
            what = _ENDED.get(reply.reason, "the code ended the Python process").format(self._timeout)
            problem = f"{what}. {_RESET}"
        return {
            "success": reply.ok, "stdout": self._cut(reply.stdout), "stderr": self._cut(reply.stderr),
            "error_message": self._cut(problem), "result": self._cut(reply.result),
        }  # fmt: skip

    def _cut(self, text: str | None) -> Any:
        if text is None or len(text) <= self._output_chars:
            return text
        half = self._output_chars // 2
        return f"{text[:half]}\n... ({len(text) - 2 * half} of {len(text)} characters left out) ...\n{text[-half:]}"


def check_packages() -> None:
    """Check that what the task promises can be imported.

    Raises:
        MissingExtra: Naming the first package that is missing.
    """
    for name in (*PACKAGES, "math_verify"):
        if importlib.util.find_spec(name) is None:
            raise MissingExtra(name, "math-with-code")


@functools.cache
def shared_sandbox(provider: str) -> Sandbox:
    """Return the sandbox that all episodes of this process share."""
    if provider in ("auto", "bubblewrap"):
        return open_sandbox(provider, preload=_PRELOAD, zygotes=1)  # one start of two seconds per process
    return open_sandbox(provider)


@functools.cache
def _slots(process: int) -> Slots:
    """Return the places of calls that run at once; a forked child has its own."""
    return Slots(2 * len(os.sched_getaffinity(0)))
