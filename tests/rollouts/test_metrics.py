"""Metrics: right figures, the same in any order, and nothing breaks when there is nothing."""

from __future__ import annotations

import itertools
import json
import math
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gym_llm.rollouts import passes
from gym_llm.rollouts.facts import Facts, Failure, FailureError
from gym_llm.rollouts.metrics import Metrics, write_metrics
from gym_llm.rollouts.report import report
from gym_llm.rollouts.sums import ExactSum, Percentiles

FINITE = st.floats(-1e9, 1e9)


def metrics_of(rewards: dict[int, list[float]], threshold: float = 1.0) -> Metrics:
    metrics = Metrics(threshold)
    for task, values in rewards.items():
        for rollout, reward in enumerate(values):
            metrics.add(Facts(task=task, rollout=rollout, reward=reward, end_reason="verified"))
    return metrics


def random_facts(rng: random.Random, task: int, rollout: int) -> Facts:
    return Facts(
        task=task, rollout=rollout, reward=rng.choice([0.0, 0.1, 0.7, 1.0]), seconds=rng.random() * 9,
        components={"format": rng.random()}, numbers={"distance": rng.gauss(0, 1), "found": rng.random() < 0.5},
        input_tokens=rng.randrange(999), output_tokens=rng.randrange(99), turns=rng.randrange(1, 5),
        model_seconds=[rng.expovariate(1) for _ in range(3)], end_reason=rng.choice(["verified", "max_turns"]),
    )  # fmt: skip


def test_the_order_of_rows_has_no_influence() -> None:
    rng = random.Random(0)
    facts = [random_facts(rng, task, rollout) for task in range(12) for rollout in range(4)]
    results = []
    for _ in range(5):
        rng.shuffle(facts)
        metrics = Metrics(1.0)
        for each in facts:
            metrics.add(each)
        results.append(json.dumps(metrics.result(expected=48)))
    assert len(set(results)) == 1


@given(st.lists(FINITE, min_size=1, max_size=40), st.randoms())
def test_exact_sums_are_rounded_once(values: list[float], rng: random.Random) -> None:
    def mean(of: list[float]) -> float | None:
        total = ExactSum()
        for value in of:
            total.add(value)
        return total.mean

    shuffled = rng.sample(values, len(values))
    assert mean(values) == mean(shuffled)
    assert mean(values) == pytest.approx(math.fsum(values) / len(values), rel=1e-15, abs=1e-300)


@given(st.lists(st.floats(1e-6, 1e5), min_size=1, max_size=200), st.sampled_from([50, 90, 99, 100]))
def test_percentiles_are_within_one_percent(values: list[float], percent: int) -> None:
    durations = Percentiles()
    for value in values:
        durations.add(value)
    nearest = sorted(values)[math.ceil(percent / 100 * len(values)) - 1]
    assert durations.percentile(percent) == pytest.approx(nearest, rel=0.0101)


def test_durations_of_zero_are_counted() -> None:
    durations = Percentiles()
    durations.add(0.0)
    assert durations.percentile(50) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize(("n", "k"), [(n, k) for n in range(1, 7) for k in range(1, n + 1)])
def test_pass_at_k_counts_all_subsets(n: int, k: int) -> None:
    for c in range(n + 1):
        subsets = list(itertools.combinations([1] * c + [0] * (n - c), k))
        brute = sum(any(subset) for subset in subsets) / len(subsets)
        assert passes.pass_at_k(np.array([n]), np.array([c]), k)[0] == pytest.approx(brute)
        values = np.array([1.0] * c + [0.25] * (n - c))
        best = sum(max(subset) for subset in itertools.combinations(values, k)) / len(subsets)
        assert passes.best_at_k(values, k) == pytest.approx(best)


def test_pass_at_k_of_many_rollouts_does_not_overflow() -> None:
    assert passes.pass_at_k(np.array([5000]), np.array([1]), 2500)[0] == pytest.approx(0.5)


def test_known_figures() -> None:
    result = metrics_of({0: [1.0, 0.0], 1: [1.0, 1.0], 2: [0.0, 0.0]}).result(expected=8)
    assert result["episodes"] == {"done": 6, "expected": 8, "tasks": 3, "given_up": 0}
    assert result["reward"]["mean"] == 0.5
    assert result["reward"]["standard_error"] == pytest.approx(math.sqrt(3 / 2 * 2) / 6)
    assert result["pass_at_k"]["pass@1"]["value"] == 0.5
    assert result["pass_at_k"]["pass@2"]["value"] == pytest.approx(2 / 3)
    assert "best@2" not in result["pass_at_k"]
    assert [row["passes"] for row in result["per_task"]] == [1, 2, 0]
    assert result["end_reasons"] == {"verified": 6}


def test_without_repeats_the_standard_error_is_the_usual_one() -> None:
    rewards = [0.0, 0.5, 1.0, 1.0]
    result = metrics_of({task: [reward] for task, reward in enumerate(rewards)}).result()
    assert result["reward"]["standard_error"] == pytest.approx(np.std(rewards, ddof=1) / 2)


def test_tasks_with_too_few_rollouts_are_left_out_and_counted() -> None:
    found = metrics_of({0: [1.0], 1: [0.0, 1.0, 0.0]}).result()["pass_at_k"]
    assert {name: entry["tasks"] for name, entry in found.items()} == {"pass@1": 2, "pass@2": 1, "pass@3": 1}


def test_graded_rewards_say_what_a_pass_is_and_give_the_best_of_k() -> None:
    result = metrics_of({0: [0.2, 0.9, 1.0, 0.4]}, threshold=0.9).result()
    assert result["pass_at_k"]["pass@1"]["value"] == 0.5
    assert result["pass_at_k"]["best@4"]["value"] == 1.0
    assert "0.9" in result["pass_meaning"]
    assert "best of k" in result["pass_meaning"]


@pytest.mark.parametrize("reward", [0.0, 1.0])
def test_intervals_do_not_collapse_when_all_tasks_agree(reward: float) -> None:
    entry = metrics_of({task: [reward] for task in range(20)}).result()["pass_at_k"]["pass@1"]
    low, high = entry["interval"]
    assert entry["interval_method"] == "wilson"
    assert low <= reward <= high
    assert high - low > 0.1


def test_intervals_of_few_and_of_many_tasks_agree() -> None:
    values = np.random.default_rng(0).random(10_000)
    (low, high), method = passes.interval(values)
    half = 1.96 * values.std() / 100
    assert method == "bootstrap"
    assert high - low == pytest.approx(2 * half, rel=0.1)
    assert passes.interval(np.tile(values, 2))[1] == "normal"


def test_nothing_gives_nulls_and_no_warning() -> None:
    result = Metrics().result(expected=0)
    assert result["reward"]["mean"] is None
    assert result["pass_at_k"] == {}
    assert result["per_task"] == []
    assert "NaN" not in json.dumps(result, allow_nan=False)
    assert report(result).startswith("episodes")


def test_one_episode_is_enough() -> None:
    result = metrics_of({3: [0.5]}).result()
    assert result["reward"]["standard_error"] is None
    json.dumps(result, allow_nan=False)


def failure(kind: str, task: int) -> Failure:
    return Failure(task=task, rollout=0, attempt=0, kind=kind, error=FailureError(f"of task {task}"))


def test_failures_are_counted_by_kind() -> None:
    metrics = Metrics()
    for kind, task in (("model:timeout", 3), ("verifier", 2), ("verifier", 1), ("verifier", 4)):
        metrics.add_failure(failure(kind, task))
    assert metrics.result()["failures"] == {
        "attempts": 4, "by_kind": {"model:timeout": 1, "verifier": 3},
        "first": {"model:timeout": "of task 3", "verifier": "of task 1"},
    }  # fmt: skip


def test_the_file_holds_the_result(tmp_path: Path) -> None:
    result = metrics_of({0: [1.0, 0.0], 1: [1.0, 1.0]}).result()
    write_metrics(tmp_path / "x_metrics.json", result)
    assert json.loads((tmp_path / "x_metrics.json").read_text()) == result
    write_metrics(tmp_path / "x_metrics.json", Metrics().result())
    assert json.loads((tmp_path / "x_metrics.json").read_text())["per_task"] == []


def test_the_report_is_aligned_and_cannot_drive_a_terminal() -> None:
    metrics = metrics_of({0: [1.0, 0.0], 1: [1.0, 1.0]})
    metrics.add(
        Facts(
            task=2, rollout=0, reward=0.0, input_tokens=12_000, output_tokens=30, model_seconds=[0.5], turns=2,
            tool_calls=1, numbers={"\x1b[31m": 1.0}, components={"format": 0.5}, end_reason="max_turns",
        )
    )  # fmt: skip
    metrics.add_failure(failure("verifier", 5))
    text = report(metrics.result(expected=6, given_up=1))
    assert "\x1b" not in text
    assert "\\x1b" in text
    assert "5 of 6 (3 tasks), 1 given up" in text
    assert "12,030" in text
    assert "pass@2" in text
    assert len({len(line) - len(line.split("  ", 1)[1].lstrip()) for line in text.splitlines()}) == 1
