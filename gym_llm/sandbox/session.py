"""Persistent Python sessions: one sandboxed process that remembers, one call after another, each with a deadline.

What a session says it cannot make true elsewhere: deadlines, the process's end and what is kept here are out of
its reach.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING

from gym_llm.errors import SandboxError
from gym_llm.sandbox.call import Call, Link, Reply
from gym_llm.sandbox.drivers import adrive, drive
from gym_llm.sandbox.limits import Limits

if TYPE_CHECKING:
    from gym_llm.sandbox.sandbox import Request, Sandbox


class Session:
    """A Python REPL that remembers. Made by `Sandbox.session`; one call at a time.

    It starts with the first call, and anew with the call after one that ended it: a deadline, too much memory or
    output, `os._exit`. `sys.exit` and exceptions do not end it.

    >>> from gym_llm.sandbox import open_sandbox
    >>> with open_sandbox("unsafe-local") as box, box.session() as session:
    ...     _ = session.execute("x = 20")
    ...     session.execute("print('hi'); x + 1").result
    '21'
    """

    def __init__(self, sandbox: Sandbox, request: Request) -> None:
        self._sandbox, self._request = sandbox, request
        self._link: Link | None = None
        self._busy = threading.Lock()
        self._closed = False

    def execute(self, code: str, limits: Limits | float | None = None) -> Reply:
        """Run code in the session.

        Args:
            code: Python; the value of a last expression is returned as its `repr`.
            limits: Seconds that it may take, or `Limits` of which `wall`, `cpu` and `output` hold for this call.
        """
        call = self._call(code, limits)
        try:
            return drive(call)
        finally:
            self._after(call)

    async def aexecute(self, code: str, limits: Limits | float | None = None) -> Reply:
        """Do what `execute` does on the running event loop. Cancelling ends the session's process."""
        call = self._call(code, limits)
        try:
            return await adrive(call)
        finally:
            self._after(call)

    def restart(self) -> None:
        """Forget everything; the next call starts a new process."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def close(self) -> None:
        """End it."""
        self._closed = True
        self.restart()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, code: str, limits: Limits | float | None) -> Call:
        if self._closed:
            raise SandboxError("the session is closed")
        if not self._busy.acquire(blocking=False):
            raise SandboxError("the session is busy: one call at a time")
        try:
            own = self._request.limits
            given = own if limits is None else limits if isinstance(limits, Limits) else replace(own, wall=limits)
            if self._link is None:
                self._link = self._sandbox._open(self._request)
            return Call(self._link, code, given)
        except BaseException:  # boundary: whatever ended it goes on up, and what was taken is given back
            self._busy.release()
            raise

    def _after(self, call: Call) -> None:
        """Keep the process only if it answered."""
        if call.reply is None and self._link is not None:
            self._link.close(force=call.unkillable)
            self._link = None
        self._busy.release()
