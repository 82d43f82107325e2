"""Collection in worker processes: as in one process, and a death costs the episode that did it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from adding import Adding, answer, revoked, row, slow_adding, slow_answer, write_rows
from processes import children

from gym_llm.errors import ModelError, WorkerError
from gym_llm.journal import read_keys, read_rows
from gym_llm.journal.rows import scan
from gym_llm.mock_model import MockModel
from gym_llm.policies import OpenAIPolicy, Policy
from gym_llm.rollouts import Collection, collect, crew

ENV = "adding/Adding-v0"
CANARY = "SECRET_canary/0+1234567890"
TIMINGS = {"started_at", "seconds", "latency", "created_at"}


def run(tmp_path: Path, rows: list[dict[str, Any]], policy: Any = answer, **settings: Any) -> Collection:
    name = settings.pop("name", "out")
    dataset = write_rows(tmp_path / "in.jsonl", rows)
    settings = {"output": tmp_path / f"{name}.jsonl", "input": dataset, "progress": False, "num_workers": 2} | settings
    return collect(settings.pop("env", ENV), policy, **settings)


def timeless(value: Any) -> Any:
    """A record without what differs from run to run."""
    if isinstance(value, dict):
        return {key: timeless(inner) for key, inner in value.items() if key not in TIMINGS}
    return [timeless(inner) for inner in value] if isinstance(value, list) else value


def records(path: Path) -> dict[tuple[int, int], Any]:
    return {(each["_ng_task_index"], each["_ng_rollout_index"]): timeless(each) for each in read_rows(path)}


def gone(pids: list[int]) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.02)
    return False


def test_rows_are_those_of_one_process(tmp_path: Path) -> None:
    rows = [row(a) for a in range(30)]
    here = run(tmp_path, rows, "scripted", name="here", num_repeats=3, num_workers=0)
    there = run(tmp_path, rows, "scripted", name="there", num_repeats=3, concurrency=8)
    assert records(there.path) == records(here.path)
    assert there.metrics["reward"] == here.metrics["reward"]
    assert there.episodes == 90
    assert not children(os.getpid())


def test_a_second_attempt_may_succeed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADDING_MARKS", str(tmp_path))
    done = run(tmp_path, [row(a, trouble="once") for a in range(5)])
    assert (done.episodes, done.failures) == (5, 0)
    assert {record["gym_llm"]["attempt"] for record in done} == {1}
    assert len(list(read_rows(done.failures_path))) == 5


def test_failures_are_those_of_one_process(tmp_path: Path) -> None:
    rows = [row(0), row(1, trouble="crash"), row(2, trouble="verify"), row(3, trouble="exit")]
    told = {}
    for workers in (0, 2):
        done = run(tmp_path, rows, name=str(workers), num_workers=workers, max_attempts=2)
        told[workers] = sorted(
            (each["_ng_task_index"], each["_ng_attempt_index"], each["_ng_failure_class"], each["error"]["message"])
            for each in read_rows(done.failures_path)
        )
        assert (done.episodes, done.failures, done.missing) == (1, 3, 0)
    assert told[0] == told[2]
    assert len(told[0]) == 6


def test_a_part_is_continued_by_the_other_mode(tmp_path: Path) -> None:
    rows = [row(a) for a in range(40)]
    run(tmp_path, rows, limit=10)
    run(tmp_path, rows, limit=20, num_workers=0, resume=True)
    assert run(tmp_path, rows, resume=True).episodes == 40


def test_a_policy_that_looks_into_the_environment_stays_with_it(tmp_path: Path) -> None:
    class Looking(Policy):
        def for_episode(self, env: Any, seed: int) -> Any:
            async def act(observation: Any, info: Any) -> Any:
                return env.unwrapped.solve(env.unwrapped.task)[-1]

            return act

    with pytest.warns(UserWarning, match="it looks into the environment; episodes are played in this process"):
        done = run(tmp_path, [row(1)], Looking())
    assert done.metrics["reward"]["mean"] == 1.0


def test_a_factory_travels(tmp_path: Path) -> None:
    rows = [row(a) for a in range(6)]
    done = collect(lambda: Adding(dataset=rows), answer, output=tmp_path / "o.jsonl", progress=False, num_workers=2)
    assert done.metrics["reward"]["mean"] == 1.0


class TestDeaths:
    """A worker that dies or hangs."""

    @pytest.mark.parametrize(
        ("trouble", "kind"), [("segfault", "worker_died"), ("leave", "worker_died"), ("hang", "worker_timeout")]
    )
    def test_only_the_culprit_fails(self, tmp_path: Path, trouble: str, kind: str) -> None:
        rows = [row(a, trouble=trouble if a in (7, 20) else "") for a in range(60)]
        calm = run(tmp_path, [row(a) for a in range(60)], slow_answer, name="calm", num_workers=0)
        patience = 2.0 if trouble == "hang" else 60.0
        done = run(tmp_path, rows, slow_answer, concurrency=16, max_attempts=1, episode_timeout=patience)
        got, wanted = records(done.path), records(calm.path)
        assert sorted(read_keys(done.path)) == [(a, 0) for a in range(60) if a not in (7, 20)]
        assert all(got[key]["reward"] == 1.0 for key in got)
        assert all(got[key]["gym_llm"]["attempt"] == 0 for key in got)
        assert {key: got[key]["response"] for key in got} == {key: wanted[key]["response"] for key in got}
        told = list(read_rows(done.failures_path))
        assert sorted(each["_ng_task_index"] for each in told) == [7, 20]
        assert {each["_ng_failure_class"] for each in told} == {kind}
        assert (done.episodes, done.failures, done.missing) == (58, 2, 0)

    def test_an_episode_that_waits_for_ever_costs_no_worker(self, tmp_path: Path) -> None:
        rows = [row(a, trouble="wait" if a == 3 else "") for a in range(20)]
        done = run(tmp_path, rows, max_attempts=1, episode_timeout=3.0)
        assert (done.episodes, done.failures) == (19, 1)
        assert [each["_ng_failure_class"] for each in read_rows(done.failures_path)] == ["worker_timeout"]

    def test_a_crash_loop_ends(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(crew, "MAX_RESPAWNS", 2)
        with pytest.raises(WorkerError, match="died more than 2 times"):
            run(tmp_path, [row(a, trouble="leave") for a in range(20)])
        assert not children(os.getpid())

    def test_killed_a_hundred_times_every_rollout_is_there_once(self, tmp_path: Path) -> None:
        """2,000 episodes of two turns; a worker chosen at random is killed after every 20 rows."""
        out, rows = tmp_path / "out.jsonl", write_rows(tmp_path / "in.jsonl", [row(a) for a in range(2000)])
        calm = collect(ENV, slow_adding, output=tmp_path / "calm.jsonl", input=str(rows), progress=False, num_workers=0)
        command = [sys.executable, str(Path(__file__).with_name("killing.py")), str(rows), str(out), "100"]
        killed = subprocess.run(command, capture_output=True, text=True, timeout=150)
        assert killed.stdout.split() == ["100"], killed.stderr
        assert sorted(read_keys(out)) == [(a, 0) for a in range(2000)]
        got, wanted = records(out), records(calm.path)
        assert all(got[key]["gym_llm"]["attempt"] or got[key] == wanted[key] for key in wanted)
        assert {key: each["response"] for key, each in got.items()} == {key: wanted[key]["response"] for key in got}
        assert {each["reward"] for each in got.values()} == {1.0}
        failures = tmp_path / "out_failures.jsonl"
        assert not failures.exists() or all("reward" not in each for each in read_rows(failures))


class TestModel:
    """Secrets, limits and errors of a model server."""

    def test_a_key_travels_and_is_seen_nowhere(self, tmp_path: Path) -> None:
        seen, over = set(), threading.Event()

        def look() -> None:
            while not over.is_set():
                for pid in children(os.getpid()):
                    try:
                        seen.add(Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes())
                    except OSError:
                        continue
                time.sleep(0.02)

        thread = threading.Thread(target=look)
        thread.start()
        try:
            with MockModel(text="2", api_key=CANARY) as server:
                policy = OpenAIPolicy("mock", server.base_url, api_key=CANARY)
                done = run(tmp_path, [row(1)] * 60, policy)
        finally:
            over.set()
            thread.join()
        assert done.metrics["reward"]["mean"] == 1.0
        assert seen
        assert not any(CANARY.encode() in each for each in seen)
        assert not any(CANARY in path.read_text() for path in tmp_path.iterdir())

    def test_requests_in_flight_are_bounded_over_all_workers(self, tmp_path: Path) -> None:
        with MockModel(text="2", latency="0.05") as server:
            policy = OpenAIPolicy("mock", server.base_url, api_key_env=None, max_in_flight=5)
            done = run(tmp_path, [row(1)] * 60, policy)
            assert 3 <= server.stats.max_in_flight <= 5
        assert next(iter(done))["gym_llm"]["policy"]["max_in_flight"] == 5

    def test_a_key_that_is_revoked_ends_it(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="401: wrong key") as caught:
            run(tmp_path, [row(a) for a in range(200)], revoked, concurrency=4)
        assert (caught.value.kind, caught.value.status, caught.value.fatal) == ("auth", 401, True)
        assert 0 < len(list(read_keys(tmp_path / "out.jsonl"))) <= 54
        assert not (tmp_path / "out_failures.jsonl").exists()
        assert not children(os.getpid())


PROGRAM = """
import json, sys
import adding
from gym_llm.rollouts import collect, collector
policy, collector.GRACE_SECONDS, settings = json.loads(sys.argv[1])
try:
    collect("adding/Adding-v0", getattr(adding, policy), num_workers=2, concurrency=8, progress=False, resume=True,
            **settings)
except KeyboardInterrupt as error:
    print("interrupted:", type(error).__name__, error, flush=True)
    raise SystemExit(130)
"""


class TestDriver:
    """The driver is stopped from outside."""

    def start(self, folder: Path, policy: str = "slow_answer", grace: float = 1.0) -> subprocess.Popen[str]:
        self.out = folder / "out.jsonl"
        paths = {"input": str(write_rows(folder / "in.jsonl", [row(a) for a in range(300)])), "output": str(self.out)}
        command = [sys.executable, "-c", PROGRAM, json.dumps([policy, grace, paths])]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def wait_for_rows(self, count: int) -> None:
        deadline = time.monotonic() + 60
        while not self.out.exists() or self.out.read_bytes().count(b"\n") < count:
            assert time.monotonic() < deadline, "no rows came"
            time.sleep(0.01)

    def test_killed_and_resumed(self, tmp_path: Path) -> None:
        for wanted in (20, 60):
            with self.start(tmp_path) as process:
                self.wait_for_rows(wanted)
                workers = children(process.pid)
                process.send_signal(signal.SIGKILL)
            assert len(workers) == 2
            assert gone(workers)
        with self.start(tmp_path) as process:
            _, err = process.communicate(timeout=90)
        assert process.returncode == 0, err
        assert all(sound for _, _, sound in scan(self.out))
        assert sorted(read_keys(self.out)) == [(a, 0) for a in range(300)]

    @pytest.mark.parametrize(("times", "grace"), [(1, 1.0), (2, 300.0)])
    def test_ctrl_c(self, tmp_path: Path, times: int, grace: float) -> None:
        with self.start(tmp_path, "never_after_40", grace) as process:
            self.wait_for_rows(20)
            workers = children(process.pid)
            for _ in range(times):
                os.killpg(process.pid, signal.SIGINT)
                time.sleep(0.05)
            out, err = process.communicate(timeout=30)
        assert process.returncode == 130
        assert "interrupted" in out
        assert "Traceback" not in err
        assert gone(workers)
        assert all(sound for _, _, sound in scan(self.out))
