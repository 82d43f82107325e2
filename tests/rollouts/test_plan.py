"""The plan and the seeds: all jobs in order, each until it is done or given up."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gym_llm.errors import OutputError
from gym_llm.rollouts.plan import Job, Plan, Seeds
from gym_llm.rollouts.progress import Progress
from gym_llm.rollouts.run_file import read_settings, refuse_changes, write_settings


def drain(plan: Plan) -> list[Job]:
    return list(iter(plan.next, None))


def test_repeats_of_a_task_come_together() -> None:
    assert [(job.task, job.rollout) for job in drain(Plan(2, 3))] == [(t, r) for t in range(2) for r in range(3)]


@given(st.integers(1, 9), st.integers(1, 4), st.data())
def test_what_is_done_is_not_handed_out(num_tasks: int, num_repeats: int, data: st.DataObject) -> None:
    plan = Plan(num_tasks, num_repeats)
    every = [(task, rollout) for task in range(num_tasks) for rollout in range(num_repeats)]
    done = data.draw(st.sets(st.sampled_from(every)))
    assert all(plan.finish(*key) for key in done)
    assert not any(plan.finish(*key) for key in done)
    assert [(job.task, job.rollout) for job in drain(plan)] == [key for key in every if key not in done]
    assert plan.missing == len(every) - len(done)


@pytest.mark.parametrize("key", [(-1, 0), (2, 0), (0, -1), (0, 2)])
def test_rollouts_outside_the_plan_are_refused(key: tuple[int, int]) -> None:
    assert not Plan(2, 2).finish(*key)


def test_failed_jobs_come_last_until_their_attempts_are_spent() -> None:
    plan, seen = Plan(3, max_attempts=2), list[Job]()
    while (job := plan.next()) is not None:
        seen.append(job)
        plan.fail(job.task, job.rollout) if job.task == 0 else plan.finish(job.task, job.rollout)
    assert seen == [Job(0, 0, 0), Job(1, 0, 0), Job(2, 0, 0), Job(0, 0, 1)]
    assert (plan.finished, plan.given_up, plan.missing) == (2, 1, 0)


def test_earlier_failures_count() -> None:
    plan = Plan(3, max_attempts=2)
    for task in (0, 1, 1):
        plan.count_failure(task, 0)
    plan.finish(2, 0)
    plan.count_given_up()
    assert plan.given_up == 1
    assert drain(plan) == [Job(0, 0, 1)]


def test_a_million_jobs_cost_a_byte_each() -> None:
    tracemalloc.start()
    plan = Plan(1_000_000)
    for _ in range(1000):
        plan.next()
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert used < 1_200_000


def test_seeds_are_distinct_and_fit_31_bits() -> None:
    seeds = Seeds(42)
    made = [seeds.sampling(Job(task, rollout, 0)) for task in range(50) for rollout in range(20)]
    assert len(set(made)) == 1000
    assert all(0 <= seed < 2**31 for seed in made)
    assert seeds.sampling(Job(0, 0, 0)) != seeds.sampling(Job(0, 0, 1)) != seeds.environment(0)
    assert [seeds.environment(0), seeds.environment(1), seeds.environment(0)] == [
        Seeds(42).environment(task) for task in (0, 1, 0)
    ]


SETTINGS: dict[str, Any] = {
    "version": "1", "env": {"id": "a", "kwargs": {}}, "input": {"source": "x", "sha256": "1", "tasks": 2},
    "policy": {"type": "openai", "model": "m", "base_url": "u", "timeout": 1}, "sampling": {}, "limit": 3,
    "num_repeats": 2, "seed": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [{"limit": 4}, {"limit": None}, {"num_repeats": 3}, {"input": {"source": "y", "sha256": "1", "tasks": 2}},
     {"policy": {"type": "openai", "model": "m", "base_url": "v", "timeout": 9}}],
)  # fmt: skip
def test_settings_that_may_change(change: dict[str, Any]) -> None:
    refuse_changes(Path("x"), SETTINGS, SETTINGS | change)


@pytest.mark.parametrize(
    ("change", "told"),
    [({"limit": 2}, "limit: 3 -> 2"), ({"policy": {"type": "openai", "model": "n"}}, r"policy\.model: 'm' -> 'n'"),
     ({"version": "2"}, "version"),
     ({"env": {"id": "a", "kwargs": {"k": 1}}}, r"env\.kwargs\.k: '\(not set\)' -> 1")],
)  # fmt: skip
def test_settings_that_may_not(change: dict[str, Any], told: str) -> None:
    with pytest.raises(OutputError, match=told):
        refuse_changes(Path("x"), SETTINGS, SETTINGS | change)


def test_settings_survive_their_file(tmp_path: Path) -> None:
    write_settings(tmp_path / "run.json", SETTINGS)
    assert read_settings(tmp_path / "run.json") == SETTINGS
    assert read_settings(tmp_path / "none.json") is None
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(OutputError, match="overwrite=True"):
        read_settings(tmp_path / "run.json")


def test_progress_away_from_a_terminal_is_a_line_each_tenth() -> None:
    stream = io.StringIO()
    progress = Progress(100, stream=stream)
    for done in range(1, 101):
        progress.update(done, 0.5, 1, 1234)
    progress.close()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[-1].startswith("100/100 episodes")
    assert "1,234 tokens" in lines[-1]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal_is_a_bar() -> None:
    stream = Terminal()
    progress = Progress(10, 4, stream=stream)
    progress.update(5, None, 0, 0)
    progress.say("a line")
    progress.update(10, 1.0, 2, 30)
    progress.close()
    assert "10/10" in stream.getvalue()
    assert "reward 1, 2 failed, 30 tokens" in stream.getvalue()


def test_progress_can_be_silent() -> None:
    stream = Terminal()
    progress = Progress(10, enabled=False, stream=stream)
    progress.update(10, 1.0, 0, 0)
    progress.say("x")
    progress.close()
    assert stream.getvalue() == ""
