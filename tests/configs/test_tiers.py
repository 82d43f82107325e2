"""Which source wins: packaged < config_paths < env.yaml < command line; includes; groups; interpolation."""

from __future__ import annotations

import pytest

from gym_llm.configs import compose
from gym_llm.configs.policy import ChatSchema, MockPolicy, OpenAISchema
from gym_llm.configs.schemas import DoctorConfig, ListConfig
from gym_llm.errors import ConfigError


def test_a_later_tier_wins(folder):
    folder.write("one.yaml", "seed: 1\nlimit: 1\nnum_repeats: 1\nconcurrency: 1")
    folder.write("two.yaml", "limit: 2\nnum_repeats: 2\nconcurrency: 2")
    folder.write("env.yaml", "num_repeats: 3\nconcurrency: 3")
    found = folder.collect("config_paths=[one.yaml,two.yaml]", "concurrency=4", env="MCQA")
    assert (found.seed, found.limit, found.num_repeats, found.concurrency) == (1, 2, 3, 4)


def test_the_command_line_replaces_config_paths_as_a_whole(folder):
    folder.write("one.yaml", "seed: 1")
    folder.write("two.yaml", "limit: 2")
    folder.write("env.yaml", "config_paths: [one.yaml]")
    assert folder.collect(env="MCQA").seed == 1
    found = folder.collect("config_paths=[two.yaml]", env="MCQA")
    assert (found.seed, found.limit) == (0, 2)


def test_mappings_merge_and_lists_are_replaced(folder):
    folder.write("one.yaml", "env_kwargs: {a: 1, b: 1}\nwrappers: [TimeLimit, NewItems]")
    folder.write("two.yaml", "env_kwargs: {b: 2}\nwrappers: [NewItems]")
    found = folder.collect("config_paths=[one.yaml,two.yaml]", "+env_kwargs.c=3", env="MCQA")
    assert found.env_kwargs == {"a": 1, "b": 2, "c": 3}
    assert found.wrappers == ["NewItems"]


def test_a_tilde_takes_a_key_away(folder):
    folder.write("env.yaml", "env_kwargs: {a: 1, b: 1}")
    assert folder.collect("~env_kwargs.a", env="MCQA").env_kwargs == {"b": 1}


def test_an_included_file_is_lower_than_its_includer(folder):
    folder.write("runs/run.yaml", "config_paths: [parts/base.yaml, parts/more.yaml]\nlimit: 9")
    folder.write("runs/parts/base.yaml", "limit: 1\nseed: 1\nnum_repeats: 1")
    folder.write("runs/parts/more.yaml", "seed: 2")
    found = folder.collect("config_paths=[runs/run.yaml]", env="MCQA")
    assert (found.limit, found.seed, found.num_repeats) == (9, 2, 1)


def test_a_file_included_twice_is_read_once_with_a_note(folder):
    folder.write("base.yaml", "seed: 1")
    folder.write("a.yaml", "config_paths: [base.yaml]\nseed: 2")
    folder.write("b.yaml", "config_paths: [base.yaml]")
    composed = folder.composed("config_paths=[a.yaml,b.yaml]", env="MCQA")
    assert composed.settings["seed"] == 2
    assert [note for note in composed.notes if "base.yaml is included more than once" in note]


def test_placeholders_fill_the_packaged_presets(folder):
    folder.write("env.yaml", "policy_base_url: http://h/v1\npolicy_api_key: SECRET_1\npolicy_model_name: m")
    for option in ("openai", "chat"):
        policy = folder.collect(f"policy={option}", env="MCQA").policy
        assert isinstance(policy, OpenAISchema | ChatSchema)
        assert (policy.model, policy.base_url) == ("m", "http://h/v1")
        assert policy.api_key is not None
        assert policy.api_key.get_secret_value() == "SECRET_1"
    assert folder.collect("policy=openai", "policy_model_name=n", env="MCQA").policy.model == "n"
    assert folder.collect(env="MCQA").policy == MockPolicy(type="mock", latency=0)


def test_a_file_may_choose_options_and_refine_them(folder):
    folder.write("run.yaml", "defaults:\n  - policy: chat\npolicy: {model: m, timeout: 7}")
    policy = folder.collect("config_paths=[run.yaml]", env="MCQA").policy
    assert (policy.type, policy.timeout, policy.max_attempts) == ("chat", 7, 5)
    folder.write("run.yaml", "policy: {type: chat, model: m}")
    assert folder.collect("config_paths=[run.yaml]", env="MCQA").policy.type == "chat"
    folder.write("run.yaml", "policy: scripted")
    assert folder.collect("config_paths=[run.yaml]", env="MCQA").policy.type == "scripted"


def test_another_choice_drops_what_files_say_for_theirs(folder):
    folder.write("base.yaml", "policy: {timeout: 7}")
    folder.write("run.yaml", "config_paths: [base.yaml]\ndefaults: [{policy: chat}]\npolicy: {model: m}")
    assert folder.collect("config_paths=[run.yaml]", "policy=mock", env="MCQA").policy.type == "mock"
    assert folder.collect("config_paths=[run.yaml]", env="MCQA").policy.timeout == 7


def test_env_yaml_refines_whatever_policy_is_chosen(folder):
    folder.write("env.yaml", "policy: {api_key: SECRET_1}")
    policy = folder.collect("policy=openai", "policy.model=m", env="MCQA").policy
    assert policy.api_key.get_secret_value() == "SECRET_1"


def test_groups_come_from_folders_of_the_users(folder):
    folder.write("mine/policy/lab.yaml", "defaults: [chat]\nmodel: lab\ntimeout: 9")
    folder.write("mine/env/hard.yaml", "env: MCQA\nenv_kwargs: {shuffle_options: true}")
    folder.write("mine/collect/big.yaml", "num_repeats: 64")
    found = folder.collect("policy=lab", "collect=big", search_dirs=("mine",), env="hard")
    assert (found.env, found.env_kwargs, found.num_repeats) == ("MCQA", {"shuffle_options": True}, 64)
    assert (found.policy.type, found.policy.model, found.policy.timeout) == ("chat", "lab", 9)
    folder.write("mine/run.yaml", "policy: lab")
    assert folder.collect("config_paths=[mine/run.yaml]", env="MCQA").policy.model == "lab"


def test_an_environments_preset_is_not_its_name(folder):
    assert folder.collect(env="mcqa").env_kwargs == {}
    folder.write("env/mcqa.yaml", "env: MCQA\nenv_kwargs: {shuffle_options: true}")
    assert folder.collect(search_dirs=(".",), env="mcqa").env_kwargs == {"shuffle_options": True}
    assert folder.collect(search_dirs=(".",), env="MCQA").env_kwargs == {}
    folder.write("run.yaml", "env: mcqa")
    assert folder.collect("config_paths=[run.yaml]", "env=SimpleWeather").env == "SimpleWeather"
    assert folder.collect("config_paths=[run.yaml]").env == "MCQA"


def test_a_file_chooses_only_presets_that_there_are(folder):
    folder.write("run.yaml", "defaults: [{env: MCQA}]")
    with pytest.raises(ConfigError, match=r"env=MCQA \(run.yaml\S*\): no such option. There are: none"):
        folder.collect("config_paths=[run.yaml]")


def test_interpolation_reaches_across_files(folder, monkeypatch):
    monkeypatch.setenv("GYM_LLM_TEST_SEED", "17")
    folder.write("run.yaml", "vars: {size: 3}\nlimit: ${vars.size}\noutput: ${vars.name}-${limit}.jsonl")
    folder.write("env.yaml", "vars: {name: mine}\nseed: ${oc.env:GYM_LLM_TEST_SEED}")
    found = folder.collect("config_paths=[run.yaml]", env="MCQA")
    assert (found.limit, str(found.output), found.seed) == (3, "mine-3.jsonl", 17)


def test_one_file_serves_several_commands(folder):
    folder.write("env.yaml", "policy: scripted\nlimit: 3\ntimeout: 2")
    assert compose.load("doctor", DoctorConfig, [], {}).timeout == 2
    assert compose.load("list", ListConfig, [], {}).as_json is False
    with pytest.raises(ConfigError, match="unknown key 'limit'"):
        compose.load("doctor", DoctorConfig, ["limit=3"], {})
