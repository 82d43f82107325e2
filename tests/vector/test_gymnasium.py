"""Code written for Gymnasium's AsyncVectorEnv runs on ours and sees the same."""

from __future__ import annotations

import multiprocessing
import sys
import types
from copy import deepcopy

import dill
import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import AlreadyPendingCallError, ClosedEnvironmentError, NoAsyncCallError
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode

from gym_llm.errors import WorkerError
from gym_llm.rollouts.starting import here
from gym_llm.vector import AsyncVectorEnv
from gym_llm.workers.packing import packed


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


class Anything(gym.Env):
    """Observations and actions of any space; tells in the info what it was given."""

    def __init__(self, space, limit):
        self.observation_space, self.action_space, self.limit = deepcopy(space), deepcopy(space), limit

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        if seed is not None:
            self.observation_space.seed(seed)
        self.steps = 0
        return self.observation_space.sample(), {"seed": seed, "options": options, "nested": {"x": {"y": np.int8(2)}}}

    def step(self, action):
        self.steps += 1
        info = {
            "action": repr(action), "type": str(type(action)), "tuple": (1, 2), "set": {1}, "none": None,
            "scalar": np.float64(0.5), "day": np.array(["2020-01-01"], dtype="M8[D]"), "keys": {1: "a", (2, 3): "b"},
        }  # fmt: skip
        if self.steps % 2:
            info["odd"] = {"k": np.int8(3), "deep": {"q": [1]}}
        return self.observation_space.sample(), np.float32(self.steps), self.steps >= self.limit, np.bool_(False), info


class Names(gym.Space):
    """A space of one's own."""

    def sample(self, mask=None, probability=None):
        return f"x{self.np_random.integers(9)}"

    def contains(self, x):
        return isinstance(x, str)

    def __eq__(self, other):
        return isinstance(other, Names)


numbers, unit = gym.spaces.Discrete(5, start=-2), gym.spaces.Box(0, 1, (2,))
SPACES = {
    "box": unit, "bytes": gym.spaces.Box(0, 255, (3, 2), np.uint8), "half": gym.spaces.Box(-1, 1, (2,), np.float16),
    "scalar": gym.spaces.Box(0, 1, ()), "empty": gym.spaces.Box(0, 1, (0,)), "discrete": numbers,
    "multidiscrete": gym.spaces.MultiDiscrete([[3, 4], [2, 2]]), "multibinary": gym.spaces.MultiBinary((2, 3)),
    "dict": gym.spaces.Dict(a=numbers, b=gym.spaces.Dict(c=unit)), "tuple": gym.spaces.Tuple((numbers, unit)),
    "text": gym.spaces.Text(8), "sequence": gym.spaces.Sequence(numbers), "oneof": gym.spaces.OneOf((numbers, unit)),
    "stack": gym.spaces.Sequence(unit, stack=True), "graph": gym.spaces.Graph(unit, numbers), "custom": Names(),
    "graphs": gym.spaces.Dict(g=gym.spaces.Graph(unit, None), t=gym.spaces.Text(4)),
}  # fmt: skip
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


def kinds(value):
    if isinstance(value, dict):
        return {key: kinds(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return type(value), [kinds(inner) for inner in value]
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.shape, [type(inner) for inner in value.flat] if value.dtype == object else None
    return type(value)


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("name", SPACES)
def test_every_space_goes_both_ways_as_in_gymnasium(name, mode):
    makes = [lambda limit=limit: Anything(SPACES[name], limit) for limit in (2, 3)]
    ours = AsyncVectorEnv(makes, autoreset_mode=mode, num_workers=1)
    theirs = gym.vector.SyncVectorEnv(makes, autoreset_mode=mode)
    try:
        ours.action_space.seed(1)
        done = np.ones(2, dtype=bool)
        for turn in range(6):
            if turn == 0 or (mode is AutoresetMode.DISABLED and done.any()):
                pair = [envs.reset(seed=[4, 7], options={"reset_mask": done, "k": (1,)}) for envs in (ours, theirs)]
                assert data_equivalence(*pair, exact=True)
                assert kinds(pair[0]) == kinds(pair[1])
            actions = ours.action_space.sample()
            pair = [envs.step(actions) for envs in (ours, theirs)]
            assert data_equivalence(*pair, exact=True)
            assert kinds(pair[0]) == kinds(pair[1])
            done = pair[0][2] | pair[0][3]
    finally:
        ours.close()
        theirs.close()


def test_what_is_called_and_set_arrives_as_it_is():
    class Echo(Words):
        def echo(self, *args, **kwargs):
            return repr((args, kwargs)), (args, kwargs)

    envs = AsyncVectorEnv([Echo] * 2, num_workers=1)
    try:
        given = ((1, (2, 3)), {"a": {4}, "b": np.float32(5)})
        assert envs.call("echo", *given[0], **given[1]) == ((repr(given), given),) * 2
        envs.set_attr("mark", [(1, 2), {3: "x"}])
        assert envs.get_attr("mark") == ((1, 2), {3: "x"})
    finally:
        envs.close()


def test_the_last_batch_of_observations_is_at_hand():
    envs = AsyncVectorEnv([ENVS["box"]] * 2, num_workers=1, copy=False)
    try:
        assert envs.reset(seed=0)[0] is envs.observations
        assert envs.step(np.array([0, 1]))[0] is envs.observations
    finally:
        envs.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_concurrency": 0}, {"max_concurrency": 2.5}, {"on_error": "ignore"}, {"step_timeout": 0},
        {"reset_timeout": -1}, {"observation_mode": "odd"}, {"autoreset_mode": "odd"}, {"num_workers": "2"},
    ],
)  # fmt: skip
def test_arguments_that_cannot_be_used_are_refused(wrong):
    with pytest.raises(ValueError, match=r"0|2|integer|ignore|odd|-1"):
        AsyncVectorEnv([ENVS["box"]] * 2, **wrong)


def test_max_concurrency_bounds_the_workers():
    envs = AsyncVectorEnv([ENVS["box"]] * 4, num_workers=3, max_concurrency=1)
    try:
        assert len(envs._engine.workers) == 1
    finally:
        envs.close()


@pytest.mark.parametrize("count", [2, 4])
def test_too_few_or_too_many_actions_step_nobody(count):
    envs = AsyncVectorEnv([Dicts] * 3, num_workers=1)
    try:
        envs.reset(seed=0)
        with pytest.raises(ValueError, match="one each"):
            envs.step(np.zeros((count, 2), dtype=int))
        assert envs.step(np.zeros((3, 2), dtype=int))[4]["steps"].tolist() == [1, 1, 1]
    finally:
        envs.close()


def test_an_environment_that_was_never_reset_has_an_observation_of_zeros():
    envs = AsyncVectorEnv([ENVS["box"]] * 2, num_workers=1)
    try:
        observations = envs.reset(seed=0, options={"reset_mask": np.array([True, False])})[0]
        assert observations.any(axis=1).tolist() == [True, False]
    finally:
        envs.close()


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


def test_modules_travel_by_name_and_not_with_what_they_hold(monkeypatch):
    module = types.ModuleType("holds_something")
    module.held = (number for number in range(3))  # nothing can pickle it
    monkeypatch.setitem(sys.modules, "holds_something", module)
    assert dill.loads(packed(lambda: module.held))() is module.held


def test_what_cannot_travel_to_an_interpreter_is_told():
    running = (number for number in range(3))
    with pytest.raises(WorkerError, match="cannot travel"):
        AsyncVectorEnv([lambda: (repr(running), Words())[1]], python=here())


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
        with pytest.raises(multiprocessing.TimeoutError) as told:
            envs.step_wait(timeout=0.05)
        assert isinstance(told.value, TimeoutError)
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
