"""Metrics of a collection: one update per episode, the same result for the same rows in any order.

Per rollout three numbers are kept (24 bytes); everything else is a running sum. `result` gives plain data for
`<stem>_metrics.json`; the table for the screen is in `report.py`, the statistics in `passes.py` and `sums.py`.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from gym_llm.rollouts import passes
from gym_llm.rollouts.facts import Facts, Failure
from gym_llm.rollouts.sums import ExactSum, Percentiles

_TOLERANCE = 1e-9
_MESSAGE_CHARS = 500


class Metrics:
    """Running metrics of one collection.

    Args:
        threshold: Least reward that counts as a pass; the environment's top reward.

    >>> metrics = Metrics(threshold=1.0)
    >>> metrics.add(Facts(task=0, rollout=0, reward=1.0))
    >>> metrics.add(Facts(task=1, rollout=0, reward=0.0))
    >>> metrics.result()["reward"]["mean"], metrics.running_mean
    (0.5, 0.5)
    """

    def __init__(self, threshold: float = 1.0) -> None:
        self.threshold = threshold
        self.episodes, self.tokens = 0, 0
        self._tasks, self._rollouts, self._rewards = array("q"), array("q"), array("d")
        self._running = 0.0
        self._sums: defaultdict[str, ExactSum] = defaultdict(ExactSum)
        self._components: defaultdict[str, ExactSum] = defaultdict(ExactSum)
        self._numbers: defaultdict[str, ExactSum] = defaultdict(ExactSum)
        self._latency, self._seconds = Percentiles(), Percentiles()
        self._ends: Counter[str] = Counter()
        self._finishes: Counter[str] = Counter()
        self._audit = {"episodes": 0, "with_breaks": 0, "breaks": 0}
        self._failures: Counter[str] = Counter()
        self._first: dict[str, Failure] = {}

    @property
    def running_mean(self) -> float | None:
        """Mean reward so far, for the progress bar; not rounded exactly."""
        return self._running / self.episodes if self.episodes else None

    @property
    def failures(self) -> int:
        """Failed attempts so far."""
        return self._failures.total()

    def add(self, facts: Facts) -> None:
        """Count one finished episode."""
        self.episodes += 1
        self._tasks.append(facts.task)
        self._rollouts.append(facts.rollout)
        self._rewards.append(facts.reward)
        self._running += facts.reward
        self.tokens += facts.input_tokens + facts.output_tokens
        sums = self._sums
        sums["input_tokens"].add(facts.input_tokens)
        sums["output_tokens"].add(facts.output_tokens)
        sums["turns"].add(facts.turns)
        sums["tool_calls"].add(facts.tool_calls)
        sums["tool_errors"].add(facts.tool_errors)
        for name, value in facts.components.items():
            self._components[name].add(value)
        for name, value in facts.numbers.items():
            self._numbers[name].add(value)
        for seconds in facts.model_seconds:
            self._latency.add(seconds)
        self._seconds.add(facts.seconds)
        self._ends[facts.end_reason] += 1
        if facts.finish_reason:
            self._finishes[facts.finish_reason] += 1
        if facts.prefix_breaks is not None:
            self._audit["episodes"] += 1
            self._audit["with_breaks"] += facts.prefix_breaks > 0
            self._audit["breaks"] += facts.prefix_breaks

    def add_failure(self, failure: Failure) -> None:
        """Count one failed attempt."""
        self._failures[failure.kind] += 1
        self._first[failure.kind] = min(failure, self._first.get(failure.kind, failure))

    def result(self, *, expected: int | None = None, given_up: int = 0, seed: int = 0) -> dict[str, Any]:
        """Return all metrics as plain JSON data; what nothing is known of is null.

        Args:
            expected: Rollouts that the whole collection has.
            given_up: Rollouts that failed in every attempt.
            seed: Of the bootstrap.
        """
        tasks, rewards = self._columns()
        starts = np.flatnonzero(np.diff(tasks, prepend=tasks[0] - 1)) if len(tasks) else np.array([], np.int64)
        most = int(np.max(np.diff(np.append(starts, len(tasks))), initial=0))
        passed = rewards >= self.threshold - _TOLERANCE
        levels = len(set(rewards[:100_000].tolist()))
        return {
            "episodes": {"done": self.episodes, "expected": expected, "tasks": len(starts), "given_up": given_up},
            "reward": _reward(rewards, starts),
            "pass_threshold": self.threshold,
            "pass_meaning": _meaning(self.threshold, levels),
            "pass_at_k": passes.summary(
                rewards, starts, self.threshold - _TOLERANCE, passes.ks_up_to(most), seed
            ) if len(tasks) else {},
            "reward_components": _means(self._components),
            "verification": _means(self._numbers),
            "tokens": self._token_figures(),
            "model_latency_seconds": _percentiles(self._latency),
            "episode_seconds": _percentiles(self._seconds),
            "turns": _figures(self._sums["turns"]),
            "tool_calls": _figures(self._sums["tool_calls"]),
            "tool_errors": _figures(self._sums["tool_errors"]),
            "end_reasons": dict(sorted(self._ends.items())),
            "finish_reasons": dict(sorted(self._finishes.items())),
            "prefix_audit": dict(self._audit) if self._audit["episodes"] else None,
            "failures": {
                "attempts": self.failures, "by_kind": dict(sorted(self._failures.items())),
                "first": {kind: first.error.message[:_MESSAGE_CHARS] for kind, first in sorted(self._first.items())},
            },
            "per_task": _per_task(tasks, rewards, passed, starts),
        }  # fmt: skip

    def _columns(self) -> tuple[passes.Ints, passes.Floats]:
        """Return tasks and rewards sorted by key."""
        tasks = np.array(self._tasks, dtype=np.int64)
        order = np.lexsort((np.array(self._rollouts, dtype=np.int64), tasks))
        return tasks[order], np.array(self._rewards, dtype=np.float64)[order]

    def _token_figures(self) -> dict[str, Any]:
        given, made = self._sums["input_tokens"], self._sums["output_tokens"]
        return {"input": _figures(given), "output": _figures(made), "total": self.tokens}


def _reward(rewards: passes.Floats, starts: passes.Ints) -> dict[str, Any]:
    if not len(rewards):
        return dict.fromkeys(("mean", "standard_error", "standard_deviation", "minimum", "maximum"))
    return {
        "mean": float(np.sum(rewards) / len(rewards)),
        "standard_error": passes.clustered_standard_error(rewards, starts),
        "standard_deviation": float(np.std(rewards, ddof=1)) if len(rewards) > 1 else None,
        "minimum": float(rewards.min()),
        "maximum": float(rewards.max()),
    }


def _meaning(threshold: float, levels: int) -> str:
    text = f"pass@k is the chance that at least one of k rollouts of a task has a reward of {threshold:g} or more"
    return text + ("; rewards are graded: best@k is the mean of the best of k" if levels > 2 else "")


def _figures(total: ExactSum) -> dict[str, Any]:
    if not total.count:
        return {"mean": None, "minimum": None, "maximum": None}
    return {"mean": total.mean, "minimum": total.minimum, "maximum": total.maximum}


def _means(sums: dict[str, ExactSum]) -> dict[str, Any]:
    return {name: _figures(total) | {"episodes": total.count} for name, total in sorted(sums.items())}


def _percentiles(durations: Percentiles) -> dict[str, Any]:
    found = {f"p{percent}": durations.percentile(percent) for percent in (50, 90, 99)}
    return {"count": durations.total.count, "mean": durations.total.mean, **found}


def _per_task(
    tasks: passes.Ints, rewards: passes.Floats, passed: np.ndarray[Any, Any], starts: passes.Ints
) -> list[dict[str, Any]]:
    if not len(tasks):
        return []
    counts = np.diff(np.append(starts, len(tasks))).tolist()
    columns = zip(
        tasks[starts].tolist(), counts, np.add.reduceat(rewards, starts).tolist(),
        np.minimum.reduceat(rewards, starts).tolist(), np.maximum.reduceat(rewards, starts).tolist(),
        np.add.reduceat(passed.astype(np.int64), starts).tolist(), strict=True,
    )  # fmt: skip
    return [
        {"task_index": task, "episodes": n, "mean_reward": total / n, "minimum": low, "maximum": high, "passes": c}
        for task, n, total, low, high, c in columns
    ]


def write_metrics(path: Path, result: dict[str, Any]) -> None:
    """Write metrics as indented JSON with one line per task, all or nothing."""
    plain = dict(result)
    table = plain.pop("per_task", [])
    head = msgspec.json.format(msgspec.json.encode(plain), indent=2).rstrip().removesuffix(b"}").rstrip()
    lines = b",\n    ".join(map(msgspec.json.encode, table))
    body = head + b',\n  "per_task": [' + (b"\n    " + lines + b"\n  " if table else b"") + b"]\n}\n"
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(body)
    temporary.replace(path)
