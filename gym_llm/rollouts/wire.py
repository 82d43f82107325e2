"""What a worker of a collection tells its driver: finished lines, failures, and what ends it all.

Plain data in MessagePack, checked while it is decoded; a line travels as bytes and is not decoded again.
"""

from __future__ import annotations

import msgspec

from gym_llm.errors import ConfigError, DefinitionError, GymLLMError, JudgeError, MissingExtra, ModelError, WorkerError
from gym_llm.rollouts.facts import Facts

START, PLAY = "start", "play"


class Ready(msgspec.Struct, array_like=True, tag="ready"):
    """The worker can play episodes."""


class Unable(msgspec.Struct, array_like=True, tag="unable"):
    """The worker cannot rebuild the policy or the environment."""

    reason: str


class Done(msgspec.Struct, array_like=True, tag="done"):
    """A verified episode."""

    job: int
    number: int
    line: bytes
    facts: Facts


class Lost(msgspec.Struct, array_like=True, tag="lost"):
    """A failed episode, with its encoded failure record."""

    job: int
    number: int
    line: bytes
    kind: str


class Hung(msgspec.Struct, array_like=True, tag="hung"):
    """An episode that cannot be got rid of but with the worker."""

    job: int
    number: int


class Fatal(msgspec.Struct, array_like=True, tag="fatal"):
    """An error that every other episode would meet likewise."""

    job: int
    number: int
    name: str
    message: str
    settings: dict[str, str | int | bool | None]


Told = Ready | Unable | Done | Lost | Hung | Fatal

_decoder = msgspec.msgpack.Decoder(list[Told])
KNOWN = {known.__name__: known for known in (ConfigError, DefinitionError, MissingExtra)}
_DETAILED: dict[str, type[ModelError | JudgeError]] = {"ModelError": ModelError, "JudgeError": JudgeError}


def decode(frame: bytes) -> list[Told]:
    """Return what a frame tells.

    Raises:
        WorkerError: It is no such message.
    """
    try:
        told: list[Told] = _decoder.decode(frame)
    except (msgspec.MsgspecError, ValueError) as error:
        raise WorkerError(f"a worker sent something that is no message: {error}") from None
    return told


def fatal(job: int, number: int, error: BaseException) -> Fatal:
    """Return an error as it travels."""
    settings: dict[str, str | int | bool | None] = {}
    if isinstance(error, ModelError):
        settings = {"kind": error.kind, "status": error.status, "retryable": error.retryable, "fatal": error.fatal}
    elif isinstance(error, JudgeError):
        settings = {"fatal": error.fatal}
    ours = {*KNOWN.values(), *_DETAILED.values()}
    name = next((kind.__name__ for kind in type(error).__mro__ if kind in ours), "GymLLMError")
    return Fatal(job, number, name, str(error), settings)


def raised(told: Fatal) -> GymLLMError:
    """Return the error that a worker met, as an exception."""
    if told.name in _DETAILED:
        return _DETAILED[told.name](told.message, **told.settings)  # type: ignore[arg-type]
    kind = KNOWN.get(told.name, GymLLMError)
    error: GymLLMError = kind.__new__(kind)
    error.args = (told.message,)
    return error
