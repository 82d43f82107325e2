"""The `openai` package's own client understands everything that the mock model says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from gym_llm.items import assistant_message, function_call, function_call_output, message, reasoning
from gym_llm.mock_model import Answer, MockModel, Request

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL: Any = {"type": "function", "name": "get_weather", "parameters": PARAMETERS, "strict": False}
CHAT_TOOL: Any = {"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS}}
LONG = "It is cold in Oslo, and it will stay so until spring: wear a coat. ❄"
CALLS = [
    reasoning("The user wants two cities."),
    function_call("get_weather", {"city": "Oslo"}, "call_1"),
    function_call("get_weather", {"city": "Rome"}, "call_2"),
]
QUESTION = message("How cold is it?")


@pytest.fixture
def server() -> Iterator[MockModel]:
    with MockModel(script=[CALLS, LONG]) as running:
        yield running


@pytest.fixture
def client(server: MockModel) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.base_url, api_key="k", max_retries=0) as made:
        yield made


def answered(output: Any) -> Any:
    """The conversation after the first turn, as a client sends it back."""
    outputs = [function_call_output(call_id, "-3 C") for call_id in ("call_1", "call_2")]
    return [QUESTION, *[item.model_dump(exclude_none=True) for item in output], *outputs]


def test_responses_with_tools(client: openai.OpenAI) -> None:
    first = client.responses.create(model="m", input="How cold is it?", tools=[TOOL], temperature=0.0)
    assert [item.type for item in first.output] == ["reasoning", "function_call", "function_call"]
    second = client.responses.create(model="m", input=answered(first.output), tools=[TOOL])
    assert second.output_text == LONG
    for response in (first, second):
        Response.model_validate(response.model_dump(), strict=True)
        assert (response.status, response.model, response.object) == ("completed", "m", "response")
        assert response.usage is not None
        assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens > 0
    assert (first.temperature, first.tools[0].name) == (0.0, "get_weather")  # type: ignore[union-attr]
    ids = [item.id for item in [*first.output, *second.output]]
    assert len(set(ids)) == len(ids)


def test_responses_stream_event_by_event(client: openai.OpenAI) -> None:
    first = client.responses.create(model="m", input="How cold is it?", tools=[TOOL])
    adapter: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
    for given in ("How cold is it?", answered(first.output)):
        events = list(client.responses.create(model="m", input=given, tools=[TOOL], stream=True))
        for event in events:
            adapter.validate_python(event.model_dump(), strict=True)
        assert [event.sequence_number for event in events] == list(range(len(events)))
        assert [event.type for event in events[:2]] == ["response.created", "response.in_progress"]
        assert events[-1].type == "response.completed"
        done = [event.item for event in events if event.type == "response.output_item.done"]
        assert done == events[-1].response.output


def test_the_stream_helper_rebuilds_the_response(client: openai.OpenAI) -> None:
    with client.responses.stream(model="m", input="How cold is it?", tools=[TOOL]) as stream:
        final = stream.get_final_response()
    assert final.output[1].arguments == '{"city": "Oslo"}'  # type: ignore[union-attr]
    with client.responses.stream(model="m", input=answered(final.output)) as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
        assert len(deltas) > 1
        assert "".join(deltas) == stream.get_final_response().output_text == LONG


def test_chat_with_tools(client: openai.OpenAI) -> None:
    messages: list[Any] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How cold?"}]
    first = client.chat.completions.create(model="m", messages=messages, tools=[CHAT_TOOL])
    choice = first.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert choice.message.model_extra == {"reasoning_content": "The user wants two cities."}
    calls = choice.message.tool_calls or []
    assert [call.function.arguments for call in calls] == ['{"city": "Oslo"}', '{"city": "Rome"}']  # type: ignore[union-attr]
    outputs = [{"role": "tool", "tool_call_id": call.id, "content": "-3 C"} for call in calls]
    second = client.chat.completions.create(
        model="m", messages=[*messages, choice.message.model_dump(exclude_none=True), *outputs]
    )
    assert (second.choices[0].finish_reason, second.choices[0].message.content) == ("stop", LONG)
    for completion in (first, second):
        ChatCompletion.model_validate(completion.model_dump(), strict=True)


def test_chat_stream(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "How cold?"}], tools=[CHAT_TOOL], stream=True,
            stream_options={"include_usage": True},
        )
    )  # fmt: skip
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk.model_dump(), strict=True)
    assert chunks[-1].usage is not None
    assert chunks[-2].choices[0].finish_reason == "tool_calls"
    assert "usage" not in chunks[0].model_fields_set


def test_the_chat_stream_helper_rebuilds_the_completion(client: openai.OpenAI) -> None:
    history: Any = [{"role": "user", "content": "How cold?"}, {"role": "assistant", "content": "?"}]
    with client.chat.completions.stream(model="m", messages=history[:1], tools=[CHAT_TOOL]) as stream:
        calls = stream.get_final_completion().choices[0].message.tool_calls or []
    assert [call.function.arguments for call in calls] == ['{"city": "Oslo"}', '{"city": "Rome"}']
    with client.chat.completions.stream(model="m", messages=[*history, *history[:1]]) as stream:
        assert stream.get_final_completion().choices[0].message.content == LONG


def test_the_asynchronous_client(server: MockModel) -> None:
    async def talk() -> list[Any]:
        async with openai.AsyncOpenAI(base_url=server.base_url, api_key="k") as client:
            response = await client.responses.create(model="m", input="How cold is it?")
            events = [event async for event in await client.responses.create(model="m", input="a", stream=True)]
            completion = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "a"}])
            chunks = [
                chunk
                async for chunk in await client.chat.completions.create(
                    model="m", messages=[{"role": "user", "content": "a"}], stream=True
                )
            ]
            models = await client.models.list()
        ends = [events[-1].type, completion.choices[0].finish_reason, chunks[-1].choices[0].finish_reason]
        return [response.output[1].type, *ends, models.data[0].id]

    expected = ["function_call", "response.completed", "tool_calls", "tool_calls", "mock-model"]
    assert asyncio.run(talk()) == expected


def test_an_incomplete_answer_says_so_in_both_apis() -> None:
    def cut(request: Request) -> Answer:
        return Answer([assistant_message("half")], "max_output_tokens", {"output_tokens": 7})

    with MockModel(answerer=cut) as server, openai.OpenAI(base_url=server.base_url, api_key="k") as client:
        response = client.responses.create(model="m", input="a")
        assert (response.status, response.output[0].status) == ("incomplete", "incomplete")  # type: ignore[union-attr]
        assert response.incomplete_details is not None
        assert response.incomplete_details.reason == "max_output_tokens"
        assert response.usage is not None
        assert response.usage.output_tokens == 7
        events = list(client.responses.create(model="m", input="a", stream=True))
        assert events[-1].type == "response.incomplete"
        completion = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "a"}])
        assert completion.choices[0].finish_reason == "length"


def test_errors_are_the_clients_own_types() -> None:
    with MockModel(model="tiny", api_key="right") as server:
        with openai.OpenAI(base_url=server.base_url, api_key="wrong", max_retries=0) as client:
            with pytest.raises(openai.AuthenticationError, match="Incorrect API key"):
                client.responses.create(model="tiny", input="a")
            with pytest.raises(openai.AuthenticationError):
                client.models.list()
        with openai.OpenAI(base_url=server.base_url, api_key="right", max_retries=0) as client:
            with pytest.raises(openai.NotFoundError, match="'tiny'") as missing:
                client.chat.completions.create(model="huge", messages=[{"role": "user", "content": "a"}])
            assert missing.value.code == "model_not_found"
            assert client.responses.create(model="tiny", input="a").output_text


def test_token_ids_are_contiguous_over_the_turns_of_an_episode() -> None:
    with (
        MockModel(script=[CALLS, "first", "second"], token_ids=True) as server,
        openai.OpenAI(base_url=server.base_url, api_key="k") as client,
    ):
        conversation: Any = [QUESTION]
        seen: list[int] = []
        for _ in range(3):
            output = client.responses.create(
                model="m", input=conversation, tools=[TOOL], instructions="Brief."
            ).model_dump(exclude_none=True)["output"]
            last = output[-1]
            assert all("generation_token_ids" not in item for item in output[:-1])
            assert last["prompt_token_ids"][: len(seen)] == seen
            assert len(last["generation_log_probs"]) == len(last["generation_token_ids"]) > 0
            seen = last["prompt_token_ids"] + last["generation_token_ids"]
            calls = [item["call_id"] for item in output if item["type"] == "function_call"]
            reply = [function_call_output(call_id, "-3 C") for call_id in calls] or [message("And?")]
            conversation = [*conversation, *output, *reply]


def test_chat_token_data_in_the_form_of_vllm(client: openai.OpenAI) -> None:
    extra = {"return_token_ids": True, "return_tokens_as_token_ids": True}
    messages: Any = [{"role": "user", "content": "a"}]
    completion = client.chat.completions.create(
        model="m", messages=messages, logprobs=True, top_logprobs=0, extra_body=extra
    )
    choice = completion.choices[0]
    assert choice.logprobs is not None
    tokens = [entry.token for entry in choice.logprobs.content or []]
    ids = (choice.model_extra or {})["token_ids"]
    assert tokens == [f"token_id:{token}" for token in ids]
    prompt = (completion.model_extra or {})["prompt_token_ids"]
    assert completion.usage is not None
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (len(prompt), len(ids))
    chunks = list(
        client.chat.completions.create(model="m", messages=messages, logprobs=True, extra_body=extra, stream=True)
    )
    assert (chunks[0].model_extra or {})["prompt_token_ids"] == prompt
    assert (chunks[-1].choices[0].model_extra or {})["token_ids"] == ids
