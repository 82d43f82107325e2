"""Single environments by `send`, `recv`, `areset` and `astep`: nothing is lost, invented or waited for in vain."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import AlreadyPendingCallError, ClosedEnvironmentError

from gym_llm.vector import AsyncVectorEnv

sys.path.insert(0, str(Path(__file__).parent))
from fault_env import BreakingBox, FaultEnv, call, text

pytestmark = pytest.mark.filterwarnings("ignore:.*Received the following error")
RAISE = 1


@pytest.fixture
def boxes():
    envs = AsyncVectorEnv([BreakingBox] * 4, num_workers=2)
    envs.reset(seed=0)
    yield envs
    envs.close(terminate=True)


def received(envs, count):
    seen = []
    while len(seen) < count:
        ids = envs.recv(1, timeout=30)[4]["env_id"].tolist()
        assert ids
        seen += ids
    return sorted(seen)


def test_only_what_was_sent_is_received(boxes):
    for _ in range(2):
        observations, rewards, _, _, infos = boxes.recv()
        assert (len(observations), rewards.shape, infos["env_id"].tolist()) == (0, (0,), [])
        boxes.step([0] * 4)
    boxes.send([0], [2])
    assert received(boxes, 1) == [2]


@pytest.mark.parametrize("ids", [[-1], [4], [1, 1], [0, 1, 2]])
def test_wrong_ids_are_refused_and_nothing_is_sent(boxes, ids):
    with pytest.raises(ValueError, match=r"no environment|one action for each"):
        boxes.send([0, 0][: len(ids)], ids)
    boxes.send([0] * 4, np.arange(4))
    assert received(boxes, 4) == [0, 1, 2, 3]


def test_a_result_that_waits_is_not_overwritten(boxes):
    boxes.send([0, 0], [0, 1])
    boxes._requests.gather(lambda: len(boxes._requests.got) == 2, 30, "recv", {0, 1})
    with pytest.raises(AlreadyPendingCallError):
        boxes.send([0], [0])
    assert received(boxes, 2) == [0, 1]


def test_what_is_there_can_be_taken_without_waiting(boxes):
    boxes.send([0, 0], [0, 1])
    seen, deadline = [], time.monotonic() + 30
    while len(seen) < 2 and time.monotonic() < deadline:
        seen += boxes.recv(min_envs=0)[4]["env_id"].tolist()
    assert sorted(seen) == [0, 1]


@pytest.mark.parametrize("begin", ["step", "call", "set_attr"])
def test_a_call_to_all_does_not_swallow_what_was_sent(boxes, begin):
    arguments = {"step": ([0] * 4,), "call": ("render_mode",), "set_attr": ("mark", 1)}[begin]
    boxes.send([0], [0])
    with pytest.raises(AlreadyPendingCallError, match=r"environments \[0\]"):
        getattr(boxes, begin)(*arguments)
    assert received(boxes, 1) == [0]
    getattr(boxes, begin)(*arguments)


def test_a_call_to_all_is_not_received_in_parts(boxes):
    boxes.step_async([0] * 4)
    for method, arguments in ((boxes.recv, ()), (boxes.send, ([0], [0]))):
        with pytest.raises(AlreadyPendingCallError):
            method(*arguments)
    assert boxes.step_wait()[1].shape == (4,)


def test_a_reset_forgets_what_was_sent(boxes):
    boxes.send([0, 0], [0, 1])
    with pytest.raises(AlreadyPendingCallError):
        boxes.reset(options={"reset_mask": np.array([True, False, False, False])})
    boxes.reset(seed=0)
    assert boxes.recv()[4]["env_id"].tolist() == []


def test_an_exception_is_raised_and_the_other_results_are_kept(boxes):
    boxes.send([0, RAISE, 0], [0, 1, 2])
    told, seen = 0, []
    while len(seen) < 2 or not told:
        try:
            seen += boxes.recv(1, timeout=30)[4]["env_id"].tolist()
        except ValueError as error:
            told += str(error) == "bad action"
    assert (told, sorted(seen)) == (1, [0, 2])
    with pytest.raises(ValueError, match="bad action"):
        asyncio.run(boxes.astep(3, RAISE))


def test_failures_among_many_lose_nobody():
    envs = AsyncVectorEnv([BreakingBox] * 8, num_workers=2, on_error="truncate", autoreset_mode="SameStep")
    envs.reset(seed=0)
    try:
        for turn in range(40):
            envs.send([RAISE if index == turn % 8 else 0 for index in range(8)], range(8))
            assert received(envs, 8) == list(range(8))
    finally:
        envs.close()


def test_observations_may_be_changed(boxes):
    boxes.send([0], [0])
    boxes.recv(1, timeout=30)[0][0][:] = 0
    observation, _ = asyncio.run(boxes.areset(1))
    observation[:] = 0
    assert all(slot.observation.any() for slot in boxes._engine.slots)


@pytest.mark.parametrize("index", [-1, 4])
def test_an_environment_that_is_not_there_cannot_be_awaited(boxes, index):
    for awaited in (boxes.areset(index), boxes.astep(index, 0)):
        with pytest.raises(ValueError, match="no environment"):
            asyncio.run(awaited)


def test_two_cannot_await_the_same_environment(boxes):
    async def main():
        both = asyncio.gather(boxes.astep(0, 0), boxes.astep(0, 0), return_exceptions=True)
        return await asyncio.wait_for(both, 30)

    step, refused = asyncio.run(main())
    assert len(step) == 5
    assert isinstance(refused, AlreadyPendingCallError)


def test_calls_to_all_wait_for_their_turn(boxes):
    async def main():
        task = asyncio.create_task(boxes.astep(0, 0))
        await asyncio.sleep(0)
        for refused in (lambda: boxes.step([0] * 4), lambda: boxes.send([0], [1]), boxes.recv):
            with pytest.raises(AlreadyPendingCallError):
                refused()
        return await asyncio.wait_for(task, 30)

    assert len(asyncio.run(main())) == 5
    boxes.step([0] * 4)


def test_whoever_awaits_is_told_of_the_end(boxes):
    async def main():
        task = asyncio.create_task(boxes.astep(0, 0))
        await asyncio.sleep(0)
        boxes.close(terminate=True)
        await asyncio.wait_for(task, 30)

    with pytest.raises(ClosedEnvironmentError):
        asyncio.run(main())
    for awaited in (boxes.areset(0), boxes.astep(0, 0)):
        with pytest.raises(ClosedEnvironmentError):
            asyncio.run(awaited)


def test_awaiting_that_was_cancelled_can_be_followed_by_another():
    envs = AsyncVectorEnv([FaultEnv] * 2, num_workers=1)

    async def main():
        await envs.areset(0, seed=0)
        task = asyncio.create_task(envs.astep(0, call("nap")))
        await asyncio.sleep(0.01)
        task.cancel()
        return await asyncio.wait_for(envs.astep(0, call("none")), 30)

    try:
        assert text(asyncio.run(main())[0]) == '{"count":2}'
        assert len(envs.reset(seed=0)[0]) == 2
    finally:
        envs.close()


def test_spaces_of_conversations_and_of_numbers_can_be_mixed():
    def make():
        return gym.wrappers.TransformAction(
            FaultEnv(), lambda number: call(f"fault {number!r}"), gym.spaces.Discrete(3)
        )

    envs = AsyncVectorEnv([make] * 2, num_workers=1)
    try:
        envs.reset(seed=0)
        observations = envs.step(np.array([0, 2]))[0]
        assert ["np.int64(2)" in str(observation) for observation in observations] == [False, True]
    finally:
        envs.close()
