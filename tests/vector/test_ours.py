"""What our vector adds: entry points, deltas, send and recv, awaitable steps, tasks per environment."""

from __future__ import annotations

import asyncio
import time

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import AlreadyPendingCallError
from gymnasium.vector import AutoresetMode

from gym_llm.errors import WorkerError
from gym_llm.items import assistant_message, function_call, message_text
from gym_llm.vector import AsyncVectorEnv, make_vec

CALL = [function_call("get_counter_value", {}, "c")]


@pytest.fixture
def envs():
    made = make_vec("gym_llm/StatefulCounter-v0", num_envs=6, num_workers=2)
    yield made
    made.close()


def test_gymnasium_makes_it_for_every_id():
    made = gym.make_vec("gym_llm/MCQA-v0", num_envs=4, num_workers=1, max_turns=2)
    try:
        assert isinstance(made, AsyncVectorEnv)
        assert made.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
        assert made.get_attr("max_turns") == (2,) * 4
        assert gym.envs.registration.EnvSpec.from_json(made.spec.to_json()) == made.spec
    finally:
        made.close()


def test_observations_are_the_whole_conversation_and_append_only(envs):
    single = [gym.make("gym_llm/StatefulCounter-v0") for _ in range(6)]
    before, infos = envs.reset(seed=7)
    alone = [env.reset(seed=7 + index) for index, env in enumerate(single)]
    assert list(before) == [observation for observation, _ in alone]
    assert infos["task_index"].tolist() == [info["task_index"] for _, info in alone]
    for _ in range(3):
        after = envs.step([CALL] * 6)[0]
        assert list(after) == [env.step(CALL)[0] for env in single]
        assert all(new[: len(old)] == old for old, new in zip(before, after, strict=True))
        before = after


def test_the_next_episode_begins_in_the_step_that_ends_the_last(envs):
    envs.reset(seed=0)
    observations, rewards, terminated, _, infos = envs.step([[assistant_message("done")]] * 6)
    assert terminated.all()
    assert all(message_text(final[-1]) == "done" for final in infos["final_obs"])
    assert infos["final_info"]["end_reason"].tolist() == ["verified"] * 6
    assert rewards.shape == (6,)
    assert all(observation[-1]["role"] == "user" for observation in observations)


def test_each_environment_gets_its_own_task(envs):
    observations, infos = envs.reset(options={"task_index": [0, 1, 2, 3, 4, 5]})
    assert infos["task_index"].tolist() == [0, 1, 2, 3, 4, 5]
    rows = [
        {"responses_create_params": {"input": f"task {n}"}, "initial_count": n, "expected_count": n} for n in range(6)
    ]
    observations, _ = envs.reset(options={"task": rows})
    assert [message_text(observation[0]) for observation in observations] == [f"task {n}" for n in range(6)]
    mask = np.array([True, False] * 3)
    again, infos = envs.reset(options={"task": rows[::-1], "reset_mask": mask})
    short, _ = envs.reset(options={"task": rows[3:], "reset_mask": mask})  # one each for those that are reset
    assert [message_text(o[0]) for o in short[::2]] == ["task 3", "task 4", "task 5"]
    assert envs.reset(options={"task_index": np.arange(6)})[1]["task_index"].tolist() == [0, 1, 2, 3, 4, 5]
    with pytest.raises(ValueError, match="has 4 entries for 6 environments"):
        envs.reset(options={"task": rows[2:]})
    assert [message_text(o[0]) for o in again] == ["task 5", "task 1", "task 3", "task 3", "task 1", "task 5"]


def test_recv_returns_whoever_is_ready(envs):
    envs.reset(seed=0)
    envs.send([CALL] * 4, [0, 2, 3, 5])
    with pytest.raises(AlreadyPendingCallError):
        envs.send([CALL], [3])
    seen = []
    while len(seen) < 4:
        observations, rewards, _, _, infos = envs.recv(1, timeout=10)
        assert len(observations) == len(rewards) == len(infos["env_id"])
        seen += infos["env_id"].tolist()
    assert sorted(seen) == [0, 2, 3, 5]


def test_awaited_steps_overlap(envs):
    async def play(index):
        await envs.areset(index, seed=index)
        observation, *_ = await envs.astep(index, CALL)
        return observation[-1]["type"]

    async def main():
        return await asyncio.gather(*(play(index) for index in range(6)))

    assert asyncio.run(main()) == ["function_call_output"] * 6


def test_awaiting_environments_of_one_worker_overlap():
    def make():
        import asyncio

        from gym_llm import ResponsesEnv, tool

        class Napping(ResponsesEnv):
            """Sleep."""

            @tool
            async def nap(self) -> str:
                """Sleep for a moment."""
                await asyncio.sleep(0.2)
                return "rested"

            def verify(self, task, episode):
                return 1.0

        return Napping(dataset=[{"responses_create_params": {"input": "Sleep."}}])

    napping = AsyncVectorEnv([make] * 40, num_workers=1)
    try:
        napping.reset(seed=0)
        started = time.monotonic()
        observations = napping.step([[function_call("nap", {}, "c")]] * 40)[0]
        assert time.monotonic() - started < 4  # one after another they would take 8 seconds
        assert {observation[-1]["output"] for observation in observations} == {"rested"}
    finally:
        napping.close()


@pytest.mark.filterwarnings("ignore:.*Received the following error")
def test_an_attribute_that_is_not_there_is_told(envs):
    with pytest.raises(AttributeError, match="no_such"):
        envs.get_attr("no_such")
    with pytest.raises(WorkerError, match="allow_pickle is off"):
        envs.get_attr("tasks")


def test_random_generators_come_where_pickles_may():
    envs = AsyncVectorEnv([lambda: gym.make("gym_llm/StatefulCounter-v0")] * 2, num_workers=1)
    try:
        envs.reset(seed=0)
        assert [type(each).__name__ for each in envs.np_random] == ["Generator"] * 2
    finally:
        envs.close()


def test_whatever_a_model_can_say_arrives(envs):
    said = [assistant_message("\ud800"), {"type": "message", "\udfff": 1 << 80}]
    envs.reset(seed=0)
    single = gym.make("gym_llm/StatefulCounter-v0")
    single.reset(seed=0)
    for item in said:
        result = envs.step([[item]] * 6)
        assert not result[3].any()
        assert not np.isnan(result[1]).any()
    envs.reset(seed=0)
    single.reset(seed=0)
    observation, reward, *_ = single.step([said[0]])
    result = envs.step([[said[0]]] * 6)
    assert (result[4]["final_obs"][0], result[1][0]) == (observation, reward)


def test_openai_objects_are_actions(envs):
    from openai.types.responses import ResponseFunctionToolCall

    envs.reset(seed=0)
    call = ResponseFunctionToolCall(type="function_call", call_id="c", name="get_counter_value", arguments="{}")
    assert [o[-1]["type"] for o in envs.step([[call]] * 6)[0]] == ["function_call_output"] * 6
