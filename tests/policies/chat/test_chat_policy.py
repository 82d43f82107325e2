"""The policy: settings, specs and secrets, seeds, versions, base models, and what is sent."""

from __future__ import annotations

import asyncio
import pickle

import pytest
from asking import ITEMS, ask, completion, one, said, sent

from gym_llm.errors import ConfigError, ModelError
from gym_llm.items import output_text
from gym_llm.mock_model import MockModel
from gym_llm.policies import ChatCompletionsPolicy, as_policy

URL = "http://localhost:1/v1"


def test_the_answer_is_a_response():
    with MockModel(text="Warm.") as server:
        answer = one(server.base_url, params={"tool_choice": "auto", "tools": []})
    assert output_text(answer["output"]) == "Warm."
    assert (answer["object"], answer["status"], answer["error"]) == ("response", "completed", None)
    assert (answer["id"], answer["output"][0]["id"]) == (
        "chatcmpl-0000000000000001",
        "msg_chatcmpl-0000000000000001",
    )
    assert answer["usage"]["total_tokens"] == answer["usage"]["input_tokens"] + answer["usage"]["output_tokens"]
    assert answer["_gym_llm"]["attempts"] == []


def test_spec_builds_an_equal_policy_and_holds_no_key():
    policy = ChatCompletionsPolicy(
        "m", URL, api_key="sk-secret", reasoning_history="drop", return_token_ids=True, temperature=0.5,
        chat_template_kwargs={"enable_thinking": False}, seed="episode", timeout=5,
    )  # fmt: skip
    spec = policy.spec()
    assert (spec["type"], spec["reasoning_history"], spec["seed"]) == ("chat", "drop", "episode")
    assert "think_opened" not in spec
    assert as_policy(spec) == policy == pickle.loads(pickle.dumps(policy))
    assert b"sk-secret" not in pickle.dumps(policy)
    assert "sk-secret" not in f"{policy!r} {spec}"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"reasoning_history": "keep"}, "give one of think_tags"),
        ({"token_history": "all"}, "give one of drop"),
        ({"return_token_ids": "yes"}, "give true or false"),
        ({"completions": "template"}, "module:function"),
        ({"completions": "no_such_module:f"}, "cannot be imported"),
        ({"version_header": 3}, "name of an HTTP header"),
        ({"temprature": 1.0}, "Did you mean 'temperature'"),
        ({"top_k": 5}, "extra_body"),
        ({"n": 2}, "num_repeats"),
        ({"stream": True}, "read whole"),
        ({"max_tokens": 0}, "at least 1"),
        ({"stop": object()}, "plain JSON"),
        ({"timeout": 0}, "more than 0"),
        ({"max_attempts": 0}, "at least 1"),
        ({"base_url": "localhost"}, "is not an address"),
        ({"model": ""}, "model's name"),
    ],
)
def test_wrong_settings_are_refused(settings, says):
    with pytest.raises(ConfigError, match=says.replace("(", r"\(")):
        ChatCompletionsPolicy(**{"model": "m", "base_url": URL, **settings})


def test_the_row_the_policy_and_the_extra_body_in_their_order(raw_server):
    server = raw_server(said(completion()))
    one(
        server.base_url, params={"temperature": 0.1, "top_p": 0.2, "max_output_tokens": 5, "instructions": "Row."},
        temperature=0.9, seed=None, extra_body={"top_k": 4, "temperature": 7, "messages": [], "model": "x"},
    )  # fmt: skip
    assert sent(server) == {
        "model": "m", "messages": [{"role": "system", "content": "Row."}, *ITEMS], "top_k": 4, "temperature": 0.9,
        "top_p": 0.2, "max_tokens": 5,
    }  # fmt: skip


def test_a_row_that_chat_cannot_hold_fails_alone(raw_server):
    error = one(raw_server(said(completion())).base_url, items=[{"type": "mcp_call", "id": "x"}])
    assert isinstance(error, ModelError)
    assert (error.kind, error.fatal) == ("bad_request", False)


def test_a_server_that_keeps_reasoning_apart_against_the_settings(raw_server):
    server = raw_server(said(completion({"content": "Hi", "reasoning_content": "So."})))
    error = one(server.base_url, parse_reasoning=False)
    assert isinstance(error, ModelError)
    assert error.fatal
    assert "parse_reasoning=False" in str(error)


def test_lone_surrogates_are_sent_as_replacement_characters(raw_server):
    server = raw_server(said(completion()))
    one(server.base_url, items=[{"role": "user", "content": "a\ud800b"}])
    assert sent(server)["messages"][0]["content"] == "a\ufffdb"


def test_episode_seeds_differ_by_episode_and_turn_and_repeat():
    with MockModel(keep_requests=9) as server:

        async def main():
            policy = ChatCompletionsPolicy("m", server.base_url, seed="episode")
            for episode, turns in ((1, 1), (1, 2), (2, 1)):
                act = policy.for_episode(None, episode)
                for turn in range(turns):
                    await act(ITEMS * (turn + 1), {})
            await policy.close()

        asyncio.run(main())
        seeds = [body["seed"] for body in server.recent]
    assert seeds[0] == seeds[1]
    assert len(set(seeds)) == 3
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_a_fixed_seed_is_sent_as_it_is(raw_server):
    server = raw_server(said(completion()))
    one(server.base_url, seed=7)
    assert sent(server)["seed"] == 7


@pytest.mark.parametrize(
    ("body", "headers", "settings", "version"),
    [
        ({"policy_version": 12}, (), {}, 12),
        ({"metadata": {"weight_version": "v3"}}, (), {}, "v3"),
        ({}, ("X-Policy-Version: 12",), {"version_header": "x-policy-version"}, 12),
        ({}, ("X-Policy-Version: 12",), {}, None),
        ({}, (), {"version_header": "x-policy-version"}, None),
        ({"metadata": "none"}, (), {}, None),
    ],
)
def test_policy_version(body, headers, settings, version, raw_server):
    answer = one(raw_server(said(completion() | body, *headers)).base_url, **settings)
    assert answer["_gym_llm"].get("policy_version") == version


def text_completion(text="Paris.\n", reason="stop", **choice):
    return {"id": "cmpl", "choices": [{"index": 0, "text": text, "finish_reason": reason, **choice}]}


def test_base_models_get_plain_text(raw_server):
    server = raw_server(said(text_completion(" Paris.")))
    items = [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": " There."}, *ITEMS]
    answer = one(server.base_url, items, {"max_output_tokens": 9, "tools": []}, completions=True)
    assert server.requests[0].startswith(b"POST /v1/completions ")
    assert sent(server) == {
        "model": "m", "prompt": "User: Where?\n\nAssistant: There.\n\nUser: Hello\n\nAssistant:", "max_tokens": 9,
        "stop": ["\n\nUser:", "\n\nSystem:"],
    }  # fmt: skip
    assert output_text(answer["output"]) == " Paris."


def written(messages, tools):
    """A template; named by import path below."""
    return f"{len(messages)} messages, {len(tools)} tools"


def test_base_models_with_a_template_of_ones_own(raw_server, monkeypatch):
    import sys
    import types

    module = types.ModuleType("prompts_of_mine")
    module.written = written
    monkeypatch.setitem(sys.modules, "prompts_of_mine", module)
    server = raw_server(said(text_completion()))
    tool = {"type": "function", "name": "f", "parameters": {}}
    one(
        server.base_url,
        params={"tools": [tool], "max_output_tokens": 9, "stop": ["X"]},
        completions="prompts_of_mine:written",
    )
    assert sent(server) == {"model": "m", "prompt": "1 messages, 1 tools", "max_tokens": 9, "stop": ["X"]}


@pytest.mark.parametrize(
    ("items", "params", "says"),
    [
        (ITEMS, {}, "servers generate 16 tokens"),
        (ITEMS, {"max_output_tokens": 5, "tools": [{"type": "function", "name": "f"}]}, "writes no tools"),
        (
            [{"type": "function_call_output", "call_id": "c", "output": "x"}],
            {"max_output_tokens": 5},
            "no tool messages",
        ),
        ([{"role": "user", "content": [{"type": "input_image", "image_url": "data:,"}]}], {}, "not text"),
    ],
)
def test_what_plain_text_cannot_hold(items, params, says):
    error = ask(ChatCompletionsPolicy("m", URL, completions=True), items, params)
    assert isinstance(error, ModelError)
    assert says in str(error)


def test_one_policy_in_several_loops():
    with MockModel() as server:
        policy = ChatCompletionsPolicy("m", server.base_url)
        for _ in range(3):
            assert ask(policy)["status"] == "completed"
