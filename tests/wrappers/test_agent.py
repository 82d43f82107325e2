"""The agent plays whole episodes with any policy, under any wrappers, and returns their trajectories."""

from __future__ import annotations

import asyncio

import gymnasium
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.wrappers import TimeLimit

import gym_llm
from gym_llm import items
from gym_llm.errors import ConfigError, DefinitionError
from gym_llm.wrappers import AgentWrapper, NewItems, TextAction, TextObservation

COUNTER = "gym_llm/StatefulCounter-v0"


@pytest.mark.parametrize("env_id", gym_llm.env_ids())
def test_the_scripted_policy_earns_the_top(env_id):
    trajectory = AgentWrapper(gymnasium.make(env_id), "scripted").rollout(options={"task_index": 1})
    assert trajectory.reward == 1.0
    assert (trajectory.terminated, trajectory.end_reason, trajectory.task_index) == (True, "verified", 1)
    record = trajectory.record()
    assert record["gym_llm"]["env"]["id"] == env_id
    assert record["response"]["output"] == trajectory.output


def test_policies_of_every_form():
    said = [items.assistant_message("done")]

    async def of_both(observation, info):
        assert info["responses_create_params"]["tools"]
        return said

    for policy in (lambda observation: said, lambda observation, info: {"output": said}, of_both):
        trajectory = AgentWrapper(gymnasium.make(COUNTER), policy).rollout(seed=0)
        assert [turn.action for turn in trajectory.turns] == [said]


def test_a_trajectory_holds_each_turn():
    plan = iter([[items.function_call("get_counter_value", {}, "a"), items.function_call("no", {}, "b")],
                 {"id": "r", "output": [items.assistant_message("x")], "usage": {"output_tokens": 3}}])  # fmt: skip
    trajectory = AgentWrapper(gymnasium.make(COUNTER), lambda observation: next(plan)).rollout(seed=4)
    first, second = trajectory.turns
    assert [item["type"] for item in first.answers] == ["function_call_output"] * 2
    assert (first.tool_calls, first.tool_errors) == (2, 1)
    assert second.response == {"id": "r", "usage": {"output_tokens": 3}}
    assert trajectory.seed == 4
    assert trajectory.seconds >= 0
    assert all(turn.latency >= 0 for turn in trajectory.turns)


def test_the_policy_sees_what_the_wrappers_show():
    seen = []

    def policy(observation):
        seen.append(observation)
        return '<tool_call>{"name": "get_counter_value"}</tool_call>' if len(seen) == 1 else "done"

    env = TextObservation(TextAction(NewItems(gymnasium.make(COUNTER))), view="conversation")
    trajectory = AgentWrapper(env, policy).rollout(seed=0)
    assert seen[1].startswith("  -> ")
    assert [item["type"] for item in trajectory.turns[0].action] == ["function_call"]


def test_a_wrappers_truncation_ends_the_episode_without_a_record():
    look = [items.function_call("get_counter_value", {})]
    trajectory = AgentWrapper(TimeLimit(gymnasium.make(COUNTER), 2), lambda observation: look).rollout(seed=0)
    assert (len(trajectory.turns), trajectory.truncated) == (2, True)
    assert trajectory.verification is None


def test_a_failing_verifier_is_in_the_trajectory():
    class Broken(gym_llm.ResponsesEnv):
        def verify(self, task, episode):
            raise RuntimeError("bug")

    env = Broken(dataset=[{"responses_create_params": {"input": "x"}}])
    trajectory = AgentWrapper(env, lambda observation: [items.assistant_message("x")]).rollout(seed=0)
    assert (trajectory.error["type"], trajectory.end_reason) == ("RuntimeError", "error")
    assert trajectory.verification is None


def test_many_agents_in_one_loop():
    async def main():
        agents = [AgentWrapper(gymnasium.make(COUNTER), "scripted") for _ in range(30)]
        return await asyncio.gather(*(agent.arollout(options={"task_index": 0}) for agent in agents))

    assert [trajectory.reward for trajectory in asyncio.run(main())] == [1.0] * 30


def test_an_agent_comes_back_from_its_specification():
    agent = AgentWrapper(gymnasium.make(COUNTER), {"type": "scripted"})
    again = gymnasium.make(EnvSpec.from_json(agent.spec.to_json()))
    assert again.rollout(options={"task_index": 2}).output == agent.rollout(options={"task_index": 2}).output


def test_what_is_no_policy_or_environment_is_refused():
    with pytest.raises(ConfigError):
        AgentWrapper(gymnasium.make(COUNTER), {"type": "no-such-policy"})
    with pytest.raises(DefinitionError):
        AgentWrapper(gymnasium.make("CartPole-v1"), "scripted")
