"""Before the first episode: endpoints are asked, and nothing is written when they cannot answer; what is recorded."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from adding import row, write_rows

from gym_llm.errors import ConfigError, ModelError
from gym_llm.mock_model import MockModel
from gym_llm.policies import OpenAIPolicy, as_policy
from gym_llm.rollouts import acollect, collect

DEAD = "http://127.0.0.1:9/v1"


def settings(tmp_path: Path, count: int = 4) -> dict[str, Any]:
    dataset = write_rows(tmp_path / "in.jsonl", [row(1) for _ in range(count)])
    return {"input": dataset, "output": tmp_path / "out.jsonl", "progress": False}


def records(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("running", [False, True], ids=["collect", "acollect"])
def test_wrong_key_ends_it_before_anything_is_written(tmp_path: Path, running: bool) -> None:
    with MockModel(text="2", api_key="right") as server:
        policy = OpenAIPolicy("mock", server.base_url, api_key="wrong-key")
        begin = (lambda *args, **more: asyncio.run(acollect(*args, **more))) if running else collect
        started = time.monotonic()
        with pytest.raises(ModelError, match=r"401.*Check the API key"):
            begin("adding/Adding-v0", policy, **settings(tmp_path))
        assert time.monotonic() - started < 5
        assert server.stats.requests == 0
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_output_that_would_be_replaced_is_still_there(tmp_path: Path) -> None:
    collect("adding/Adding-v0", "scripted", **settings(tmp_path))
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ModelError, match="Connection refused"):
        collect("adding/Adding-v0", OpenAIPolicy("m", DEAD), overwrite=True, **settings(tmp_path))
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_bad_rows_and_settings_are_told_without_asking_anybody(tmp_path: Path) -> None:
    given = settings(tmp_path)
    with pytest.raises(ConfigError, match="Did you mean 'temperature'"):
        collect("adding/Adding-v0", OpenAIPolicy("m", DEAD), sampling={"temprature": 1}, **given)
    with pytest.raises(ConfigError, match="'seed' is no setting of this policy"):
        collect("adding/Adding-v0", OpenAIPolicy("m", DEAD), sampling={"seed": 1}, **given)


def test_what_may_pass_is_only_warned_of(tmp_path: Path) -> None:
    with MockModel(text="2") as server:
        spec = {"type": "openai", "model": "m", "base_url": [server.base_url, DEAD], "max_attempts": 1}
        with pytest.warns(UserWarning, match="Connection refused.*the other endpoints are used"):
            done = collect("adding/Adding-v0", spec, **settings(tmp_path))
    assert done.metrics["reward"]["mean"] == 1.0
    turns = [turn for record in records(tmp_path) for turn in record["gym_llm"]["turns"]]
    assert {turn["endpoint"] for turn in turns} == {server.base_url}
    tried = [attempt for turn in turns for attempt in turn.get("failed_attempts", ())]
    assert {attempt["endpoint"] for attempt in tried} == {DEAD}


def test_episodes_of_several_endpoints_say_where_they_were_played(tmp_path: Path) -> None:
    with MockModel(text="2") as one, MockModel(text="2") as two:
        spec = {"type": "openai", "model": "m", "base_url": [one.base_url, two.base_url]}
        collect("adding/Adding-v0", spec, num_repeats=5, concurrency=4, **settings(tmp_path))
        assert one.stats.requests + two.stats.requests == 20
        assert min(one.stats.requests, two.stats.requests) >= 5
    for record in records(tmp_path):
        assert record["gym_llm"]["policy"]["base_url"] == [one.base_url, two.base_url]
        assert {turn["endpoint"] for turn in record["gym_llm"]["turns"]} <= {one.base_url, two.base_url}


def test_servers_may_come_and_go_between_runs(tmp_path: Path) -> None:
    given = settings(tmp_path)
    with MockModel(text="2") as one, MockModel(text="2") as two:
        spec = {"type": "openai", "model": "m", "base_url": one.base_url}
        collect("adding/Adding-v0", spec, **given)
        spec["base_url"] = [one.base_url, two.base_url]
        done = collect("adding/Adding-v0", spec, num_repeats=2, resume=True, **given)
    assert done.episodes == 8


def test_sampling_of_row_policy_and_run_is_sent_and_recorded_alike(tmp_path: Path) -> None:
    given = settings(tmp_path)
    rows = [row(1)]
    rows[0]["responses_create_params"] |= {"temperature": 0.1, "top_p": 0.1, "max_output_tokens": 50}
    write_rows(given["input"], rows)
    with MockModel(text="2", keep_requests=1) as server:
        policy = OpenAIPolicy("m", server.base_url, temperature=0.2, top_p=0.2, reasoning={"effort": "low"})
        collect("adding/Adding-v0", policy, sampling={"temperature": 0.3}, **given)
        (sent,) = server.recent
    (record,) = records(tmp_path)
    said = record["responses_create_params"]
    wanted = {"temperature": 0.3, "top_p": 0.2, "max_output_tokens": 50, "reasoning": {"effort": "low"}}
    assert {name: sent[name] for name in wanted} == {name: said[name] for name in wanted} == wanted
    assert record["gym_llm"]["policy"]["temperature"] == 0.3
    assert [tool["name"] for tool in said["tools"]] == ["add"]


def test_sampling_of_chat_has_its_own_names(tmp_path: Path) -> None:
    with MockModel(text="2", keep_requests=1) as server:
        spec = {"type": "chat", "model": "m", "base_url": server.base_url, "seed": 1}
        run = {"seed": 2, "chat_template_kwargs": {"enable_thinking": False}}
        collect("adding/Adding-v0", as_policy(spec), sampling=run, **settings(tmp_path, 1))
        assert {name: server.recent[0][name] for name in run} == run
    assert {name: records(tmp_path)[0]["responses_create_params"][name] for name in run} == run
