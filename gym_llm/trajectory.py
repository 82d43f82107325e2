"""Trajectories: what one episode was, and its record as one JSON line.

The record is a superset of NeMo Gym's rollout record: the same keys with the same meaning, the row's own fields,
and one object `gym_llm` with everything else. How records are written safely is in `journal.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gym_llm.items import Item
from gym_llm.tasks import Row
from gym_llm.tokens import prefix_breaks

Usage = Mapping[str, Any]
_OWN_KEYS = frozenset({"responses_create_params", "response", "reward", "terminated", "truncated", "gym_llm"})


@dataclass(slots=True)
class Turn:
    """One step of an episode.

    Attributes:
        action: The items of the action that joined the conversation; the last one carries the token ids, if any.
        answers: The items that the environment added.
        reward: The step's reward.
        response: The model's response without its output: id, model, status, usage, ... (empty for bare items).
        latency: Seconds that the policy took.
        tool_calls: Number of tool calls.
        tool_errors: Number of tool calls that failed.
        failed_attempts: Requests that failed before the one that counted: `status`, `kind`, `seconds` each.
        policy_version: The version of the weights that answered, if the server named it.
        endpoint: Which of several endpoints answered; None when there is one only.
    """

    action: list[Item]
    answers: list[Item]
    reward: float
    response: dict[str, Any]
    latency: float
    tool_calls: int = 0
    tool_errors: int = 0
    failed_attempts: list[dict[str, Any]] = field(default_factory=list)
    policy_version: int | str | None = None
    endpoint: str | None = None

    @property
    def finish_reason(self) -> str:
        """How the model's answer ended; that the environment cut the episode is in its `end_reason`.

        `stop`; `length` (the limit of generated tokens); `context_overflow` (the conversation did not fit, nothing
        was generated); `content_filter`; or the server's own word for an incomplete response.
        """
        reason = (self.response.get("incomplete_details") or {}).get("reason")
        if reason is None:
            status = self.response.get("status", "completed")
            return "stop" if status == "completed" else str(status)
        return "length" if reason == "max_output_tokens" else str(reason)


@dataclass(slots=True)
class Trajectory:
    """One episode, from the task to the verification.

    Attributes:
        env: `id` and `kwargs` of the environment.
        policy: The policy's specification, without secrets.
        row: The dataset row.
        create_params: The create call but its input, as the policy was given it.
        prompt: The first observation.
        turns: The steps.
        terminated: Whether the environment ended the episode.
        truncated: Whether a budget, a cut-off response or a failure ended it.
        end_reason: Why it ended; see `gym_llm.core`.
        verification: The verifier's answer, None when the episode failed.
        error: What failed (`type`, `message`, `kind`, `where`), or None.
        task_index: Index of the task in its dataset; None for a row given by hand.
        rollout_index: Which repeat of the task this is.
        attempt: How many attempts failed before.
        seed: Seed of the environment.
        sampling_seed: Seed of the policy.
        started_at: Unix time of the reset.
        seconds: Duration.
        version: Version of this package.
    """

    env: dict[str, Any]
    policy: dict[str, Any]
    row: Row
    create_params: dict[str, Any]
    prompt: list[Item]
    turns: list[Turn] = field(default_factory=list)
    terminated: bool = False
    truncated: bool = False
    end_reason: str | None = None
    verification: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    task_index: int | None = None
    rollout_index: int = 0
    attempt: int = 0
    seed: int | None = None
    sampling_seed: int | None = None
    started_at: float = 0.0
    seconds: float = 0.0
    version: str = ""

    @property
    def reward(self) -> float:
        """Sum of the steps' rewards; NaN when the episode failed."""
        return sum(turn.reward for turn in self.turns)

    @property
    def output(self) -> list[Item]:
        """All items after the first observation, in order."""
        return [item for turn in self.turns for item in (*turn.action, *turn.answers)]

    @property
    def usage(self) -> dict[str, Any] | None:
        """Token usage summed over the model calls; None when none reported it."""
        reported = [turn.response["usage"] for turn in self.turns if turn.response.get("usage")]
        return _summed(reported) if reported else None

    def record(self) -> dict[str, Any]:
        """Return the trajectory as one JSON object.

        Raises:
            ValueError: When the episode failed: a failure has no reward, so it is no rollout record.
        """
        if self.verification is None:
            raise ValueError(f"the episode has no reward: {self.error or 'it is not over'}")
        verified = dict(self.verification)
        named = verified.pop("rewards", None)
        record = {key: value for key, value in self.row.items() if key not in _OWN_KEYS}
        record |= {
            "responses_create_params": self._echo(),
            "response": self._response(),
            "reward": self.reward,
            "terminated": self.terminated,
            "truncated": self.truncated,
        }
        verified.pop("reward", None)
        record |= {key: value for key, value in verified.items() if key not in _OWN_KEYS}
        if named:
            record["reward_components"] = named
        return record | self._keys() | {"gym_llm": self._own()}

    def failure(self) -> dict[str, Any]:
        """Return the failed episode as one JSON object: where it stands, the error, and what there is of it."""
        missing = {"type": "Unverified", "message": f"not verified: {self.end_reason}", "kind": "end", "where": ""}
        error = self.error or missing
        return {
            **self._keys(),
            "_ng_attempt_index": self.attempt,
            "_ng_failure_class": f"{error['kind']}_failed",
            "error": error,
            "gym_llm": {**self._own(), "turns": len(self.turns), "output": self.output},
        }

    def _keys(self) -> dict[str, Any]:
        index = {} if self.task_index is None else {"_ng_task_index": self.task_index}
        return {**index, "_ng_rollout_index": self.rollout_index}

    def _echo(self) -> dict[str, Any]:
        given = self.row.get("responses_create_params")
        prompt = given.get("input") if isinstance(given, dict) else self.prompt
        return {"input": prompt, **self.create_params}

    def _response(self) -> dict[str, Any]:
        last = self.turns[-1].response if self.turns else {}
        return {
            "id": "resp_0", "object": "response", "created_at": self.started_at, "model": "", "status": "completed",
            "error": None, "incomplete_details": None, "parallel_tool_calls": True, "tool_choice": "auto",
            "tools": self.create_params.get("tools", []),
            **last,
            "output": self.output,
            "usage": self.usage,
        }  # fmt: skip

    def _own(self) -> dict[str, Any]:
        breaks = prefix_breaks(turn.action for turn in self.turns)
        own = {
            "version": self.version, "env": self.env, "policy": self.policy, "seed": self.seed,
            "sampling_seed": self.sampling_seed, "attempt": self.attempt, "end_reason": self.end_reason,
            "started_at": self.started_at, "seconds": self.seconds, "turns": self._turn_records(),
        }  # fmt: skip
        return own if breaks is None else own | {"prefix_breaks": breaks}

    def _turn_records(self) -> list[dict[str, Any]]:
        """Each turn; its action is `response.output[start:split]`, the answers `[split:stop]`."""
        records, start = [], 0
        for turn in self.turns:
            split = start + len(turn.action)
            stop = split + len(turn.answers)
            record = {
                "items": [start, split, stop], "reward": turn.reward, "latency": turn.latency,
                "finish_reason": turn.finish_reason, "tool_calls": turn.tool_calls, "tool_errors": turn.tool_errors,
                "usage": turn.response.get("usage"), "response_id": turn.response.get("id"),
            }  # fmt: skip
            if turn.failed_attempts:
                record["failed_attempts"] = turn.failed_attempts
            if turn.policy_version is not None:
                record["policy_version"] = turn.policy_version
            if turn.endpoint is not None:
                record["endpoint"] = turn.endpoint
            records.append(record)
            start = stop
        return records


def _summed(reported: list[Usage]) -> dict[str, Any]:
    """Add usages up; a detail that any call leaves out is null, as NeMo Gym's is."""
    total: dict[str, Any] = {}
    for key in ("input_tokens", "output_tokens", "total_tokens"):
        total[key] = _sum_of(key, reported)
    for group in ("input_tokens_details", "output_tokens_details"):
        parts = [part for usage in reported if isinstance(part := usage.get(group), dict)]
        names = sorted(set().union(*parts)) if len(parts) == len(reported) else ()
        total[group] = {name: _sum_of(name, parts) for name in names} or None
    return total


def _sum_of(key: str, usages: list[Any]) -> int:
    found = 0
    for usage in usages:
        found += int(usage.get(key) or 0)
    return found
