"""`gym-llm collect`: the main job, its files, its exit status and what it never shows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gym_llm.mock_model import MockModel

ROOT = Path(__file__).parents[2]


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_the_main_job_needs_nothing(gym_llm, folder):
    result = gym_llm("collect", "MCQA", "num_repeats=2", "progress=false")
    assert result.status == 0, result.err
    (output,) = (path for path in (folder / "outputs").glob("MCQA-v0-*.jsonl") if "failures" not in path.name)
    assert str(output.relative_to(folder)) in result.out
    assert all(row["reward"] == 1.0 for row in rows(output))
    assert len({(row["_ng_task_index"], row["_ng_rollout_index"]) for row in rows(output)}) == len(rows(output)) >= 10


def test_the_mock_model_knows_prompts_that_are_drawn(gym_llm, folder):
    result = gym_llm("collect", "MCQA", "env_kwargs.shuffle_options=true", "seed=5", "progress=false")
    assert result.status == 0, result.out
    assert "mean reward       1 " in result.out


@pytest.mark.parametrize("policy", ["mock", "scripted", "random"])
@pytest.mark.parametrize("env", ["SimpleWeather", "StatefulCounter", "MultiNeedle", "MCQA"])
def test_every_policy_on_every_environment(gym_llm, folder, env, policy):
    result = gym_llm("collect", env, f"policy={policy}", "limit=2", "output=o.jsonl", "progress=false")
    assert result.status == 0, result.err
    rewards = [row["reward"] for row in rows(folder / "o.jsonl")]
    assert len(rewards) == 2
    assert policy == "random" or rewards == [1.0, 1.0]


def test_a_server_of_ones_own(gym_llm, folder, monkeypatch):
    canary = "SECRET_9931"
    monkeypatch.setenv("OPENAI_API_KEY", canary)
    with MockModel(text="I do not know.", api_key=canary, keep_requests=9) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        words = ("policy=openai", "policy.model=m", "sampling.temperature=0.25", "output=o.jsonl", "limit=3")
        result = gym_llm("collect", "SimpleWeather", *words, "progress=false")
        assert result.status == 0, result.err
        assert {request["temperature"] for request in server.recent} == {0.25}
        assert {request["model"] for request in server.recent} == {"m"}
    written = "".join(path.read_text("utf-8") for path in folder.glob("o*"))
    assert canary not in result.out + result.err + written


def test_a_wrong_key_is_one_clear_error(gym_llm, folder):
    with MockModel(api_key="right") as server:
        words = (f"policy.base_url={server.base_url}", "policy=openai", "policy.model=m", "policy.api_key=SECRET_1")
        result = gym_llm("collect", "MCQA", *words, "progress=false")
    assert result.status == 2
    assert "SECRET_1" not in result.out + result.err
    assert "401" in result.err or "key" in result.err


def test_resume_continues_under_another_port(gym_llm, folder):
    assert gym_llm("collect", "MCQA", "limit=2", "output=o.jsonl", "progress=false").status == 0
    again = gym_llm("collect", "MCQA", "limit=4", "output=o.jsonl", "resume=true", "progress=false")
    assert again.status == 0, again.err
    assert len(rows(folder / "o.jsonl")) == 4


def test_an_output_that_is_there_is_kept(gym_llm, folder):
    gym_llm("collect", "MCQA", "limit=1", "output=o.jsonl", "progress=false")
    before = (folder / "o.jsonl").read_bytes()
    refused = gym_llm("collect", "MCQA", "limit=1", "output=o.jsonl", "progress=false")
    assert refused.status == 2
    assert "resume" in refused.err
    assert "overwrite" in refused.err
    assert (folder / "o.jsonl").read_bytes() == before


def test_dataset_text_is_never_interpolated(gym_llm, folder, monkeypatch):
    monkeypatch.setenv("GYM_LLM_CANARY", "SECRET_77")
    gym_llm("collect", "SimpleWeather", "limit=1", "output=o.jsonl", "progress=false")
    row = {"responses_create_params": {"input": [{"role": "user", "content": "${oc.env:GYM_LLM_CANARY} in Oslo?"}]}}
    (folder / "${x}.jsonl").write_text(json.dumps(row) + "\n")
    (folder / "in.jsonl").write_text(json.dumps(row) + "\n")
    result = gym_llm("collect", "SimpleWeather", "input=in.jsonl", "output=p.jsonl", "policy=random", "progress=false")
    assert result.status == 0, result.err
    written = (folder / "p.jsonl").read_text("utf-8")
    assert "${oc.env:GYM_LLM_CANARY}" in written
    assert "SECRET_77" not in written + result.out


def test_ctrl_c_says_how_to_go_on(folder):
    command = [
        sys.executable, "-m", "gym_llm.cli", "collect", "MCQA", "num_repeats=200", "concurrency=2",
        "output=o.jsonl", "policy.latency=0.05", "progress=false",
    ]  # fmt: skip
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    with process:
        deadline = time.monotonic() + 60
        while not ((folder / "o.jsonl").exists() and (folder / "o.jsonl").stat().st_size):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "nothing was written"
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert "output=o.jsonl resume=true" in err
    assert "Traceback" not in err
    assert 0 < len(rows(folder / "o.jsonl")) < 1000


def test_sampling_stands_in_the_policy_and_in_the_run(gym_llm, folder):
    with MockModel(keep_requests=9) as server:
        words = ("policy=chat", "policy.model=m", f"policy.base_url=[{server.base_url}]", "policy.temperature=0.5")
        more = ("policy.seed=4", "policy.extra_body.min_p=0.1", "sampling.temperature=0.25", "sampling.seed=5")
        result = gym_llm("collect", "SimpleWeather", *words, *more, "output=o.jsonl", "limit=1", "progress=false")
        assert result.status == 0, result.err
        sent = server.recent[0]
    assert (sent["temperature"], sent["seed"], sent["min_p"]) == (0.25, 5, 0.1)
    said = rows(folder / "o.jsonl")[0]["responses_create_params"]
    assert (said["temperature"], said["seed"], said["extra_body"]) == (0.25, 5, {"min_p": 0.1})


def test_a_null_variable_sends_no_key(gym_llm, folder, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "not-to-be-sent")
    with MockModel(api_key="not-to-be-sent") as server:
        words = ("policy=openai", "policy.model=m", f"policy.base_url={server.base_url}", "policy.api_key_env=null")
        result = gym_llm("collect", "MCQA", *words, "output=o.jsonl", "progress=false")
    assert result.status == 2
    assert "No API key was sent" in result.err
    assert list(folder.iterdir()) == []
