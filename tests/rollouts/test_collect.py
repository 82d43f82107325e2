"""Collection: every (task, repeat) once, failures told and retried, settings held, bad rows refused."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import gymnasium
import pytest
from adding import Adding, answer, row, slow_answer, write_rows

from gym_llm.errors import ConfigError, DefinitionError, ModelError, OutputError, TaskError
from gym_llm.items import assistant_message, reasoning
from gym_llm.journal import read_keys, read_rows
from gym_llm.journal.journal import Journal
from gym_llm.rollouts import Collection, acollect, collect

ENV = "adding/Adding-v0"


def run(tmp_path: Path, rows: list[dict[str, Any]] | Path, policy: Any = answer, **settings: Any) -> Collection:
    dataset = rows if isinstance(rows, Path) else write_rows(tmp_path / "in.jsonl", rows)
    settings = {"env": ENV, "output": tmp_path / "out.jsonl", "input": dataset, "progress": False} | settings
    return collect(policy=policy, **settings)


def keys(tmp_path: Path) -> list[tuple[int, int]]:
    return sorted(read_keys(tmp_path / "out.jsonl"))


def failures(tmp_path: Path) -> list[dict[str, Any]]:
    return list(read_rows(tmp_path / "out_failures.jsonl"))


def test_every_task_and_repeat_is_in_the_file_once(tmp_path: Path) -> None:
    done = run(tmp_path, [row(a) for a in range(10)], num_repeats=3, concurrency=4)
    assert keys(tmp_path) == [(task, rollout) for task in range(10) for rollout in range(3)]
    assert (done.episodes, done.failures, done.missing, done.interrupted) == (30, 0, 0, False)
    assert done.metrics["reward"]["mean"] == 1.0
    assert done.metrics["verification"]["distance"]["mean"] == 0.0
    assert json.loads(done.metrics_path.read_text()) == done.metrics
    assert not done.failures_path.exists()
    assert "mean reward" in str(done)
    assert str(done.path) in str(done)


def test_a_record_holds_row_response_and_provenance(tmp_path: Path) -> None:
    done = run(tmp_path, [row(3, 4, uuid="x-1")], sampling={"temperature": 0.5})
    (record,) = done
    assert record["uuid"] == "x-1"
    assert record["reward"] == 1.0
    assert record["given"] == "7"
    assert record["responses_create_params"]["temperature"] == 0.5
    assert record["gym_llm"]["env"]["id"] == ENV
    assert record["gym_llm"]["seed"] is not None


def test_repeats_share_the_environment_seed_and_differ_in_the_sampling_seed(tmp_path: Path) -> None:
    own = [record["gym_llm"] for record in run(tmp_path, [row(1), row(2)], num_repeats=4)]
    assert len({each["seed"] for each in own}) == 2
    assert len({each["sampling_seed"] for each in own}) == 8


def test_seeds_depend_only_on_run_task_repeat_and_attempt(tmp_path: Path) -> None:
    def seeds(concurrency: int, seed: int) -> dict[tuple[int, int], tuple[int, int]]:
        done = run(
            tmp_path, [row(a) for a in range(5)], num_repeats=2, concurrency=concurrency, seed=seed, overwrite=True
        )
        own = {(each["_ng_task_index"], each["_ng_rollout_index"]): each["gym_llm"] for each in done}
        return {key: (each["seed"], each["sampling_seed"]) for key, each in own.items()}

    assert seeds(1, 0) == seeds(7, 0) != seeds(1, 1)


def test_no_more_episodes_than_asked_for_run_at_once(tmp_path: Path) -> None:
    running, most = 0, 0

    async def policy(observation: list[dict[str, Any]]) -> Any:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.005)
        running -= 1
        return answer(observation)

    run(tmp_path, [row(a) for a in range(40)], policy, concurrency=8)
    assert most == 8


def test_limit_takes_the_first_tasks(tmp_path: Path) -> None:
    run(tmp_path, [row(a) for a in range(9)], limit=2)
    assert keys(tmp_path) == [(0, 0), (1, 0)]


def test_rows_in_memory_and_factories_work(tmp_path: Path) -> None:
    rows = [row(1), row(2)]
    made = collect(lambda: Adding(dataset=rows), answer, output=tmp_path / "a.jsonl", progress=False)
    given = collect(ENV, answer, output=tmp_path / "b.jsonl", input=rows, progress=False)
    assert made.episodes == given.episodes == 2


def test_wrapped_environments_are_collected(tmp_path: Path) -> None:
    def make() -> gymnasium.Env[Any, Any]:
        env = gymnasium.make(ENV, dataset=[row(1)], disable_env_checker=True)
        return gymnasium.wrappers.TransformReward(env, lambda reward: reward)

    assert collect(make, answer, output=tmp_path / "a.jsonl", progress=False).metrics["reward"]["mean"] == 1.0


def test_unicode_and_surrogates_survive(tmp_path: Path) -> None:
    text = "naïve 日本語 \U0001f600 \u2028 \x00"
    (tmp_path / "in.jsonl").write_bytes(
        json.dumps(row(1, note=text), ensure_ascii=False).encode() + b"\n"
        + json.dumps(row(2, note="\ud800")).encode() + b"\n"
    )  # fmt: skip
    done = run(tmp_path, tmp_path / "in.jsonl", lambda _: [reasoning("2\ud800"), assistant_message("2")])
    first, second = sorted(done, key=lambda record: record["_ng_task_index"])
    assert (first["note"], second["note"]) == (text, "\ufffd")
    assert first["response"]["output"][0]["summary"][0]["text"] == "2\ufffd"


def test_an_async_entry_point_runs_in_a_given_loop(tmp_path: Path) -> None:
    write_rows(tmp_path / "in.jsonl", [row(1)])
    done = asyncio.run(
        acollect(ENV, slow_answer, output=tmp_path / "o.jsonl", input=tmp_path / "in.jsonl", progress=False)
    )
    assert done.episodes == 1


def test_collect_inside_a_running_loop_names_the_cure(tmp_path: Path) -> None:
    async def main() -> None:
        run(tmp_path, [row(1)])

    with pytest.raises(ConfigError, match="await acollect"):
        asyncio.run(main())


def test_cancelling_leaves_whole_files_and_can_be_resumed(tmp_path: Path) -> None:
    write_rows(tmp_path / "in.jsonl", [row(a) for a in range(200)])
    settings: dict[str, Any] = {
        "output": tmp_path / "out.jsonl", "input": tmp_path / "in.jsonl", "progress": False, "concurrency": 10,
    }  # fmt: skip

    async def main() -> None:
        task = asyncio.create_task(acollect(ENV, slow_answer, **settings))
        await asyncio.sleep(0.15)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    assert 0 < len(keys(tmp_path)) < 200
    assert collect(ENV, slow_answer, resume=True, **settings).episodes == 200


class TestRows:
    """What is refused before anything is played."""

    def test_bad_rows_are_all_named_up_to_five(self, tmp_path: Path) -> None:
        rows = [row(1), {"a": 1}, row(2), *({**row(3), "b": "x"} for _ in range(9))]
        with pytest.raises(TaskError) as caught:
            run(tmp_path, rows)
        assert caught.value.line == 2
        assert str(caught.value).count("in.jsonl:") == 5
        assert "in.jsonl:4: b" in str(caught.value)
        assert not (tmp_path / "out.jsonl").exists()

    def test_rows_beyond_the_limit_are_not_looked_at(self, tmp_path: Path) -> None:
        assert run(tmp_path, [row(1), {"a": 1}], limit=1).episodes == 1

    @pytest.mark.parametrize("content", ["", "\n\n  \n"])
    def test_an_empty_file_is_refused(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "in.jsonl").write_text(content)
        with pytest.raises(ConfigError, match="no task"):
            run(tmp_path, tmp_path / "in.jsonl")

    @pytest.mark.parametrize("name", ["limit", "num_repeats", "concurrency", "max_attempts"])
    def test_numbers_below_one_are_refused(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(ConfigError, match=name):
            run(tmp_path, [row(1)], **{name: 0})

    def test_the_input_cannot_be_the_output(self, tmp_path: Path) -> None:
        path = write_rows(tmp_path / "in.jsonl", [row(1)])
        with pytest.raises(OutputError, match="is the input"):
            run(tmp_path, path, output=path, overwrite=True)
        assert path.read_text().count("\n") == 1


class TestFailures:
    """Failed episodes are told, tried again, and never become rewards."""

    @pytest.mark.parametrize(
        ("trouble", "failure_class"),
        [("crash", "crash"), ("exit", "crash"), ("verify", "verifier_failed")],
    )
    def test_they_are_lines_of_their_own_and_never_stop_the_rest(
        self, tmp_path: Path, trouble: str, failure_class: str
    ) -> None:
        done = run(tmp_path, [row(0), row(1, trouble=trouble), row(2)], max_attempts=2)
        assert keys(tmp_path) == [(0, 0), (2, 0)]
        assert (done.episodes, done.failures, done.missing) == (2, 1, 0)
        told = failures(tmp_path)
        assert [each["_ng_attempt_index"] for each in told] == [0, 1]
        assert {each["_ng_failure_class"] for each in told} == {failure_class}
        assert told[0]["error"]["type"]
        assert told[0]["error"]["where"]
        assert "reward" not in told[0]
        assert done.metrics["failures"] == {
            "attempts": 2, "by_kind": {failure_class: 2}, "first": {failure_class: told[0]["error"]["message"]},
        }  # fmt: skip

    def test_a_second_attempt_may_succeed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ADDING_MARKS", str(tmp_path))
        done = run(tmp_path, [row(a, trouble="once") for a in range(5)], concurrency=2)
        assert done.episodes == 5
        assert done.failures == 0
        assert len(failures(tmp_path)) == 5
        assert {record["gym_llm"]["attempt"] for record in done} == {1}

    def test_model_errors_are_told_with_their_kind(self, tmp_path: Path) -> None:
        def policy(observation: list[dict[str, Any]]) -> Any:
            if "1 +" in observation[0]["content"]:
                raise ModelError("too slow", kind="timeout", retryable=True)
            return answer(observation)

        done = run(tmp_path, [row(1), row(2)], policy, max_attempts=1)
        assert done.episodes == 1
        assert failures(tmp_path)[0]["_ng_failure_class"] == "model_timeout"

    def test_attempts_of_earlier_runs_count(self, tmp_path: Path) -> None:
        rows = [row(0), row(1, trouble="crash")]
        run(tmp_path, rows, max_attempts=2)
        again = run(tmp_path, rows, max_attempts=2, resume=True)
        assert len(failures(tmp_path)) == 2
        assert again.failures == 1
        run(tmp_path, rows, max_attempts=3, resume=True)
        assert [each["_ng_attempt_index"] for each in failures(tmp_path)] == [0, 1, 2]

    def test_a_wrong_key_ends_the_collection_without_counting_attempts(self, tmp_path: Path) -> None:
        calls = Counter[str]()

        async def policy(observation: list[dict[str, Any]]) -> Any:
            calls["all"] += 1
            await asyncio.sleep(0.001)
            if calls["all"] > 20:
                raise ModelError("401: wrong key", kind="auth", status=401, fatal=True)
            return answer(observation)

        with pytest.raises(ModelError, match="wrong key"):
            run(tmp_path, [row(a) for a in range(500)], policy, concurrency=5)
        assert calls["all"] < 40
        assert 0 < len(keys(tmp_path)) <= 20
        assert not (tmp_path / "out_failures.jsonl").exists()
        assert json.loads((tmp_path / "out_metrics.json").read_text())["episodes"]["done"] == len(keys(tmp_path))

    def test_an_authors_mistake_ends_the_collection(self, tmp_path: Path) -> None:
        class Unfinished(Adding):
            def verify(self, task: Any, episode: Any) -> Any:
                raise DefinitionError("verify is not written")

        with pytest.raises(DefinitionError, match="not written"):
            collect(lambda: Unfinished(dataset=[row(1)]), answer, output=tmp_path / "o.jsonl", progress=False)


class TestOutput:
    """An output that is there already."""

    def test_it_is_refused_with_the_cures(self, tmp_path: Path) -> None:
        run(tmp_path, [row(1)])
        with pytest.raises(OutputError, match="resume=True continues it, overwrite=True"):
            run(tmp_path, [row(1)])

    def test_overwriting_removes_every_file_of_the_old_run(self, tmp_path: Path) -> None:
        run(tmp_path, [row(0), row(1, trouble="crash")])
        (tmp_path / "out.jsonl.quarantine").touch()
        run(tmp_path, [row(5)], overwrite=True)
        assert keys(tmp_path) == [(0, 0)]
        names = {"in.jsonl", "out.jsonl", "out_metrics.json", "out_run.json"}
        assert {path.name for path in tmp_path.iterdir()} == names

    def test_a_resumed_finished_collection_changes_nothing(self, tmp_path: Path) -> None:
        rows = [row(a) for a in range(6)]
        first = run(tmp_path, rows, num_repeats=2)
        before = first.path.read_bytes()
        again = run(tmp_path, rows, num_repeats=2, resume=True)
        assert again.path.read_bytes() == before
        assert again.metrics == first.metrics

    def test_metrics_after_a_resume_are_those_of_one_run(self, tmp_path: Path) -> None:
        rows = [row(a) for a in range(6)]
        whole = run(tmp_path, rows)
        lines = whole.path.read_bytes().splitlines(keepends=True)
        whole.path.write_bytes(b"".join(lines[:3]))
        again = run(tmp_path, rows, resume=True)
        for figure in ("reward", "pass_at_k", "verification", "per_task", "turns", "end_reasons"):
            assert again.metrics[figure] == whole.metrics[figure]

    def test_resume_without_an_earlier_run_begins(self, tmp_path: Path) -> None:
        assert run(tmp_path, [row(1)], resume=True).episodes == 1

    def test_rows_without_settings_are_not_continued(self, tmp_path: Path) -> None:
        run(tmp_path, [row(1)])
        (tmp_path / "out_run.json").unlink()
        with pytest.raises(OutputError, match=r"no out_run\.json"):
            run(tmp_path, [row(1)], resume=True)

    @pytest.mark.parametrize(
        ("changed", "named"),
        [
            ({"seed": 7}, "seed: 0 -> 7"),
            ({"num_repeats": 1}, "num_repeats: 2 -> 1"),
            ({"limit": 1}, "limit: 2 -> 1"),
            ({"sampling": {"temperature": 0.9}}, r"sampling.temperature: 0\.1 -> 0\.9"),
            ({"env_kwargs": {"max_turns": 3}}, r"env\.kwargs\.max_turns: 4 -> 3"),
            ({"env": "adding/Blocking-v0"}, r"env\.id: 'adding/Adding-v0' -> 'adding/Blocking-v0'"),
            ({"policy": slow_answer}, "policy"),
        ],
    )
    def test_changed_settings_are_refused_by_name(self, tmp_path: Path, changed: dict[str, Any], named: str) -> None:
        settings: dict[str, Any] = {
            "num_repeats": 2, "limit": 2, "sampling": {"temperature": 0.1}, "env_kwargs": {"max_turns": 4},
        }  # fmt: skip
        rows = [row(a) for a in range(4)]
        run(tmp_path, rows, **settings)
        with pytest.raises(OutputError, match=named):
            run(tmp_path, rows, resume=True, **settings | changed)

    def test_a_changed_dataset_is_refused(self, tmp_path: Path) -> None:
        run(tmp_path, [row(1), row(2)])
        with pytest.raises(OutputError, match=r"input\.sha256"):
            run(tmp_path, [row(1), row(3)], resume=True)

    def test_more_tasks_repeats_and_other_concurrency_are_a_continuation(self, tmp_path: Path) -> None:
        rows = [row(a) for a in range(5)]
        run(tmp_path, rows, limit=2, num_repeats=1, concurrency=1)
        run(tmp_path, rows, limit=4, num_repeats=2, concurrency=9, resume=True)
        run(tmp_path, rows, num_repeats=2, resume=True)
        assert keys(tmp_path) == [(task, rollout) for task in range(5) for rollout in range(2)]

    def test_two_collections_cannot_write_one_file(self, tmp_path: Path) -> None:
        with Journal(tmp_path / "out.jsonl"):
            for settings in ({}, {"resume": True}, {"overwrite": True}):
                with pytest.raises(OutputError, match="is being written by process"):
                    run(tmp_path, [row(1)], **settings)

    def test_a_torn_row_is_played_again(self, tmp_path: Path) -> None:
        rows = [row(a) for a in range(4)]
        path = run(tmp_path, rows).path
        path.write_bytes(path.read_bytes()[:-20])
        again = run(tmp_path, rows, resume=True)
        assert again.quarantined == 1
        assert keys(tmp_path) == [(a, 0) for a in range(4)]


def test_blocking_environments_step_side_by_side(tmp_path: Path) -> None:
    started = time.monotonic()
    run(tmp_path, [row(a) for a in range(60)], env="adding/Blocking-v0")
    assert time.monotonic() - started < 4  # one after the other: 6 seconds


def test_the_garbage_collector_is_put_back(tmp_path: Path) -> None:
    before = gc.get_threshold()
    during = list[tuple[int, int, int]]()

    def policy(observation: list[dict[str, Any]]) -> Any:
        during.append(gc.get_threshold())
        return answer(observation)

    run(tmp_path, [row(1)], policy)
    assert gc.get_threshold() == before
    assert during[0][0] >= 20_000


def test_ten_thousand_rows(tmp_path: Path) -> None:
    done = run(tmp_path, [row(a) for a in range(10_000)], concurrency=64)
    assert done.episodes == 10_000
    assert keys(tmp_path) == [(a, 0) for a in range(10_000)]
