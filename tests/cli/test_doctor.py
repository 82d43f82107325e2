"""`gym-llm doctor`: what it shows, when it fails, and what it never shows."""

from __future__ import annotations

import pytest

from gym_llm.mock_model import MockModel

CANARY = "SECRET_d0c7"


def test_nothing_but_the_package_is_needed(gym_llm):
    result = gym_llm("doctor")
    assert result.status == 0, result.out + result.err
    for word in ("Python 3.", "gymnasium ", "extra dev", "cores usable", "open files", "policy: mock"):
        assert word in result.out
    assert "models: mock-model" in result.out
    assert "speaks Responses" in result.out
    assert "speaks Chat Completions" in result.out
    assert "lacks Completions" in result.out
    assert "WRONG" not in result.out


def test_policies_without_a_server(gym_llm):
    result = gym_llm("doctor", "policy=random")
    assert result.status == 0
    assert "no server to ask" in result.out


@pytest.mark.parametrize("kind", ["openai", "chat"])
def test_server_of_ones_own(gym_llm, kind):
    with MockModel(api_key=CANARY, model="tiny", token_ids=True) as server:
        words = (f"policy={kind}", "policy.model=tiny", f"policy.base_url={server.base_url}")
        right = gym_llm("doctor", *words, f"policy.api_key={CANARY}", "tokens=true")
        wrong = gym_llm("doctor", *words, "policy.api_key=SECRET_wrong")
    assert right.status == 0, right.out
    assert f"{server.base_url} (model tiny)" in right.out
    assert "token ids: yes" in right.out
    assert wrong.status == 1
    assert "WRONG: " in wrong.out
    assert "401" in wrong.out
    for told in (right, wrong):
        assert "SECRET_" not in told.out + told.err


def test_nothing_is_generated_unless_asked_for(gym_llm):
    with MockModel(model="tiny") as server:
        gym_llm("doctor", "policy=openai", "policy.model=tiny", f"policy.base_url={server.base_url}")
        assert server.stats.requests == 0


def test_server_without_token_ids_says_so(gym_llm):
    with MockModel() as server:
        result = gym_llm(
            "doctor", "policy=openai", "policy.model=m", f"policy.base_url={server.base_url}", "tokens=true"
        )
    assert result.status == 0
    assert "token ids: no, the server answered without them" in result.out


def test_each_of_several_servers_is_shown(gym_llm):
    with MockModel() as one, MockModel() as two:
        addresses = f"[{one.base_url},{two.base_url},http://127.0.0.1:9/v1]"
        result = gym_llm("doctor", "policy=chat", "policy.model=m", f"policy.base_url={addresses}")
    assert result.status == 1
    assert result.out.count("reachable") == 2
    assert "WRONG: http://127.0.0.1:9/v1 (model 'm') cannot be reached: Connection refused" in result.out


def test_azure(gym_llm, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", CANARY)
    with MockModel(api_key=CANARY, model="dep") as server:
        words = ("policy=azure", "policy.model=dep", f"policy.azure_endpoint={server.url}")
        result = gym_llm(
            "doctor", *words, "policy.azure_ad_token_env=MY_TOKEN", "policy.api_version=2025-03-01-preview"
        )
    assert result.status == 0, result.out
    assert "models: dep" in result.out
    assert CANARY not in result.out


def test_wrong_setting_is_told_before_anything_else(gym_llm):
    result = gym_llm("doctor", "policy=openai", "policy.model=m", "policy.base_url=host:80", "timeout=2")
    assert result.status == 1
    assert "is not an address" in result.out
