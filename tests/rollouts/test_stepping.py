"""A policy that lives in this process, around environments that live in workers."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from adding import Adding, answer, row
from processes import children
from test_workers import records, run

from gym_llm import core
from gym_llm.errors import ModelError
from gym_llm.items import function_call
from gym_llm.journal import read_keys, read_rows
from gym_llm.rollouts import collect, luggage


class Here:
    """A policy that no other process can have: it counts, calls the tool first, and notes what it is shown."""

    def __init__(self) -> None:
        self.seen: list[list[dict[str, Any]]] = []
        self.pids: set[int] = set()

    async def __call__(self, observation: list[dict[str, Any]], info: dict[str, Any]) -> list[dict[str, Any]]:
        self.seen.append(list(observation))
        self.pids.add(os.getpid())
        await asyncio.sleep(0.002)
        if len(observation) == 1:
            words = observation[0]["content"].strip("?").split()
            return [function_call("add", {"a": int(words[2]), "b": int(words[4])}, f"call_{words[2]}")]
        return answer(observation)


@pytest.mark.parametrize("sampling", [{}, {"temperature": 0.5}])
def test_rows_are_those_of_one_process(tmp_path: Path, sampling: dict[str, Any]) -> None:
    rows, policy = [row(a) for a in range(20)], Here()
    here = run(tmp_path, rows, policy, name="here", num_repeats=2, num_workers=0, sampling=sampling)
    there = run(tmp_path, rows, policy, name="there", num_repeats=2, concurrency=8, sampling=sampling)
    assert records(there.path) == records(here.path)
    assert there.metrics["reward"] == here.metrics["reward"]
    assert there.metrics["tool_calls"] == here.metrics["tool_calls"]
    assert there.episodes == 40
    assert policy.pids == {os.getpid()}
    assert not children(os.getpid())


def test_it_is_played_through_the_vector_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("an environment was stepped in this process")

    monkeypatch.setattr(core.ResponsesEnv, "step", refuse)
    done = run(tmp_path, [row(a) for a in range(4)], Here())
    assert done.metrics["reward"]["mean"] == 1.0


def test_failures_are_those_of_one_process(tmp_path: Path) -> None:
    async def policy(observation: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if "What is 4 " in observation[0]["content"]:
            raise ModelError("503: overloaded", kind="server", status=503)
        if "What is 5 " in observation[0]["content"]:
            raise LookupError("no idea")
        return answer(observation)

    rows = [row(0), row(1, trouble="crash"), row(2, trouble="verify"), row(3, trouble="exit"), row(4), row(5)]
    told = {}
    for workers in (0, 2):
        done = run(tmp_path, rows, policy, name=str(workers), num_workers=workers, max_attempts=2)
        told[workers] = sorted(
            (
                each["_ng_task_index"], each["_ng_attempt_index"], each["_ng_failure_class"],
                each["error"]["type"], each["error"]["message"],
            )
            for each in read_rows(done.failures_path)
        )  # fmt: skip
        assert (done.episodes, done.failures, done.missing) == (1, 5, 0)
    assert told[0] == told[2]
    assert len(told[0]) == 10


@pytest.mark.parametrize(
    ("trouble", "kind"), [("segfault", "worker_died"), ("leave", "worker_died"), ("hang", "worker_timeout")]
)
def test_only_the_culprit_fails(tmp_path: Path, trouble: str, kind: str) -> None:
    calm = run(tmp_path, [row(a) for a in range(30)], Here(), name="calm", num_workers=0)
    policy = Here()
    rows = [row(a, trouble=trouble if a == 7 else "") for a in range(30)]
    done = run(tmp_path, rows, policy, concurrency=16, max_attempts=1, episode_timeout=2.0)
    got, wanted = records(done.path), records(calm.path)
    assert {key: got[key]["response"] for key in got} == {key: wanted[key]["response"] for key in wanted if key[0] != 7}
    assert [each["_ng_failure_class"] for each in read_rows(done.failures_path)] == [kind]
    assert len(policy.seen) == 29 * 2, "a sibling's policy was asked again"


def test_a_policy_that_never_answers_fails(tmp_path: Path) -> None:
    async def policy(observation: list[dict[str, Any]]) -> list[dict[str, Any]]:
        await asyncio.sleep(3600 if "What is 3 " in observation[0]["content"] else 0)
        return answer(observation)

    done = run(tmp_path, [row(a) for a in range(6)], policy, max_attempts=1, episode_timeout=3.0)
    assert (done.episodes, done.failures) == (5, 1)
    assert [each["error"]["type"] for each in read_rows(done.failures_path)] == ["TimeoutError"]


def test_a_fatal_error_ends_it(tmp_path: Path) -> None:
    async def policy(observation: list[dict[str, Any]]) -> list[dict[str, Any]]:
        raise ModelError("401: wrong key", kind="auth", status=401, fatal=True)

    with pytest.raises(ModelError, match="wrong key"):
        run(tmp_path, [row(a) for a in range(20)], policy)
    assert not children(os.getpid())


def test_many_tasks_of_a_function_use_the_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(luggage, "WORTH_JOBS_ANEW", 10)
    monkeypatch.setattr(luggage, "cores", lambda: 2)
    workers: set[int] = set()

    async def policy(observation: list[dict[str, Any]]) -> list[dict[str, Any]]:
        workers.update(children(os.getpid()))
        return answer(observation)

    done = run(tmp_path, [row(a) for a in range(12)], policy, num_workers=None)
    assert done.episodes == 12
    assert len(workers) == 2


def test_an_environment_that_cannot_travel_stays(tmp_path: Path) -> None:
    made_here = os.getpid()

    def make() -> Adding:
        if os.getpid() != made_here:
            raise RuntimeError("only there")
        return Adding(dataset=[row(1)])

    with pytest.warns(UserWarning, match="RuntimeError"):
        done = collect(make, Here(), output=tmp_path / "o.jsonl", progress=False, num_workers=2)
    assert done.episodes == 1


def test_killed_at_random_siblings_notice_nothing(tmp_path: Path) -> None:
    killed: list[int] = []

    class Killing(Here):
        async def __call__(self, observation: list[dict[str, Any]], info: dict[str, Any]) -> list[dict[str, Any]]:
            if len(self.seen) % 40 == 39 and len(killed) < 8:
                found = children(os.getpid())
                if found:
                    os.kill(found[len(self.seen) % len(found)], signal.SIGKILL)
                    killed.append(1)
            return await super().__call__(observation, info)

    calm = run(tmp_path, [row(a) for a in range(200)], Here(), name="calm", num_workers=0)
    done = run(tmp_path, [row(a) for a in range(200)], Killing(), concurrency=16, max_attempts=20)
    assert sorted(read_keys(done.path)) == [(a, 0) for a in range(200)]
    got, wanted = records(done.path), records(calm.path)
    assert {key: got[key]["response"] for key in got} == {key: wanted[key]["response"] for key in wanted}
    assert {each["reward"] for each in got.values()} == {1.0}
    assert len(killed) == 8
