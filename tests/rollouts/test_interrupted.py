"""Collections that are stopped from outside: Ctrl-C once and twice, SIGKILL at any moment, then resumed."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from adding import row, write_rows

from gym_llm.journal import read_keys
from gym_llm.journal.rows import scan

PROGRAM = """
import json, sys
import adding
from gym_llm.rollouts import collect, collector
collector.GRACE_SECONDS = 1.0
settings = json.loads(sys.argv[1])
print("ready", flush=True)
try:
    done = collect(settings.pop("env", "adding/Adding-v0"), getattr(adding, settings.pop("policy")), **settings)
except KeyboardInterrupt as error:
    print("interrupted:", type(error).__name__, error, flush=True)
    raise SystemExit(130)
print(done.episodes)
"""


class Program:
    """A collection in a process of its own."""

    def __init__(self, folder: Path, count: int, **settings: Any) -> None:
        self.out, self.wanted = folder / "out.jsonl", [(task, 0) for task in range(count)]
        if not (folder / "in.jsonl").exists():
            write_rows(folder / "in.jsonl", [row(a) for a in range(count)])
        self.settings = {
            "policy": "slow_answer", "output": str(self.out), "input": str(folder / "in.jsonl"), "resume": True,
            "concurrency": 8, "progress": False,
        } | settings  # fmt: skip

    def start(self, **settings: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PROGRAM, json.dumps(self.settings | settings)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def wait_for_rows(self, count: int) -> None:
        deadline = time.monotonic() + 30
        while self.rows() < count:
            assert time.monotonic() < deadline, "no rows came"
            time.sleep(0.005)

    def rows(self) -> int:
        return self.out.read_bytes().count(b"\n") if self.out.exists() else 0

    def assert_finished(self, **settings: Any) -> None:
        """Run to the end: every rollout is there once, and nothing else."""
        with self.start(**settings) as process:
            told = process.communicate(timeout=60)
        assert process.returncode == 0, told
        assert all(sound for _, _, sound in scan(self.out))
        assert sorted(read_keys(self.out)) == self.wanted


def test_ctrl_c_once_finishes_what_runs_and_says_how_to_resume(tmp_path: Path) -> None:
    program = Program(tmp_path, 400)
    with program.start(progress=True) as process:
        program.wait_for_rows(20)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "CollectionInterrupted" in out
    assert "resume=True" in out
    assert "no more episodes are begun" in err
    assert "Traceback" not in err
    metrics = json.loads((tmp_path / "out_metrics.json").read_text())
    assert metrics["episodes"]["done"] == program.rows() < 400
    assert all(sound for _, _, sound in scan(program.out))
    program.assert_finished()


@pytest.mark.parametrize("env", ["adding/Adding-v0", "adding/Blocking-v0"])
def test_ctrl_c_twice_leaves_at_once(tmp_path: Path, env: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = Program(tmp_path, 50, env=env)
    with program.start() as first:
        program.wait_for_rows(8)
        first.send_signal(signal.SIGKILL)
    monkeypatch.setenv("ADDING_SECONDS", "60")
    with program.start() as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(1.5)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 130
    assert time.monotonic() - started < 4
    monkeypatch.setenv("ADDING_SECONDS", "0.001")
    program.assert_finished()


def test_episodes_that_do_not_end_are_cancelled_after_the_grace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADDING_SECONDS", "600")
    program = Program(tmp_path, 20)
    with program.start() as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "0 of 20" in out


def test_killed_again_and_again_every_rollout_is_there_once(tmp_path: Path) -> None:
    program, rng = Program(tmp_path, 600), random.Random(2)
    for _ in range(8):
        before = program.rows()
        with program.start() as process:
            program.wait_for_rows(before + 1)
            time.sleep(rng.uniform(0, 0.1))
            process.send_signal(signal.SIGKILL)
    assert 8 <= program.rows() < 600
    program.assert_finished()


def test_interrupted_in_the_middle_of_a_resume(tmp_path: Path) -> None:
    program = Program(tmp_path, 400)
    for signum in (signal.SIGKILL, signal.SIGINT, signal.SIGINT):
        before = program.rows()
        with program.start() as process:
            program.wait_for_rows(before + 10)
            process.send_signal(signum)
            process.communicate(timeout=30)
    program.assert_finished()


def test_two_programs_on_one_file(tmp_path: Path) -> None:
    program = Program(tmp_path, 600)
    with program.start(concurrency=1) as first:
        program.wait_for_rows(5)
        with program.start() as second:
            _, err = second.communicate(timeout=30)
        assert second.returncode == 1
        assert f"is being written by process {first.pid}" in err
        first.send_signal(signal.SIGKILL)
    program.assert_finished()


def test_handlers_are_put_back_and_threads_get_none(tmp_path: Path) -> None:
    from gym_llm.rollouts import collect

    before = signal.getsignal(signal.SIGINT)
    path = write_rows(tmp_path / "in.jsonl", [row(1)])
    from adding import answer

    def run(name: str) -> None:
        collect("adding/Adding-v0", answer, input=path, output=tmp_path / name, progress=False)

    run("a.jsonl")
    thread = threading.Thread(target=run, args=("b.jsonl",))
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is before
    assert (tmp_path / "b_metrics.json").exists()
