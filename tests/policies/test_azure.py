"""`AzureOpenAIPolicy`: both APIs, both schemes of addresses, key and token; and the openai package's own client."""

from __future__ import annotations

import asyncio
import json
import pickle

import openai
import pytest
from raw_server import ITEMS, ask, http

from gym_llm.errors import ConfigError, ModelError
from gym_llm.items import output_text
from gym_llm.mock_model import MockModel
from gym_llm.policies import AzureOpenAIPolicy, as_policy, from_spec

DATE = "2025-03-01-preview"
CANARY = "SECRET_77ab"
RESPONSE = http(b'{"status": "completed", "output": []}')
COMPLETION = http(b'{"choices": [{"finish_reason": "stop", "message": {"content": "Hi."}}]}')


@pytest.fixture(autouse=True)
def _no_azure(monkeypatch):
    for name in ("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", "OPENAI_API_VERSION"):
        monkeypatch.delenv(name, raising=False)


WHERE = {
    ("responses", None): "/openai/v1/responses",
    ("responses", "preview"): "/openai/v1/responses?api-version=preview",
    ("responses", DATE): f"/openai/responses?api-version={DATE}",
    ("chat", "v1"): "/openai/v1/chat/completions",
    ("chat", DATE): f"/openai/deployments/dep/chat/completions?api-version={DATE}",
}


@pytest.mark.parametrize(("api", "version"), WHERE)
def test_address_and_key(api, version, raw_server):
    server = raw_server(RESPONSE if api == "responses" else COMPLETION)
    resource = server.base_url.removesuffix("/v1")
    answer = ask(AzureOpenAIPolicy("dep", resource, version, api=api, api_key=CANARY))[0]
    assert isinstance(answer, dict), answer
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(f"POST {WHERE[api, version]} HTTP/1.1\r\n".encode())
    assert f"api-key: {CANARY}".encode() in head
    assert b"Authorization" not in head
    assert json.loads(body)["model"] == "dep"


@pytest.mark.parametrize("api", ["responses", "chat"])
@pytest.mark.parametrize("version", [None, DATE])
def test_mock_model_speaks_it(api, version):
    with MockModel(text="Hi.", api_key=CANARY, model="dep") as server:
        policy = AzureOpenAIPolicy("dep", server.url, version, api=api, api_key=CANARY)
        answer = ask(policy)[0]
        (found,) = asyncio.run(policy.probe())
        other = AzureOpenAIPolicy("nope", server.url, version, api=api, api_key=CANARY)
        with pytest.raises(ModelError, match="has no model 'nope'"):
            asyncio.run(other.probe())
    assert output_text(answer["output"]) == "Hi."
    assert found.models == ("dep",)


def test_token_of_entra_id_is_a_bearer(raw_server, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", CANARY)
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "a-key")
    server = raw_server(RESPONSE)
    ask(AzureOpenAIPolicy("dep", server.base_url.removesuffix("/v1"), azure_ad_token_env="MY_TOKEN"))
    assert f"Authorization: Bearer {CANARY}".encode() in server.requests[0]
    assert b"a-key" not in server.requests[0]


def test_environment_of_the_openai_package(raw_server, monkeypatch):
    server = raw_server(RESPONSE)
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", server.base_url.removesuffix("/v1") + "/")
    monkeypatch.setenv("OPENAI_API_VERSION", DATE)
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", CANARY)
    policy = AzureOpenAIPolicy("dep")
    ask(policy)
    assert server.requests[0].startswith(f"POST /openai/responses?api-version={DATE} ".encode())
    assert f"api-key: {CANARY}".encode() in server.requests[0]
    assert policy.spec()["api_version"] == DATE


@pytest.mark.parametrize("end", ["", "/", "/openai", "/openai/v1", "/openai/v1/"])
def test_address_may_be_copied_from_the_portal(end):
    assert AzureOpenAIPolicy("d", f"https://n.openai.azure.com{end}") == AzureOpenAIPolicy(
        "d", "https://n.openai.azure.com"
    )


def test_spec_builds_an_equal_policy_and_holds_no_key():
    policy = AzureOpenAIPolicy("dep", "https://n.test", DATE, "chat", CANARY, temperature=0.3, think_opened=True)
    assert CANARY not in repr(policy) + repr(pickle.dumps(policy)) + str(policy.spec())
    assert from_spec(policy.spec()) == policy == pickle.loads(pickle.dumps(policy))
    assert policy.spec()["temperature"] == 0.3
    assert policy.spec()["think_opened"] is True
    assert policy.secrets() == [CANARY]
    assert policy != AzureOpenAIPolicy("dep", "https://n.test", DATE, "chat", temperature=0.4, think_opened=True)


def test_sampling_is_laid_over():
    with MockModel(keep_requests=1) as server:
        for api in ("responses", "chat"):
            policy = AzureOpenAIPolicy("dep", server.url, api=api, temperature=0.3).sampled({"temperature": 0.9})
            assert isinstance(ask(policy)[0], dict)
            assert server.recent[0]["temperature"] == 0.9
            assert policy.create_call({"top_p": 1})["temperature"] == 0.9


def test_wrong_settings():
    for settings, says in [
        ({}, "azure_endpoint is missing"),
        ({"azure_endpoint": "n.openai.azure.com"}, "is not an address"),
        ({"azure_endpoint": "https://n.test", "api_version": "v2"}, "give a date such as"),
        ({"azure_endpoint": "https://n.test", "api": "messages"}, "give one of responses, chat"),
        ({"azure_endpoint": "https://n.test", "temprature": 1}, "Did you mean 'temperature'"),
    ]:
        with pytest.raises(ConfigError, match=says):
            as_policy({"type": "azure", "model": "d", **settings})


def test_wrong_key_says_where_it_comes_from():
    with MockModel(api_key="right") as server:
        missing = ask(AzureOpenAIPolicy("d", server.url))[0]
        wrong = ask(AzureOpenAIPolicy("d", server.url, api_key=CANARY))[0]
    assert "set AZURE_OPENAI_API_KEY" in str(missing)
    assert "Check the API key in AZURE_OPENAI_API_KEY" in str(wrong)
    assert CANARY not in str(wrong)


def test_client_of_the_openai_package_works_against_the_mock():
    with (
        MockModel(text="Hi.", api_key="k", model="dep") as server,
        openai.AzureOpenAI(azure_endpoint=server.url, api_version=DATE, api_key="k", max_retries=0) as client,
    ):
        assert client.responses.create(model="dep", input="Hello").output_text == "Hi."
        completion = client.chat.completions.create(model="dep", messages=[{"role": "user", "content": "Hello"}])
        assert completion.choices[0].message.content == "Hi."
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model="nope", messages=[{"role": "user", "content": "Hello"}])
        assert [model.id for model in client.models.list()] == ["dep"]


def test_mock_has_nothing_at_old_addresses_without_a_version(raw_server):
    with MockModel() as server:
        policy = AzureOpenAIPolicy("d", server.url, "v1", api="chat")
        assert isinstance(asyncio.run(policy(ITEMS, {})), dict)
        with (
            openai.OpenAI(base_url=f"{server.url}/openai", api_key="k", max_retries=0) as client,
            pytest.raises(openai.NotFoundError, match="Nothing at /openai/responses"),
        ):
            client.responses.create(model="d", input="Hello")
