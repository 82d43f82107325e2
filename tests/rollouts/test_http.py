"""Collection from a model server over real HTTP: faults, a wrong key, tokens, and the key in no file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from adding import row, write_rows

from gym_llm.errors import ModelError
from gym_llm.journal import read_keys, read_rows
from gym_llm.mock_model import MockModel
from gym_llm.policies import OpenAIPolicy
from gym_llm.rollouts import Collection, collect

CANARY = "SECRET_canary/0+1234567890"


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "out.jsonl"
    for path in tmp_path.iterdir():
        assert CANARY not in path.read_text()


def run(out: Path, policy: Any, rows: list[dict[str, Any]], **settings: Any) -> Collection:
    dataset = write_rows(out.with_name("in.jsonl"), rows)
    return collect("adding/Adding-v0", policy, input=dataset, output=out, progress=False, **settings)


def test_every_rollout_is_there_in_spite_of_faults(out: Path) -> None:
    faults = ["server_error:every=9:retry_after=0", "drop:every=13"]
    with MockModel(text="2", api_key=CANARY, faults=faults, token_ids=True) as server:
        policy = OpenAIPolicy("mock", server.base_url, api_key=CANARY)
        done = run(out, policy, [row(1) for _ in range(60)], num_repeats=2, concurrency=32)
    assert sorted(read_keys(out)) == [(task, rollout) for task in range(60) for rollout in range(2)]
    assert done.metrics["reward"]["mean"] == 1.0
    assert done.metrics["tokens"]["total"] > 0
    assert done.metrics["model_latency_seconds"]["count"] == 120


def test_a_key_that_an_environment_lets_slip_is_taken_out(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADDING_KEY", CANARY)
    with MockModel(text="2", api_key=CANARY) as server:
        spec = {"type": "openai", "model": "mock", "base_url": server.base_url, "api_key_env": "ADDING_KEY"}
        done = run(out, spec, [row(1), row(2, trouble="leak")])
    assert done.failures == 1
    told = [failure["error"]["message"] for failure in read_rows(done.failures_path)]
    assert told == ["refused: Bearer (secret)"] * 3
    assert json.loads(out.with_name("out_run.json").read_text())["policy"]["api_key_env"] == "ADDING_KEY"


def test_a_wrong_key_ends_it_at_once_and_the_right_one_continues(out: Path) -> None:
    rows = [row(1) for _ in range(50)]
    with MockModel(text="2", api_key=CANARY) as server:
        with pytest.raises(ModelError, match="401"):
            run(out, OpenAIPolicy("mock", server.base_url, api_key="wrong-key"), rows)
        assert server.stats.requests <= 50
        assert not out.with_name("out_failures.jsonl").exists()
        done = run(out, OpenAIPolicy("mock", server.base_url, api_key=CANARY), rows, resume=True)
    assert done.episodes == 50


def test_sampling_reaches_the_server_and_the_record(out: Path) -> None:
    with MockModel(text="2", keep_requests=1) as server:
        policy = OpenAIPolicy("mock", server.base_url, api_key_env=None)
        done = run(out, policy, [row(1)], sampling={"temperature": 0.25, "extra_body": {"top_k": 7}})
        (sent,) = server.recent
    assert sent["temperature"] == 0.25
    assert sent["top_k"] == 7
    (record,) = done
    assert record["responses_create_params"]["temperature"] == 0.25


def test_tool_calls_travel_both_ways(out: Path) -> None:
    script = [[{"type": "function_call", "call_id": "c", "name": "add", "arguments": '{"a": 1, "b": 1}'}], "2"]
    with MockModel(script=script) as server:
        done = run(out, OpenAIPolicy("mock", server.base_url, api_key_env=None), [row(1)])
    (record,) = done
    assert [item["type"] for item in record["response"]["output"]] == [
        "function_call",
        "function_call_output",
        "message",
    ]
    assert record["response"]["output"][1]["output"] == "2"
    assert done.metrics["tool_calls"]["mean"] == 1.0
    assert done.metrics["turns"]["mean"] == 2.0
