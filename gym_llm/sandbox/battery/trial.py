"""One attack in one way, from its marks to its outcome: what happened on this machine, then what the attack says."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from gym_llm.errors import SandboxError
from gym_llm.sandbox.battery.attack import LIMITS, SUCCESS, Attack, Way, words
from gym_llm.sandbox.battery.marks import Bystander, Marks
from gym_llm.sandbox.call import Reply
from gym_llm.sandbox.limits import Limits, SandboxResult
from gym_llm.sandbox.sandbox import Sandbox
from gym_llm.sandbox.session import Session
from gym_llm.sandbox.workspace import Workspace

_LATE_SECONDS = 6.0
_LIMITED = ("cpu", "wall", "memory", "output", "disk", "lost", "cancelled", "signal")
_MOST_TOLD = 3000


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attack ended.

    Attributes:
        kind: The class of the attack.
        name: The attack.
        way: How it was tried.
        outcome: `through` when it succeeded, `stopped` with what stopped it, `unexplained` when it did not succeed
            but not for a reason that it should have met.
        detail: The evidence, or what stopped it.
        seconds: How long the trial took.
    """

    kind: str
    name: str
    way: Way
    outcome: Literal["through", "stopped", "unexplained"]
    detail: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Seen:
    """What the host saw of a run, or of a call."""

    reason: str
    exit_status: int | None
    signal: int | None
    output: bytes
    wall: float

    @property
    def ok(self) -> bool:
        """Whether it is told as a good end."""
        return self.reason in ("exit", "done") and self.exit_status == 0

    @property
    def told(self) -> str:
        """All that can explain its end."""
        end = f"ended by {self.reason}" if self.reason in _LIMITED else ""
        end += f" exited {self.exit_status}" * (self.reason == "exit") + f" signal {self.signal}" * (
            self.signal is not None
        )
        return f"{end} {'replied' * (self.reason == 'done')}\n{self.output[-_MOST_TOLD:].decode('utf-8', 'replace')}"


class Trial:
    """One attack in one way.

    Args:
        sandbox: What is attacked.
        kind: The attack's class.
        attack: The attack.
        way: One of its ways.
        bystander: The process that must not be touched.
        known: Secrets that every trial looks for.
    """

    def __init__(
        self, sandbox: Sandbox, kind: str, attack: Attack, way: Way, bystander: Bystander, known: list[str]
    ) -> None:
        self._sandbox, self.kind, self.attack, self.way = sandbox, kind, attack, way
        self._bystander, self._known = bystander, known
        self.seen = Seen("lost", None, None, b"", 0.0)
        self._marks: Marks
        self._space: Workspace | None = None
        self._session: Session | None = None
        self._descriptors = 0

    @property
    def space(self) -> Workspace:
        """Its workspace."""
        assert self._space is not None
        return self._space

    def leaked(self, data: bytes) -> str:
        """Return which secret is in some data."""
        return self._marks.leaked(data)

    def call(self, code: str) -> Reply:
        """Make another call in its session."""
        assert self._session is not None
        return self._session.execute(code, 3.0)

    def new_descriptors(self) -> int:
        """Return how many descriptors this process has gained meanwhile."""
        return len(os.listdir("/proc/self/fd")) - self._descriptors  # noqa: PTH208

    def outcome(self) -> Outcome:
        """Try it."""
        began = time.monotonic()
        with contextlib.ExitStack() as stack:
            self._marks = stack.enter_context(Marks([*self._known, self._bystander.secret]))
            try:
                if self.attack.workspace:
                    self._space = stack.enter_context(self._sandbox.workspace())
                evidence = self._evidence()
            except (SandboxError, OSError) as error:  # no attack may make the sandbox itself fail
                evidence = f"{type(error).__name__}: {error}"
            if self._session is not None:
                self._session.close()
            evidence = evidence or self._marks.touched()
        return self._told(evidence, time.monotonic() - began)

    def _told(self, evidence: str, seconds: float) -> Outcome:
        made = (self.kind, self.attack.name, self.way)
        if evidence:
            return Outcome(*made, "through", _line(evidence), seconds)
        told = self.seen.told
        found = re.search(self.attack.by, told)
        if found is None:
            return Outcome(*made, "unexplained", _line(told[-500:]), seconds)
        start = told.rfind("\n", 0, found.start()) + 1
        return Outcome(*made, "stopped", _line(told[start:].strip().partition("\n")[0]), seconds)

    def _evidence(self) -> str:
        attack, others = self.attack, list[threading.Thread]()
        self._descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        beside: list[SandboxResult] = []
        if attack.beside:
            others.append(_started(lambda: beside.append(self._beside())))
            time.sleep(0.15)
        failures: list[Exception] = []
        if attack.during is None:
            self._try()
        else:
            others.append(_started(lambda: self._try_apart(failures)))
        evidence = attack.during(self) if attack.during else ""
        for other in others:
            other.join()
        if failures:
            raise failures[0]
        return evidence or self._self_told() or self._judged(beside) or self._afterwards()

    def _self_told(self) -> str:
        if SUCCESS.encode() in self.seen.output:
            return self.seen.output.decode("utf-8", "replace").partition(SUCCESS)[2].strip() or "it says so"
        secret = self._marks.leaked(self.seen.output)
        return f"the secret of the {secret} came out" if secret else ""

    def _judged(self, beside: list[SandboxResult]) -> str:
        if self.seen.wall > self.attack.limits.wall + _LATE_SECONDS:
            return f"it ran {self.seen.wall:.1f} s, past its deadline"
        if not self._bystander.alive:
            return "the bystander was killed"
        if beside and not beside[0].ok:
            return f"the other run ended with {beside[0].reason} {beside[0].exit_status} {beside[0].stderr_text[-200:]}"
        return self.attack.check(self) if self.attack.check else ""

    def _afterwards(self) -> str:
        if not self.attack.then:
            return ""
        for _ in range(2):
            result = self._program(self.attack.then, "process" if self.way == "process" else "compute")
            if SUCCESS.encode() in result.stdout or self._marks.leaked(result.stdout):
                return f"left to the next run: {result.stdout_text.partition(SUCCESS)[2].strip()}"
        return ""

    def _try_apart(self, failures: list[Exception]) -> None:
        try:
            self._try()
        except (SandboxError, OSError) as error:
            failures.append(error)

    def _try(self) -> None:
        if self.way == "session":
            self._session = self._sandbox.session(
                limits=replace(self.attack.limits, cpu=self.attack.limits.cpu), environment=self._environment()
            )
            self._session.execute(words(), LIMITS)
            reply = self._session.execute(self.attack.text)
            texts = [reply.stdout, reply.stderr, reply.result or "", reply.error or ""]
            output = "\n".join(texts).encode("utf-8", "surrogateescape")
            self.seen = Seen(reply.reason, 0 if reply.ok else 1, None, output, reply.wall)
            return
        if self.way == "shell":
            result = self._sandbox.run(
                ["bash", "-c", self.attack.text], limits=self.attack.limits, environment=self._environment()
            )
        else:
            result = self._program(self.attack.text, self.way, self.attack.limits, self._space)
        self.seen = Seen(
            result.reason, result.exit_status, result.signal, result.stdout + b"\n" + result.stderr, result.wall
        )

    def _program(
        self, text: str, profile: Literal["compute", "process"], limits: Limits = LIMITS,
        space: Workspace | None = None,
    ) -> SandboxResult:  # fmt: skip
        return self._sandbox.run(
            program=words() + text, profile=profile, limits=limits, workspace=space, environment=self._environment()
        )

    def _beside(self) -> SandboxResult:
        return self._sandbox.run(
            program=words() + self.attack.beside, limits=LIMITS,
            environment={**self._environment(), "BESIDE": self._marks.beside},
        )  # fmt: skip

    def _environment(self) -> dict[str, str]:
        return self._marks.environment(self._bystander.pid)


def _started(target: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=target)
    thread.start()
    return thread


def _line(text: str) -> str:
    return " ".join(text.split())[:200]
