"""Collection over chat: how answers ended and what the prefix audit found, in the metrics, after resuming too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from adding import row, write_rows

from gym_llm.mock_model import MockModel
from gym_llm.rollouts import Collection, collect
from gym_llm.rollouts.facts import Facts, facts_of_line
from gym_llm.rollouts.metrics import Metrics
from gym_llm.rollouts.report import report


def run(out: Path, base_url: str, tasks: int, **settings: Any) -> Collection:
    dataset = write_rows(out.with_name("in.jsonl"), [row(1) for _ in range(tasks)])
    policy = {"type": "chat", "model": "mock", "base_url": base_url, **settings}
    return collect("adding/Adding-v0", policy, input=dataset, output=out, progress=False)


def test_token_data_is_audited(tmp_path: Path) -> None:
    with MockModel(text="2") as server:
        done = run(tmp_path / "out.jsonl", server.base_url, 5, return_token_ids=True)
    assert done.metrics["prefix_audit"] == {"episodes": 5, "with_breaks": 0, "breaks": 0}
    record = json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])
    assert record["gym_llm"]["prefix_breaks"] == []
    assert record["response"]["output"][-1]["generation_token_ids"]
    assert record["gym_llm"]["policy"]["return_token_ids"] is True


def test_endings_are_kept_apart(tmp_path: Path) -> None:
    faults = ["context_overflow:every=5", "incomplete:every=7"]
    with MockModel(text="2 ", faults=faults) as server:
        done = run(tmp_path / "out.jsonl", server.base_url, 20)
    assert done.metrics["finish_reasons"] == {"context_overflow": 4, "length": 2, "stop": 14}
    assert done.metrics["end_reasons"] == {"incomplete": 6, "verified": 14}
    assert done.metrics["prefix_audit"] is None
    assert done.failures == 0
    facts = [facts_of_line(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
    assert sum(fact.finish_reason == "context_overflow" for fact in facts) == 4


def test_breaks_are_counted_and_reported() -> None:
    metrics = Metrics()
    for rollout, breaks in enumerate([0, 2, None, 1]):
        metrics.add(Facts(task=0, rollout=rollout, reward=0.0, finish_reason="length", prefix_breaks=breaks))
    result = metrics.result()
    assert result["prefix_audit"] == {"episodes": 3, "with_breaks": 2, "breaks": 3}
    text = report(result)
    assert "3 breaks in 2 of 3 episodes" in text
    assert "last answer ended by" in text
