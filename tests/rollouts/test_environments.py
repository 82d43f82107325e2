"""Every shipped environment is collected from its bundled tasks, by its reference solution, also over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from gym_llm import env_ids
from gym_llm.journal import read_keys
from gym_llm.mock_model import MockModel
from gym_llm.rollouts import collect


@pytest.mark.parametrize("env_id", env_ids())
def test_the_reference_solution_earns_the_top_reward(tmp_path: Path, env_id: str) -> None:
    done = collect(env_id, {"type": "scripted"}, output=tmp_path / "o.jsonl", num_repeats=2, progress=False)
    assert done.failures == 0
    assert done.metrics["reward"]["minimum"] == done.metrics["pass_threshold"]
    assert len(set(read_keys(done.path))) == done.episodes == 2 * done.metrics["episodes"]["tasks"]


@pytest.mark.parametrize("env_id", env_ids())
def test_over_http_it_does_too(tmp_path: Path, env_id: str) -> None:
    with MockModel(solve=[env_id]) as server:
        policy = {"type": "openai", "model": "mock", "base_url": server.base_url, "api_key_env": None}
        done = collect(env_id, policy, output=tmp_path / "o.jsonl", progress=False)
    assert done.failures == 0
    assert done.metrics["reward"]["mean"] == done.metrics["pass_threshold"]
