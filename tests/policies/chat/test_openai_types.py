"""The `openai` package accepts what is sent and what comes out: its request types, its client, its objects."""

from __future__ import annotations

from random import Random

import openai
import pytest
from asking import completion, one
from conversations import conversation
from openai.types.chat import ChatCompletion
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.responses import Response
from pydantic import TypeAdapter

from gym_llm.items import function_call, function_call_output, message, reasoning
from gym_llm.mock_model import MockModel
from gym_llm.policies.chat.completion import response
from gym_llm.policies.chat.conversion import chat_messages
from gym_llm.policies.chat.request import merged, read_params
from gym_llm.policies.chat.rules import Rules

REQUESTS = TypeAdapter(CompletionCreateParamsNonStreaming)
NOT_OPENAI = ("video_url", "audio_url")  # parts that vLLM has and OpenAI has not
TOOL = {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}
PARAMS = {
    "tools": [TOOL], "tool_choice": {"type": "function", "name": "f"}, "parallel_tool_calls": False,
    "temperature": 0.5, "top_p": 0.9, "max_output_tokens": 99, "reasoning": {"effort": "low"}, "top_logprobs": 2,
    "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}, "verbosity": "low"},
    "metadata": {"split": "train"}, "user": "u", "store": False, "service_tier": "auto",
}  # fmt: skip
ITEMS = [
    message("Be brief.", "developer"), message("Do I need a coat?"), reasoning("Look it up."),
    function_call("f", {"city": "Oslo"}, "call_1"), function_call_output("call_1", "cold"),
]  # fmt: skip


def request(items, params, **sampling):
    body, instructions = merged(read_params(params), read_params(sampling))
    return {"model": "m", "messages": chat_messages(items, instructions=instructions)} | body


@pytest.mark.parametrize("sampling", [{}, {"seed": 3, "stop": ["\n"], "max_completion_tokens": 5}])
def test_requests_are_what_openai_types_say(sampling):
    made = request(ITEMS, PARAMS | {"instructions": "Be kind."}, **sampling)
    REQUESTS.validate_python(made, strict=False)
    assert made["messages"][0] == {"role": "system", "content": "Be kind.\n\nBe brief."}


def test_a_thousand_conversations_are_what_openai_types_say():
    checked = 0
    for seed in range(1000):
        made = request(conversation(Random(f"openai {seed}")), {})
        if not any(f"'{kind}'" in str(made) for kind in NOT_OPENAI):
            REQUESTS.validate_python(made)
            checked += 1
    assert checked > 500


def test_openais_client_sends_what_the_policy_sends():
    with MockModel(text="Warm.", keep_requests=2) as server:
        mine = one(server.base_url, ITEMS, PARAMS, api_key="k")
        client = openai.OpenAI(base_url=server.base_url, api_key="k", max_retries=0)
        with client:
            theirs = client.chat.completions.create(**request(ITEMS, PARAMS))
        assert server.recent[0] == server.recent[1]
    converted = response(theirs.model_dump(), Rules(), PARAMS, log_probs=True)
    assert converted["output"][0]["content"][0]["text"] == mine["output"][0]["content"][0]["text"] == "Warm."
    assert mine["output"][0]["content"][0]["logprobs"]
    for made in (mine, converted):
        made["usage"] = None  # the mock model says nothing of cached tokens
        Response.model_validate(made)


MESSAGES = [
    {"role": "assistant", "content": "Hi"},
    {"role": "assistant", "content": "<think>So.</think>Hi"},
    {"role": "assistant", "content": None, "refusal": "No."},
    {"role": "assistant", "content": None, "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
]  # fmt: skip


@pytest.mark.parametrize("finish_reason", ["stop", "length", "content_filter", "tool_calls"])
@pytest.mark.parametrize("given", MESSAGES)
def test_completions_of_openais_types_become_responses_of_theirs(given, finish_reason):
    usage = {
        "prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13,
        "prompt_tokens_details": {"cached_tokens": 3, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }  # fmt: skip
    body = completion(given, finish_reason, usage=usage, choice={"logprobs": None})
    theirs = ChatCompletion.model_validate(body)
    made = response(theirs.model_dump(), Rules(), PARAMS)
    assert made["usage"]["input_tokens_details"] == {"cached_tokens": 3}
    assert made["usage"]["output_tokens_details"] == {"reasoning_tokens": 2}
    made["usage"]["input_tokens_details"]["cache_write_tokens"] = 0  # which chat does not tell
    checked = Response.model_validate(made)
    assert checked.output_text == ("" if given["content"] is None else "Hi")
    assert checked.status == ("completed" if finish_reason in ("stop", "tool_calls") else "incomplete")
