"""Settings: composed by Hydra, checked by schemas, defaults equal to those of the Python functions."""

from __future__ import annotations

import inspect

import pytest

from gym_llm.configs import compose, files
from gym_llm.configs.keys import keys
from gym_llm.configs.policy import MockPolicy, OpenAISchema, RandomSchema, SamplingSchema, ScriptedSchema
from gym_llm.configs.schemas import CollectConfig, ListConfig, PlayConfig
from gym_llm.conformance import check
from gym_llm.errors import ConfigError
from gym_llm.policies import AzureOpenAIPolicy, ChatCompletionsPolicy, OpenAIPolicy
from gym_llm.rollouts import collect


def load(*words: str, **given: str) -> CollectConfig:
    return compose.load("collect", CollectConfig, words, {"env": "MCQA", **given})


def test_the_policy_is_the_mock_model_unless_chosen():
    assert load().policy == MockPolicy(type="mock", latency=0)
    assert load("policy=random").policy == RandomSchema(type="random")
    assert load("policy=scripted").policy == ScriptedSchema(type="scripted")


def test_overrides_reach_every_depth():
    config = load("limit=3", "sampling.temperature=0.5", "sampling.reasoning.effort=low", "env_kwargs.max_turns=4")
    assert (config.limit, config.sampling.temperature) == (3, 0.5)
    assert config.sampling.reasoning == {"effort": "low"}
    assert config.env_kwargs == {"max_turns": 4}


def test_plus_and_plain_mean_the_same_for_a_known_key():
    assert load("++limit=3") == load("limit=3")


def test_interpolation_reads_the_environment(monkeypatch):
    monkeypatch.setenv("MY_KEY", "SECRET_0815")
    policy = load("policy=openai", "policy.model=m", "policy.api_key=${oc.env:MY_KEY}").policy
    assert isinstance(policy, OpenAISchema)
    assert policy.api_key is not None
    assert policy.api_key.get_secret_value() == "SECRET_0815"
    assert "SECRET_0815" not in repr(policy) + str(policy) + policy.model_dump_json()


def test_given_values_are_taken_literally():
    assert load(env="a=b${oc.env:HOME}").env == "a=b${oc.env:HOME}"


def test_settings_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        load().limit = 3  # type: ignore[misc]


def test_a_file_without_groups_needs_no_hydra_and_means_the_same():
    plain = compose.load("play", PlayConfig, [], {"env": "MCQA"})
    assert plain == compose.load("play", PlayConfig, ["seed=0"], {"env": "MCQA"})
    assert compose.load("list", ListConfig, [], {}).as_json is False


def test_every_missing_key_is_named():
    with pytest.raises(ConfigError, match=r"required: env \(.*\), policy\.model \("):
        compose.load("collect", CollectConfig, ["policy=openai"], {})


def test_composing_leaves_no_trace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    load("policy=random", "limit=2")
    assert not list(tmp_path.iterdir())
    from hydra.core.global_hydra import GlobalHydra

    assert not GlobalHydra.instance().is_initialized()


@pytest.mark.parametrize("option", files.groups()["policy"])
def test_options_name_exactly_the_keys_of_their_schema(option):
    settings = files.read("collect") | {"policy": files.read(f"policy/{option}")}
    known = {key.path for key in keys(CollectConfig, settings) if key.path.startswith("policy.")}
    assert known == {f"policy.{name}" for name in settings["policy"]}


@pytest.mark.parametrize(
    ("option", "classes"),
    [
        ("openai", [OpenAIPolicy]),
        ("chat", [ChatCompletionsPolicy]),
        ("azure", [OpenAIPolicy, AzureOpenAIPolicy]),  # what it does not name itself, it passes on
    ],
)
def test_defaults_are_those_of_the_policy(option, classes):
    written = {key: None if "${" in str(value) else value for key, value in files.read(f"policy/{option}").items()}
    parameters = [each for made in classes for each in inspect.signature(made).parameters.values()]
    defaults = {each.name: each.default for each in parameters if each.kind is not each.VAR_KEYWORD}
    if option == "azure":
        del defaults["base_url"]
    assert written == dict.fromkeys(SamplingSchema.model_fields) | defaults | {"type": option, "model": None}


@pytest.mark.parametrize(("command", "function"), [("collect", collect), ("check", check)])
def test_defaults_are_those_of_the_function(command, function):
    parameters = inspect.signature(function).parameters
    yaml = files.read(command)
    for name, parameter in parameters.items():
        if parameter.default is not inspect.Parameter.empty and name in yaml and not isinstance(yaml[name], dict):
            assert yaml[name] == parameter.default, name
    known = {"env" if name == "env_id" else name for name in parameters} - {"policy"}
    assert known == yaml.keys() - {"defaults", "wrappers"}
