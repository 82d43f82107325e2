"""Policies are rebuilt from plain JSON, and wrong configurations say what is wrong."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import subprocess
import sys

import pytest

from gym_llm.errors import ConfigError
from gym_llm.items import assistant_message
from gym_llm.policies import (
    CallablePolicy,
    OpenAIPolicy,
    Policy,
    RandomPolicy,
    ScriptedPolicy,
    as_policy,
    from_spec,
)
from gym_llm.policies.policy import TYPES


class Quiet(Policy):
    async def __call__(self, observation, info):
        return [assistant_message("")]


def by_name(observation, info):
    return [assistant_message(str(len(observation)) + info["word"])]


POLICIES = [
    OpenAIPolicy("m", "http://localhost:1/v1", timeout=5, reasoning={"effort": "low"}, extra_body={"top_k": 3}),
    OpenAIPolicy("m", "http://localhost:1/v1/", api_key_env=None, max_in_flight=7, max_attempts=1, max_body=9),
    ScriptedPolicy(),
    ScriptedPolicy([[assistant_message("A")], [assistant_message("B")]]),
    RandomPolicy(3),
    CallablePolicy("json:dumps"),
]


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
def test_spec_is_plain_json_and_rebuilds_an_equal_policy(policy):
    spec = policy.spec()
    again = from_spec(json.loads(json.dumps(spec)))
    assert again == policy
    assert again.spec() == spec
    assert hash(again) == hash(policy)


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
def test_policy_travels_by_pickle(policy):
    assert pickle.loads(pickle.dumps(policy)) == policy


def test_policy_is_rebuilt_in_another_process():
    policy = OpenAIPolicy("m", "http://localhost:1/v1", temperature=0.5)
    code = (
        "import sys, json; from gym_llm.policies import from_spec;"
        "print(json.dumps(from_spec(json.loads(sys.argv[1])).spec()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(policy.spec())], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == policy.spec()


def test_policies_that_differ_are_not_equal():
    assert RandomPolicy(1) != RandomPolicy(2)
    assert OpenAIPolicy("m", "http://a/v1") != OpenAIPolicy("m", "http://b/v1")
    assert ScriptedPolicy() != RandomPolicy()


def test_copies_keep_a_key_that_pickles_leave_out():
    policy = OpenAIPolicy("m", "http://a/v1", api_key="k")
    assert copy.deepcopy(policy) is policy
    assert copy.copy(policy) is policy


def test_every_type_can_be_built_by_its_name():
    assert {"callable", "openai", "random", "scripted"} <= set(TYPES)
    assert isinstance(from_spec({"type": "openai", "model": "m"}), OpenAIPolicy)
    assert isinstance(as_policy({"type": "scripted"}), ScriptedPolicy)
    assert as_policy("scripted") == ScriptedPolicy()


def test_a_class_of_ones_own_is_built_by_its_path():
    assert type(from_spec({"type": "gym_llm.policies:RandomPolicy", "seed": 1})) is RandomPolicy


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"type": "opneai", "model": "m"}, "'opneai' is unknown. Did you mean 'openai'?"),
        ({"model": "m"}, "needs `type`"),
        ({"type": "openai"}, "needs model"),
        ({"type": "openai", "model": ""}, "model=''"),
        ({"type": "random", "sede": 1}, "no key 'sede'. Did you mean 'seed'?"),
        ({"type": "random", "seed": -1}, "seed=-1"),
        ({"type": "scripted", "sript": []}, "no key 'sript'"),
        ({"type": "openai", "model": "m", "temprature": 1}, "'temprature' is no setting"),
        ({"type": "openai", "model": "m", "temprature": 1}, "Did you mean 'temperature'?"),
        ({"type": "openai", "model": "m", "top_k": 1}, "extra_body"),
        ({"type": "openai", "model": "m", "stream": True}, "stream cannot be used"),
        ({"type": "openai", "model": "m", "background": True}, "background cannot be used"),
        ({"type": "openai", "model": "m", "extra_body": 3}, "extra_body=3"),
        ({"type": "openai", "model": "m", "metadata": {"a": object()}}, "plain JSON"),
        ({"type": "openai", "model": "m", "base_url": "localhost:8000"}, "base_url='localhost:8000'"),
        ({"type": "openai", "model": "m", "base_url": "http://h:x/v1"}, "is not an address"),
        ({"type": "openai", "model": "m", "base_url": "http://u:p@h/v1"}, "must not hold a user"),
        ({"type": "openai", "model": "m", "base_url": "http://h/v1?api_key=x"}, "must not hold"),
        ({"type": "openai", "model": "m", "timeout": 0}, "timeout=0"),
        ({"type": "openai", "model": "m", "max_in_flight": 0}, "max_in_flight=0"),
        ({"type": "openai", "model": "m", "max_attempts": "5"}, "max_attempts='5'"),
        ({"type": "no_such_module:Policy"}, "cannot be imported"),
        ({"type": "json:dumps"}, "not a subclass"),
        ({"type": "callable", "target": "json:no_such"}, "cannot be imported"),
        ({"type": "callable", "target": "json:JSONDecoder"}, "is not a function"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_spec_is_refused_with_its_cure(spec, said):
    with pytest.raises(ConfigError) as caught:
        from_spec(spec)
    assert said in str(caught.value)


@pytest.mark.parametrize("thing", [3, None, RandomPolicy])
def test_what_is_no_policy_is_refused(thing):
    with pytest.raises(ConfigError, match=r"is no policy|give an instance"):
        as_policy(thing)


async def _async_one(observation):
    return observation


async def _async_two(observation, info):
    return [observation, info]


class _Object:
    def __call__(self, observation, *, temperature=1.0):
        return observation


@pytest.mark.parametrize(
    ("function", "answer"),
    [
        (lambda observation: observation, "obs"),
        (lambda observation, info: [observation, info], ["obs", {}]),
        (lambda observation, info=None: [observation, info], ["obs", {}]),
        (lambda observation, temperature=0.5: [observation, temperature], ["obs", 0.5]),
        (lambda *both: list(both), ["obs", {}]),
        (_async_one, "obs"),
        (_async_two, ["obs", {}]),
        (_Object(), "obs"),
    ],
)
def test_any_callable_is_a_policy(function, answer):
    policy = as_policy(function)
    assert asyncio.run(policy("obs", {})) == answer
    assert policy.for_episode(None, 0) is policy


def test_callable_is_rebuilt_by_its_name_when_it_has_one():
    policy = as_policy(json.dumps)
    assert policy.spec() == {"type": "callable", "target": "json:dumps"}
    assert from_spec(policy.spec()) == policy
    with pytest.raises(ConfigError, match="top level of a module"):
        from_spec(as_policy(lambda observation: []).spec())


def test_own_policy_needs_no_more_than_call():
    policy = as_policy(Quiet())
    assert policy is not None
    assert policy.spec()["type"].endswith(":Quiet")
    assert policy == Quiet()


@pytest.mark.parametrize("policy", [ScriptedPolicy(), RandomPolicy()])
def test_policies_with_state_say_that_they_answer_per_episode(policy):
    with pytest.raises(ConfigError, match="for_episode"):
        asyncio.run(policy([], {}))
