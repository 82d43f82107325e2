"""Code written for Gymnasium's AsyncVectorEnv runs on ours and sees the same."""

from __future__ import annotations

import multiprocessing

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import AlreadyPendingCallError, ClosedEnvironmentError, NoAsyncCallError
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode

from gym_llm.vector import AsyncVectorEnv


class Dicts(gym.Env):
    """Nested observations, text and numpy scalars in infos."""

    observation_space = gym.spaces.Dict(
        {"a": gym.spaces.Box(-9, 9, (2,), np.float64), "t": gym.spaces.Tuple((gym.spaces.Discrete(5),))}
    )
    action_space = gym.spaces.MultiDiscrete([3, 3])

    def _observation(self):
        return {"a": self.np_random.uniform(-9, 9, 2), "t": (int(self.np_random.integers(5)),)}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return self._observation(), {"begun": True, "where": {"x": 1.5}, "name": "n"}

    def step(self, action):
        self.steps += 1
        info = {"action": np.asarray(action).copy(), "steps": self.steps}
        if self.steps % 2:
            info["odd"] = np.float32(0.5)
        return self._observation(), float(sum(action)), self.steps >= 4, False, info


class Words(gym.Env):
    """Text observations, which Gymnasium's shared memory corrupts."""

    observation_space = gym.spaces.Text(12)
    action_space = gym.spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return "begin", {}

    def step(self, action):
        return "word" * int(action), 0.0, False, False, {}


ENVS = {"box": lambda: gym.make("CartPole-v1"), "discrete": lambda: gym.make("FrozenLake-v1"), "dict": Dicts}


def pair(make, n=3, **kwargs):
    return AsyncVectorEnv([make] * n, num_workers=2, **kwargs), gym.vector.AsyncVectorEnv([make] * n, **kwargs)


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("name", ENVS)
def test_same_batches_as_gymnasium(name, mode):
    ours, theirs = pair(ENVS[name], autoreset_mode=mode)
    try:
        assert ours.metadata["autoreset_mode"] == theirs.metadata["autoreset_mode"]
        assert ours.observation_space == theirs.observation_space
        assert ours.action_space == theirs.action_space
        assert data_equivalence(ours.reset(seed=5), theirs.reset(seed=5))
        ours.action_space.seed(1)
        done = np.zeros(3, dtype=bool)
        for _ in range(40):
            if mode is AutoresetMode.DISABLED and done.any():
                left = ours.reset(options={"reset_mask": done.copy()})
                right = theirs.reset(options={"reset_mask": done.copy()})
                assert data_equivalence(left, right)
            actions = ours.action_space.sample()
            left, right = ours.step(actions), theirs.step(actions)
            assert data_equivalence(left, right)
            done = left[2] | left[3]
    finally:
        ours.close()
        theirs.close()


def test_text_observations_are_what_the_environment_said():
    envs = AsyncVectorEnv([Words] * 3, num_workers=1)
    try:
        assert envs.reset()[0] == ("begin",) * 3
        assert envs.step(np.array([0, 1, 2]))[0] == ("", "word", "wordword")
    finally:
        envs.close()


def test_lambdas_and_closures_travel():
    limit = 7
    envs = AsyncVectorEnv([lambda: gym.wrappers.TimeLimit(gym.make("CartPole-v1"), limit)] * 2, context="spawn")
    try:
        envs.reset(seed=0)
        assert envs.get_attr("_max_episode_steps") == (limit, limit)
    finally:
        envs.close()


@pytest.mark.parametrize("context", ["fork", "forkserver", "spawn"])
def test_every_start_method(context):
    envs = AsyncVectorEnv([ENVS["box"]] * 2, context=context, num_workers=1)
    try:
        assert envs.reset(seed=0)[0].shape == (2, 4)
    finally:
        envs.close()


@pytest.mark.filterwarnings("ignore:.*Received the following error")
def test_attributes_and_calls():
    ours, theirs = pair(lambda: gym.make("CliffWalking-v1", render_mode="ansi"), 2)
    try:
        for envs in (ours, theirs):
            envs.reset(seed=0)
            envs.set_attr("mark", [0.25, 0.75])
            assert envs.get_attr("mark") == (0.25, 0.75)
            assert envs.call("has_wrapper_attr", "mark") == (True, True)
            with pytest.raises(ValueError, match="length"):
                envs.set_attr("mark", [1.0])
        assert data_equivalence(ours.render(), theirs.render())
        assert ours.np_random_seed == theirs.np_random_seed
    finally:
        ours.close()
        theirs.close()


def test_the_same_exceptions_in_the_same_situations():
    envs = AsyncVectorEnv([ENVS["box"]] * 2, num_workers=1)
    with pytest.raises(NoAsyncCallError):
        envs.step_wait()
    with pytest.raises(NoAsyncCallError):
        envs.reset_wait()
    envs.reset_async()
    with pytest.raises(AlreadyPendingCallError):
        envs.reset_async()
    with pytest.raises(AlreadyPendingCallError):
        envs.step_async([0, 0])
    with pytest.raises(AlreadyPendingCallError):
        envs.call_async("render")
    envs.reset_wait()
    with pytest.raises(ValueError, match="length"):
        envs.reset(seed=[1])
    for mask, error in (([True], TypeError), (np.ones(3, bool), ValueError), (np.zeros(2, bool), ValueError)):
        with pytest.raises(error):
            envs.reset(options={"reset_mask": mask})
    envs.close()
    for method in (envs.reset_async, envs.reset_wait, envs.step_wait):
        with pytest.raises(ClosedEnvironmentError):
            method()


def test_a_timeout_is_told_and_no_later_step_sees_the_slow_one():
    class Slow(Dicts):
        def step(self, action):
            __import__("time").sleep(0.4 if action[0] == 2 else 0)
            return super().step(action)

    envs = AsyncVectorEnv([Slow] * 2, num_workers=2)
    try:
        envs.reset(seed=0)
        envs.step_async(np.array([[2, 2], [0, 0]]))
        with pytest.raises(multiprocessing.TimeoutError):
            envs.step_wait(timeout=0.05)
        for reward in (1.0, 2.0):
            rewards = envs.step(np.array([[reward, 0]] * 2, dtype=int))[1]
            assert rewards.tolist() == [reward, reward]
    finally:
        envs.close()


def test_different_spaces_are_refused():
    makes = [lambda: gym.make("CartPole-v1"), lambda: gym.make("Acrobot-v1")]
    with pytest.raises(RuntimeError, match="not equivalent"):
        AsyncVectorEnv(makes)


@pytest.mark.filterwarnings("ignore:.*Received the following error")
def test_a_constructor_that_fails_raises_here():
    def broken():
        if multiprocessing.parent_process() or __import__("multiprocess").parent_process():
            raise RuntimeError("no licence")
        return gym.make("CartPole-v1")

    with pytest.raises(RuntimeError, match="no licence"):
        AsyncVectorEnv([broken] * 2)
