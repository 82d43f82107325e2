"""Every error this package raises on purpose, in one tree.

GymLLMError
├── DefinitionError       an environment, tool or wrapper is written wrongly (raised at import or at `make`)
├── ConfigError           a setting is wrong: key, value and cure
├── TaskError             a dataset row is refused: file, line, field and reason
├── ToolError             for the model: becomes a tool output, the episode goes on
├── VerifierError         a verifier failed: the episode has no reward
│   └── JudgeError        ... because a judge gave no verdict
├── ModelError            a model request failed for good
├── OutputError           an output file cannot be written or continued
├── MissingExtra          an optional dependency is not installed
├── WorkerError           a worker process sent, or was sent, what cannot travel
│   └── VectorEnvBroken   a vector environment cannot go on: its workers keep dying
├── PoolError             a call in a killable worker process failed
│   ├── PoolTimeout       ... it ran past its deadline and was killed
│   └── PoolCrashed       ... its process died
└── SandboxError          a sandbox could not do its work: nothing is known about the code that was to run
    └── SandboxUnavailable  ... no provider, or not the one asked for, works on this machine
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable
from typing import Any, Literal

ModelErrorKind = Literal[
    "auth", "not_found", "bad_request", "context_overflow", "content_filter", "rate_limit", "server",
    "connection", "timeout", "truncated", "too_large", "invalid_response",
]  # fmt: skip


class GymLLMError(Exception):
    """Root of the tree."""


class DefinitionError(GymLLMError, TypeError):
    """An author's mistake in an environment, a tool or a wrapper."""


class ConfigError(GymLLMError, ValueError):
    """A setting that cannot be used."""


class TaskError(GymLLMError, ValueError):
    """A dataset row that its environment refuses.

    Attributes:
        source: The file, or a description of where the rows come from.
        line: Line number in the file, from 1 (row number for a list).
        field: Dotted path of the field, empty when the whole row is meant.
        reason: What is wrong with it.
    """

    def __init__(self, source: str, line: int, field: str, reason: str) -> None:
        self.source, self.line, self.field, self.reason = source, line, field, reason
        where = f"{source}:{line}" + (f": {field}" if field else "")
        super().__init__(f"{where}: {reason}")

    def __reduce__(self) -> tuple[type[TaskError], tuple[str, int, str, str]]:
        return TaskError, (self.source, self.line, self.field, self.reason)


class ToolError(GymLLMError):
    """Raised by a tool to tell the model what went wrong; the text is what the model reads."""


class VerifierError(GymLLMError):
    """A verifier that failed, so that the episode has no reward."""


class JudgeError(VerifierError):
    """A judge that gave no verdict: its model failed, or what it said cannot be read as one.

    Attributes:
        fatal: Whether it will give no other verdict either (wrong key, wrong model); see `ModelError`.
    """

    def __init__(self, message: str, *, fatal: bool = False) -> None:
        super().__init__(message)
        self.fatal = fatal


class ModelError(GymLLMError):
    """A model request that failed for good.

    Attributes:
        kind: What happened, one of `ModelErrorKind`.
        status: HTTP status, if there was one.
        retryable: Whether the same request may succeed later.
        fatal: Whether every other request to this endpoint will fail likewise (wrong key, wrong model).
        attempts: One mapping per failed attempt: `status`, `kind`, `seconds`.
    """

    def __init__(
        self, message: str, *, kind: ModelErrorKind, status: int | None = None,
        retryable: bool = False, fatal: bool = False, attempts: Iterable[dict[str, object]] = (),
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.kind, self.status, self.retryable, self.fatal = kind, status, retryable, fatal
        self.attempts = list(attempts)

    def __reduce__(self) -> tuple[Any, ...]:
        settings: dict[str, Any] = {
            "kind": self.kind,
            "status": self.status,
            "retryable": self.retryable,
            "fatal": self.fatal,
        }
        return functools.partial(ModelError, **settings, attempts=self.attempts), self.args


class OutputError(GymLLMError, OSError):
    """An output file that cannot be written or continued."""


class MissingExtra(GymLLMError, ImportError):
    """An optional dependency that is not installed; names the extra that brings it."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; install it with: pip install 'gym-llm[{extra}]'")


class WorkerError(GymLLMError):
    """Something that cannot travel between a driver and its workers."""


class VectorEnvBroken(WorkerError):
    """A vector environment whose workers keep dying."""


class PoolError(GymLLMError):
    """A call in a killable worker process that failed."""


class PoolTimeout(PoolError, TimeoutError):
    """A call that ran past its deadline; its worker was killed."""


class PoolCrashed(PoolError):
    """A call whose worker process died."""


def is_fatal(error: BaseException | None) -> bool:
    """Return whether an exception, or one that it was raised from, says that every other episode will meet it too.

    >>> is_fatal(ModelError("401: wrong key", kind="auth", fatal=True)), is_fatal(ValueError("no answer"))
    (True, False)
    """
    while error is not None:
        if isinstance(error, ModelError | JudgeError) and error.fatal:
            return True
        error = error.__cause__
    return False


class SandboxError(GymLLMError):
    """A sandbox that could not do its work; what the code in it did wrong is in its result, never here."""


class SandboxUnavailable(SandboxError):
    """No provider of sandboxes, or not the one asked for, works on this machine; says why and what to install."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ` Did you mean 'x'?` for the nearest known word, or nothing.

    >>> did_you_mean("polciy", ["policy", "output"])
    " Did you mean 'policy'?"
    """
    near = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
