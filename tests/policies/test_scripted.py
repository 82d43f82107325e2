"""The scripted policy plays a script turn by turn, each episode its own."""

from __future__ import annotations

import asyncio

import gymnasium

from gym_llm import ResponsesEnv
from gym_llm.items import assistant_message, output_text
from gym_llm.policies import ScriptedPolicy


class Echo(ResponsesEnv):
    def verify(self, task, episode):
        return float(episode.last_message == task.prompt[-1]["content"])

    def solve(self, task):
        return [[assistant_message(task.prompt[-1]["content"])]]


def play(act, turns):
    async def main():
        return [output_text(await act([], {})) for _ in range(turns)]

    return asyncio.run(main())


def rows(*texts):
    return [{"responses_create_params": {"input": text}} for text in texts]


def test_plays_the_given_script_then_says_nothing():
    act = ScriptedPolicy([[assistant_message("A")], [assistant_message("B")]]).for_episode(None, 0)
    assert play(act, 4) == ["A", "B", "", ""]


def test_solves_the_task_of_the_reset_that_came_last():
    env = gymnasium.wrappers.RecordEpisodeStatistics(Echo(dataset=rows("one", "two")))
    policy = ScriptedPolicy()
    act = policy.for_episode(env, 0)  # before the reset: the task is looked up at the first call
    for index, text in enumerate(["one", "two"]):
        env.reset(options={"task_index": index})
        act = policy.for_episode(env, 0)
        assert play(act, 1) == [text]
        assert env.step([assistant_message(text)])[1] == 1.0


def test_episodes_share_nothing():
    policy = ScriptedPolicy([[assistant_message("A")]])
    first, second = policy.for_episode(None, 0), policy.for_episode(None, 0)
    action = asyncio.run(first([], {}))
    action[0]["content"][0]["text"] = "changed"
    action.append(assistant_message("more"))
    assert play(second, 2) == ["A", ""]
