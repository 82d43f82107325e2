"""Token data: all three lists on a call's last item, from wherever the server puts them, or an error."""

from __future__ import annotations

import pytest
from asking import ITEMS, completion, one, said, sent
from raw_server import http

from gym_llm.errors import ModelError
from gym_llm.mock_model import MockModel

PROMPT, IDS, PROBABILITIES = list(range(9)), [11, 12], [-0.5, -0.25]
AS_IDS = {"content": [{"token": f"token_id:{i}", "logprob": p} for i, p in zip(IDS, PROBABILITIES, strict=True)]}
AS_TEXT = {"content": [{"token": "Hi", "logprob": -0.5}, {"token": ".", "logprob": -0.25}]}
LEGACY = {"tokens": ["token_id:11", "token_id:12"], "token_logprobs": PROBABILITIES}


def data(item):
    return [item.get(key) for key in ("prompt_token_ids", "generation_token_ids", "generation_log_probs")]


def ask_with(raw_server, choice, *more, **settings):
    body = completion(choice=choice, **settings.pop("body", {}))
    server = raw_server(said(body), *more)
    return one(server.base_url, return_token_ids=True, max_attempts=1, **settings), server


@pytest.mark.parametrize(
    ("choice", "body"),
    [
        ({"logprobs": AS_IDS, "token_ids": IDS}, {"prompt_token_ids": PROMPT}),
        ({"logprobs": AS_IDS}, {"prompt_token_ids": PROMPT}),
        ({"logprobs": AS_TEXT, "token_ids": IDS}, {"prompt_token_ids": PROMPT}),
        ({"logprobs": AS_IDS, "token_ids": IDS, "prompt_token_ids": PROMPT}, {}),
        ({"logprobs": LEGACY, "token_ids": IDS}, {"prompt_token_ids": PROMPT}),
    ],
)
def test_the_places_that_servers_use(raw_server, choice, body):
    answer, server = ask_with(raw_server, choice, body=body)
    assert data(answer["output"][-1]) == [PROMPT, IDS, PROBABILITIES]
    asked = sent(server)
    assert (asked["logprobs"], asked["top_logprobs"]) == (True, 0)
    assert asked["return_token_ids"] is asked["return_tokens_as_token_ids"] is True


def test_only_the_last_item_of_a_call_has_them(raw_server):
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"content": "<think>So.</think>Look:", "tool_calls": [call]}
    choice = {"message": message, "logprobs": AS_IDS}
    answer, _ = ask_with(raw_server, choice, body={"prompt_token_ids": PROMPT})
    assert [data(item)[1] for item in answer["output"]] == [None, None, IDS]


def test_prompt_ids_are_asked_of_tokenize(raw_server):
    tokens = said({"tokens": PROMPT, "count": 9, "max_model_len": 4096})
    server = raw_server(said(completion(choice={"logprobs": AS_IDS})), tokens)
    params = {
        "tools": [{"type": "function", "name": "f"}], "temperature": 1.0,
        "metadata": {"chat_template_kwargs": '{"enable_thinking": false}'},
    }  # fmt: skip
    answer = one(server.base_url, params=params, return_token_ids=True)
    assert data(answer["output"][-1]) == [PROMPT, IDS, PROBABILITIES]
    assert server.requests[1].startswith(b"POST /tokenize ")
    assert sent(server, 1) == {
        "model": "m", "messages": ITEMS, "tools": [{"type": "function", "function": {"name": "f"}}],
        "chat_template_kwargs": {"enable_thinking": False}, "add_generation_prompt": True,
    }  # fmt: skip


def test_of_a_base_models_prompt_too(raw_server):
    choice = {"text": "Hi", "finish_reason": "stop", "logprobs": LEGACY, "token_ids": IDS}
    server = raw_server(said({"choices": [choice], "usage": {"prompt_tokens": 9}}), said({"tokens": PROMPT}))
    params = {"max_output_tokens": 5}
    answer = one(server.base_url, params=params, return_token_ids=True, completions=True)
    assert data(answer["output"][-1]) == [PROMPT, IDS, PROBABILITIES]
    assert sent(server)["logprobs"] == 0
    assert sent(server, 1) == {"model": "m", "prompt": "User: Hello\n\nAssistant:"}


WRONG = {
    "no log probabilities": ({"logprobs": None, "token_ids": IDS}, "no log probabilities"),
    "no ids": ({"logprobs": AS_TEXT}, "no token ids"),
    "two places that differ": ({"logprobs": AS_IDS, "token_ids": [11, 13]}, "differ"),
    "ids without probability": ({"logprobs": AS_TEXT, "token_ids": [1, 2, 3]}, "3 generated ids and 2"),
    "a probability that is null": (
        {"logprobs": {"content": [{"token": "a", "logprob": None}]}, "token_ids": [1]}, "malformed"),
    "a log probability that is no list": ({"logprobs": {"content": {"token": 1}}}, "malformed"),
    "ids that are text": ({"logprobs": AS_TEXT, "token_ids": ["1", "2"]}, "malformed"),
    "an id that is no number": (
        {"logprobs": {"content": [{"token": "token_id:x", "logprob": -1.0}]}}, "no token ids"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_all_or_an_error(name, raw_server):
    choice, says = WRONG[name]
    error, _ = ask_with(raw_server, choice, body={"prompt_token_ids": PROMPT})
    assert isinstance(error, ModelError)
    assert error.kind == "invalid_response"
    assert says in str(error)


def test_prompt_ids_of_another_shape(raw_server):
    error, _ = ask_with(raw_server, {"logprobs": AS_IDS}, body={"prompt_token_ids": "1 2"})
    assert isinstance(error, ModelError)
    assert "malformed" in str(error)


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (said({"tokens": [1, 2]}), "gave 2 prompt ids, the completion counted 9"),
        (said({"tokens": "1 2"}), "no list of token ids"),
        (said({"detail": "Not Found"}), "no list of token ids"),
        (http(b"{}", "404 Not Found"), "/tokenize"),
    ],
)
def test_prompt_ids_that_cannot_be_trusted(reply, says, raw_server):
    error, _ = ask_with(raw_server, {"logprobs": AS_IDS}, reply)
    assert isinstance(error, ModelError)
    assert says in str(error)


HISTORY = [
    {"role": "assistant", "content": "Yes?", "prompt_token_ids": [9], "generation_token_ids": [9]},
    *ITEMS,
    {"role": "assistant", "content": "Hi", "prompt_token_ids": [1, 2], "generation_token_ids": [3],
     "generation_log_probs": [-1.0]},
    {"role": "user", "content": "Go on."},
]  # fmt: skip


@pytest.mark.parametrize("history", ["drop", "messages", "required_prefix"])
def test_what_goes_back(history, raw_server):
    server = raw_server(said(completion()))
    one(server.base_url, HISTORY, token_history=history)
    body = sent(server)
    assert body.get("required_prefix_token_ids") == ([1, 2, 3] if history == "required_prefix" else None)
    assert data(body["messages"][2]) == ([[1, 2], [3], [-1.0]] if history == "messages" else [None] * 3)


def test_nothing_is_required_of_the_first_prompt(raw_server):
    server = raw_server(said(completion()))
    one(server.base_url, token_history="required_prefix")
    assert "required_prefix_token_ids" not in sent(server)


def test_the_mock_model_sends_all_of_it():
    with MockModel(text="Hi.") as server:
        answer = one(server.base_url, return_token_ids=True)
    prompt, ids, probabilities = data(answer["output"][-1])
    assert answer["usage"]["input_tokens"] == len(prompt)
    assert answer["usage"]["output_tokens"] == len(ids) == len(probabilities)
