"""Facts: what metrics need of one episode, taken from its record in memory or from its line in a file.

Both ways give the same facts, so that a resumed collection has the metrics of an uninterrupted one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec


class Facts(msgspec.Struct, kw_only=True, array_like=True):
    """The numbers of one finished episode.

    Attributes:
        task: Task index.
        rollout: Rollout index within the task.
        reward: The episode's reward.
        components: Named rewards.
        numbers: The verifier's own numeric fields.
        input_tokens: Prompt tokens over all model calls.
        output_tokens: Generated tokens over all model calls.
        model_seconds: Seconds of each model call.
        seconds: Seconds of the whole episode.
        turns: Actions taken.
        tool_calls: Tool calls made.
        tool_errors: Tool calls that were answered by an error.
        end_reason: Why the episode ended.
        finish_reason: How the last answer ended.
        prefix_breaks: Turns whose prompt does not begin with the tokens before it; None without token data.
    """

    task: int
    rollout: int
    reward: float
    components: dict[str, float] = {}
    numbers: dict[str, float] = {}
    input_tokens: int = 0
    output_tokens: int = 0
    model_seconds: list[float] = []
    seconds: float = 0.0
    turns: int = 0
    tool_calls: int = 0
    tool_errors: int = 0
    end_reason: str = ""
    finish_reason: str = ""
    prefix_breaks: int | None = None


class FailureError(msgspec.Struct, frozen=True, order=True):
    """What is of interest here of the exception in a failure's line."""

    message: str


class Failure(
    msgspec.Struct, kw_only=True, frozen=True, order=True,
    rename={
        "task": "_ng_task_index", "rollout": "_ng_rollout_index", "attempt": "_ng_attempt_index",
        "kind": "_ng_failure_class",
    },
):  # fmt: skip
    """One failed attempt; they are ordered as the attempts are.

    Attributes:
        task: Task index.
        rollout: Rollout index within the task.
        attempt: How many attempts of the rollout had failed before.
        kind: What failed, in one word.
        error: The exception.
    """

    task: int
    rollout: int
    attempt: int
    kind: str
    error: FailureError


class _Turn(msgspec.Struct):
    latency: float = 0.0
    tool_calls: int = 0
    tool_errors: int = 0
    finish_reason: str = ""


class _Own(msgspec.Struct):
    turns: list[_Turn] = []
    seconds: float = 0.0
    end_reason: str | None = None
    verification: list[str] = []
    prefix_breaks: list[msgspec.Raw] | None = None


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None


class _Response(msgspec.Struct):
    usage: _Usage | None = None


class _Record(msgspec.Struct, rename={"task": "_ng_task_index", "rollout": "_ng_rollout_index"}):
    task: int
    rollout: int
    reward: float
    response: _Response
    gym_llm: _Own
    reward_components: dict[str, float] | None = None


_records = msgspec.json.Decoder(_Record)
_failures = msgspec.json.Decoder(Failure)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def facts_of(record: Mapping[str, Any]) -> Facts:
    """Return the facts of a record as `episodes.py` makes it."""
    own, usage = record["gym_llm"], record["response"]["usage"] or {}
    turns = own["turns"]
    return Facts(
        task=record["_ng_task_index"],
        rollout=record["_ng_rollout_index"],
        reward=record["reward"],
        components=record.get("reward_components") or {},
        numbers=_numbers((name, record.get(name)) for name in own["verification"]),
        input_tokens=usage.get("input_tokens") or 0,
        output_tokens=usage.get("output_tokens") or 0,
        model_seconds=[turn["latency"] for turn in turns],
        seconds=own["seconds"],
        turns=len(turns),
        tool_calls=sum(turn["tool_calls"] for turn in turns),
        tool_errors=sum(turn["tool_errors"] for turn in turns),
        end_reason=own["end_reason"] or "",
        finish_reason=turns[-1]["finish_reason"] if turns else "",
        prefix_breaks=_count(own.get("prefix_breaks")),
    )


def facts_of_line(line: bytes) -> Facts:
    """Return the facts of a row of a file; the conversation in it is skipped, not built.

    Raises:
        msgspec.MsgspecError: If the row is no record of a collection.
    """
    record = _records.decode(line)
    own, usage, names = record.gym_llm, record.response.usage or _Usage(), record.gym_llm.verification
    return Facts(
        task=record.task,
        rollout=record.rollout,
        reward=record.reward,
        components=record.reward_components or {},
        numbers=_numbers(_named(line, names)) if names else {},
        input_tokens=usage.input_tokens or 0,
        output_tokens=usage.output_tokens or 0,
        model_seconds=[turn.latency for turn in own.turns],
        seconds=own.seconds,
        turns=len(own.turns),
        tool_calls=sum(turn.tool_calls for turn in own.turns),
        tool_errors=sum(turn.tool_errors for turn in own.turns),
        end_reason=own.end_reason or "",
        finish_reason=own.turns[-1].finish_reason if own.turns else "",
        prefix_breaks=_count(own.prefix_breaks),
    )


def failure_of_line(line: bytes) -> Failure:
    """Return what is counted of a failed attempt, from its line in a file.

    Raises:
        msgspec.MsgspecError: The line is none.
    """
    return _failures.decode(line)


def _count(found: list[Any] | None) -> int | None:
    return None if found is None else len(found)


def _named(line: bytes, names: Iterable[str]) -> Iterable[tuple[str, Any]]:
    fields = _fields.decode(line)
    return ((name, msgspec.json.decode(fields[name])) for name in names if name in fields)


def _numbers(fields: Iterable[tuple[str, Any]]) -> dict[str, float]:
    return {name: value for name, value in fields if isinstance(value, int | float) and math.isfinite(value)}
