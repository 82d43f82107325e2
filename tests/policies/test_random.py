"""The random policy depends on two seeds and disturbs nothing."""

from __future__ import annotations

import asyncio

import gymnasium
import pytest

from gym_llm.policies import RandomPolicy
from gym_llm.spaces import OutputItems

TOOL = {
    "type": "function",
    "name": "roll",
    "parameters": {"type": "object", "properties": {"sides": {"type": "integer"}}, "required": ["sides"]},
}


class Table(gymnasium.Env):
    def __init__(self):
        self.action_space = OutputItems([TOOL])
        self.observation_space = gymnasium.spaces.Discrete(2)


def draws(env, policy_seed, episode_seed, count=8):
    act = RandomPolicy(policy_seed).for_episode(env, episode_seed)

    async def main():
        return [await act([], {}) for _ in range(count)]

    return asyncio.run(main())


def test_same_seeds_draw_the_same_actions():
    assert draws(Table(), 1, 2) == draws(Table(), 1, 2)


@pytest.mark.parametrize("seeds", [(1, 3), (2, 2), (2, 1)])
def test_other_seeds_draw_other_actions(seeds):
    assert draws(Table(), *seeds) != draws(Table(), 1, 2)


def test_actions_lie_in_the_space():
    env = Table()
    assert all(action in env.action_space for action in draws(env, 0, 0, count=50))


def test_generators_of_the_environment_stay_untouched():
    env, other = Table(), Table()
    for each in (env, other):
        each.reset(seed=5)
        each.action_space.seed(6)
    draws(env, 0, 0)
    assert env.np_random.random() == other.np_random.random()
    assert env.action_space.sample() == other.action_space.sample()
