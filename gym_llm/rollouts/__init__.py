"""Collecting trajectories: tasks and repeats of a dataset, played by a policy, into a crash-safe JSONL file."""

from __future__ import annotations

from gym_llm.rollouts.collect import Collection, CollectionInterrupted, acollect, collect
from gym_llm.rollouts.metrics import Metrics
from gym_llm.rollouts.report import report

__all__ = [
    "Collection", "CollectionInterrupted", "Metrics", "acollect", "collect", "report",
]  # fmt: skip
