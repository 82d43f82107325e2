"""Whose sampling keywords win: the run's over the policy's over the row's, in what is sent and in what is recorded."""

from __future__ import annotations

import asyncio

import gymnasium
import pytest
from raw_server import ITEMS

import gym_llm  # noqa: F401
from gym_llm.errors import ConfigError
from gym_llm.mock_model import MockModel
from gym_llm.policies import ChatCompletionsPolicy, FallbackPolicy, OpenAIPolicy, as_policy

ROW = {"temperature": 0.1, "top_p": 0.1, "max_output_tokens": 11, "extra_body": {"a": 1, "b": 1, "c": 1}}
OWN = {"temperature": 0.2, "top_p": 0.2, "extra_body": {"b": 2}, "reasoning": {"effort": "low"}}
RUN = {"temperature": 0.3, "extra_body": {"c": 3}}


def sent(make, **settings):
    with MockModel(keep_requests=1) as server:
        policy = make("m", server.base_url, **OWN, **settings).sampled(RUN)
        act = policy.for_episode(gymnasium.make("CartPole-v1"), 0)
        asyncio.run(act(ITEMS, {"responses_create_params": ROW}))
        return server.recent[0], policy.create_call(ROW)


def test_responses():
    body, recorded = sent(OpenAIPolicy)
    assert {name: body[name] for name in ("temperature", "top_p", "max_output_tokens", "a", "b", "c")} == {
        "temperature": 0.3, "top_p": 0.2, "max_output_tokens": 11, "a": 1, "b": 2, "c": 3,
    }  # fmt: skip
    assert recorded == {
        "temperature": 0.3, "top_p": 0.2, "max_output_tokens": 11, "reasoning": {"effort": "low"},
        "extra_body": {"a": 1, "b": 2, "c": 3},
    }  # fmt: skip


def test_chat_where_the_row_wins_over_the_policy_in_extra_body_but_not_over_the_run():
    body, recorded = sent(ChatCompletionsPolicy, seed=5)
    assert {name: body[name] for name in ("temperature", "top_p", "max_tokens", "seed", "a", "b", "c")} == {
        "temperature": 0.3, "top_p": 0.2, "max_tokens": 11, "seed": 5, "a": 1, "b": 1, "c": 3,
    }  # fmt: skip
    assert body["reasoning_effort"] == "low"
    assert recorded == {
        "temperature": 0.3, "top_p": 0.2, "max_output_tokens": 11, "reasoning": {"effort": "low"}, "seed": 5,
        "extra_body": {"a": 1, "b": 1, "c": 3},
    }  # fmt: skip


def test_template_arguments_and_seeds_of_chat():
    with MockModel(keep_requests=1) as server:
        policy = ChatCompletionsPolicy("m", server.base_url, chat_template_kwargs={"enable_thinking": True}, seed=1)
        asyncio.run(policy.sampled({"chat_template_kwargs": {"enable_thinking": False}, "seed": 2})(ITEMS, {}))
        assert server.recent[0]["chat_template_kwargs"] == {"enable_thinking": False}
        assert server.recent[0]["seed"] == 2


def test_other_names_for_the_same_thing_do_not_both_count():
    with MockModel(keep_requests=1) as server:
        asyncio.run(
            ChatCompletionsPolicy("m", server.base_url, max_tokens=5).sampled({"max_output_tokens": 7})(ITEMS, {})
        )
        assert server.recent[0]["max_tokens"] == 7


def test_policy_itself_stays_as_it_was():
    policy = OpenAIPolicy("m", "http://h/v1", temperature=0.2)
    changed = policy.sampled({"temperature": 0.9})
    assert (policy.spec()["temperature"], changed.spec()["temperature"]) == (0.2, 0.9)


def test_several_endpoints_all_change():
    policy = FallbackPolicy([OpenAIPolicy("m", f"http://{name}/v1", temperature=0.2) for name in "ab"])
    assert policy.sampled({"temperature": 0.9}).spec()["temperature"] == 0.9
    assert policy.sampled({"temperature": 0.9}).create_call({"top_p": 1}) == {"top_p": 1, "temperature": 0.9}


def test_callable_sees_the_keywords():
    seen = []

    def function(observation, info):
        seen.append(info["responses_create_params"])
        return []

    policy = as_policy(function).sampled({"temperature": 0.9, "seed": 3})
    asyncio.run(policy.for_episode(gymnasium.make("CartPole-v1"), 0)([], {"responses_create_params": {"top_p": 1}}))
    assert seen == [policy.create_call({"top_p": 1})] == [{"top_p": 1, "temperature": 0.9, "seed": 3}]


def test_what_a_policy_does_not_know_is_refused():
    with pytest.raises(ConfigError, match="'seed' is no setting"):
        OpenAIPolicy("m", "http://h/v1").sampled({"seed": 1})
    with pytest.raises(ConfigError, match="Did you mean 'temperature'"):
        ChatCompletionsPolicy("m", "http://h/v1").sampled({"temprature": 1})
