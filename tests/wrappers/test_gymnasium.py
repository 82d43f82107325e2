"""Gymnasium's own wrappers, specifications and vector environments around ours."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.error import ResetNeeded
from gymnasium.wrappers import (
    OrderEnforcing,
    PassiveEnvChecker,
    RecordEpisodeStatistics,
    TimeLimit,
    TransformReward,
)

import gym_llm
from gym_llm import items
from gym_llm.wrappers import NewItems, TextAction, TextObservation

COUNTER = "gym_llm/StatefulCounter-v0"
LOOK = [items.function_call("get_counter_value", {})]


def test_time_limit_truncates():
    env = TimeLimit(gymnasium.make(COUNTER), 2)
    env.reset(seed=0)
    assert [env.step(LOOK)[3] for _ in range(2)] == [False, True]


def test_episode_statistics():
    env = RecordEpisodeStatistics(gymnasium.make(COUNTER))
    env.reset(options={"task_index": 0})
    for action in env.unwrapped.solve(env.unwrapped.task):
        *_, info = env.step(action)
    assert info["episode"]["r"] == 1.0
    assert info["episode"]["l"] == env.unwrapped.episode.turns


def test_order_is_enforced():
    with pytest.raises(ResetNeeded):
        OrderEnforcing(gymnasium.make(COUNTER)).step(LOOK)


def test_the_passive_checker_finds_nothing():
    env = PassiveEnvChecker(gymnasium.make(COUNTER, disable_env_checker=True))
    env.reset(seed=0)
    assert env.step(LOOK)[0][-1]["type"] == "function_call_output"


def test_rewards_are_transformed():
    env = TransformReward(gymnasium.make(COUNTER), lambda reward: reward - 1)
    env.reset(seed=0)
    assert env.step(LOOK)[1] == -1.0


def test_wrapped_environments_come_back_from_their_specification():
    env = TextObservation(
        TextAction(NewItems(TimeLimit(gymnasium.make(COUNTER, max_turns=5), 3)), max_length=99), view="new"
    )
    again = gymnasium.make(EnvSpec.from_json(env.spec.to_json()))
    assert str(again) == str(env)
    assert again.unwrapped.max_turns == 5
    assert again.reset(seed=1)[0] == env.reset(seed=1)[0]
    text = '<tool_call>{"name": "get_counter_value"}</tool_call>'
    assert again.step(text)[0] == env.step(text)[0]


@pytest.mark.parametrize("kwargs", [{"vectorization_mode": "sync"}, {"vectorization_mode": "async"}], ids=str)
def test_vector_environments(kwargs):
    if kwargs["vectorization_mode"] == "async":
        kwargs = kwargs | {"vector_kwargs": {"shared_memory": False}}
    envs = gymnasium.make_vec(COUNTER, num_envs=3, **kwargs)
    try:
        observations, infos = envs.reset(seed=[1, 2, 3])
        assert [list(one) for one in observations] == [gymnasium.make(COUNTER).reset(seed=n)[0] for n in (1, 2, 3)]
        assert len(infos["task_index"]) == 3
        observations, rewards, terminated, truncated, _ = envs.step((LOOK,) * 3)
        assert all(one[-1]["type"] == "function_call_output" for one in observations)
        assert rewards.dtype == np.float64
        assert rewards.shape == terminated.shape == truncated.shape == (3,)
        assert len(envs.action_space.sample()) == 3
    finally:
        envs.close()


def test_every_shipped_environment_is_made_by_its_module_prefix():
    for env_id in gym_llm.env_ids():
        env = gymnasium.make(f"gym_llm:{env_id}")
        assert env.reset(seed=0)[0] in env.observation_space
