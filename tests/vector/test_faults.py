"""A worker that dies, hangs or lies costs the episode that did it, and nothing else."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import gymnasium
import multiprocess
import numpy as np
import pytest

from gym_llm.errors import VectorEnvBroken, WorkerError
from gym_llm.vector import AsyncVectorEnv

sys.path.insert(0, str(Path(__file__).parent))
from fault_env import DONE, BreakingBox, FaultEnv, call, text

KILLS = {
    "await": "timeout", "loop": "timeout", "sleep": "timeout", "gil": "timeout",
    "segfault": "died", "exit0": "died", "memory": "memory",
}  # fmt: skip


def vector(n=4, **kwargs):
    settings = {"num_workers": 2, "on_error": "truncate", "allow_pickle": False, "autoreset_mode": "SameStep"}
    return AsyncVectorEnv([FaultEnv] * n, **{**settings, **kwargs})


def undisturbed(steps):
    envs = vector()
    envs.reset(seed=0)
    seen = [[text(observation) for observation in envs.step([call("none")] * 4)[0]] for _ in range(steps)]
    envs.close()
    return seen


@pytest.mark.parametrize("fault", KILLS)
@pytest.mark.parametrize("guilty", [0, 3])
def test_only_the_guilty_episode_is_lost(fault, guilty):
    envs = vector(step_timeout=20 if fault == "memory" else 0.5, max_worker_rss=700 << 20)
    try:
        envs.reset(seed=0)
        for _ in range(2):
            envs.step([call("none")] * 4)
        actions = [call(fault if index == guilty else "none") for index in range(4)]
        started = time.monotonic()
        observations, rewards, terminated, truncated, infos = envs.step(actions)
        assert time.monotonic() - started < 30  # far below an hour, however busy the machine is
        assert truncated.tolist() == [index == guilty for index in range(4)]
        assert not terminated.any()
        assert math.isnan(rewards[guilty])
        error = {key: values[guilty] for key, values in infos["final_info"]["error"].items() if key[0] != "_"}
        assert error["kind"] == f"worker_{KILLS[fault]}"
        for index in set(range(4)) - {guilty}:
            assert text(observations[index]) == '{"count":3}'
        after = envs.step([call("none")] * 4)
        counts = [text(observation) for observation in after[0]]
        assert counts == ['{"count":1}' if index == guilty else '{"count":4}' for index in range(4)]
    finally:
        envs.close()


@pytest.mark.parametrize("fault", ["fork", "print", "sys.exit"])
def test_bad_manners_cost_nothing(fault, capfd):
    envs = vector()
    try:
        envs.reset(seed=0)
        result = envs.step([call(fault)] * 4)
        assert not result[3].any()
        assert text(envs.step([call("none")] * 4)[0][0]) == ('{"count":1}' if fault == "sys.exit" else '{"count":2}')
        assert envs._engine.respawns == 0
    finally:
        envs.close()


def test_a_killed_worker_is_replaced_and_nobody_notices():
    expected = undisturbed(6)
    envs = vector()
    try:
        envs.reset(seed=0)
        seen = []
        for step in range(6):
            if step in (2, 4):
                os.kill(envs._engine.workers[step // 4].pid, signal.SIGKILL)
            observations, _, _, truncated, _ = envs.step([call("none")] * 4)
            assert not truncated.any()
            seen.append([text(observation) for observation in observations])
        assert seen == expected
        assert envs._engine.respawns == 2
    finally:
        envs.close()


def test_an_environment_with_outside_effects_is_not_replayed():
    class Outside(FaultEnv):
        replayable = False

    envs = AsyncVectorEnv([Outside] * 2, num_workers=1, on_error="truncate", autoreset_mode="Disabled")
    try:
        envs.reset(seed=0)
        envs.step([call("none")] * 2)
        os.kill(envs._engine.workers[0].pid, signal.SIGKILL)
        assert envs.step([call("none")] * 2)[3].all()
    finally:
        envs.close()


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
def test_an_episode_that_is_lost_while_nothing_is_asked_is_truncated_too(mode):
    class Outside(FaultEnv):
        replayable = False

    envs = AsyncVectorEnv([Outside] * 2, num_workers=1, on_error="truncate", autoreset_mode=mode)
    try:
        envs.reset(seed=0)
        os.kill(envs._engine.workers[0].pid, signal.SIGSTOP)  # so that it dies before it can answer
        envs.send([call("none")], [0])
        os.kill(envs._engine.workers[0].pid, signal.SIGKILL)
        assert envs.recv(timeout=30)[3].tolist() == [True]  # the other one had nothing in flight
        _, rewards, _, truncated, _ = envs.step([call("none")] * 2)
        assert truncated[1]
        assert math.isnan(rewards[1])
        if mode != "Disabled":
            assert not envs.step([call("none")] * 2)[3].any()
    finally:
        envs.close()


@pytest.mark.filterwarnings("ignore:.*Received the following error")
def test_a_call_that_kills_its_worker_is_told_twice():
    class Deadly(FaultEnv):
        def die(self, index):
            if self.mark == index:
                os._exit(7)

    envs = AsyncVectorEnv([Deadly] * 2, num_workers=1, on_error="truncate", autoreset_mode="SameStep")
    try:
        envs.set_attr("mark", [0, 1])
        envs.reset(seed=0)
        envs.step([call("none")] * 2)
        with pytest.raises(WorkerError, match="exit status 7"):
            envs.call("die", 0)
        observations, rewards, _, truncated, _ = envs.step([call("none")] * 2)
        assert truncated.tolist() == [True, False]
        assert math.isnan(rewards[0])
        assert text(observations[1]) == '{"count":2}'
    finally:
        envs.close()


def test_a_reset_that_fails_within_a_step_is_no_reward():
    class Refusing(BreakingBox):
        def reset(self, *, seed=None, options=None):
            if getattr(self, "refuses", False):
                raise ValueError("not now")
            return super().reset(seed=seed, options=options)

    envs = AsyncVectorEnv([Refusing] * 2, num_workers=1, on_error="truncate", autoreset_mode="SameStep")
    try:
        envs.reset(seed=0)
        envs.set_attr("refuses", [True, False])
        for action in (1, 0, 0):
            _, rewards, _, truncated, infos = envs.step(np.array([action, 0]))
            assert truncated.tolist() == [True, False]
            assert np.isnan(rewards).tolist() == [True, False]
            assert infos["error"]["message"][0] == "not now"
    finally:
        envs.close()


@pytest.mark.filterwarnings("ignore:.*Received the following error")
def test_a_plain_exception_is_raised_here_and_the_others_go_on():
    envs = AsyncVectorEnv([BreakingBox] * 3, num_workers=1)
    try:
        first = envs.reset(seed=0)[0]
        with pytest.raises(ValueError, match="bad action"):
            envs.step(np.array([0, 1, 0]))
        observations = envs.step(np.array([0, 0, 0]))[0]
        assert not np.array_equal(observations, first)
        with pytest.raises(WorkerError, match="TwoArguments"):
            envs.step(np.array([0, 2, 0]))
        envs.step(np.array([0, 0, 0]))
    finally:
        envs.close()


def test_random_streams_survive_a_kill():
    def play(kill):
        envs = AsyncVectorEnv([BreakingBox] * 2, num_workers=1)
        envs.reset(seed=3)
        seen = []
        for step in range(12):
            if step == kill:
                os.kill(envs._engine.workers[0].pid, signal.SIGKILL)
            seen.append(envs.step(np.array([9 if step % 4 == 3 else 0, 0]))[0])
        envs.close()
        return np.array(seen)

    assert np.array_equal(play(None), play(9))


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
def test_a_kill_is_not_noticed_without_a_seed_either(mode):
    envs = AsyncVectorEnv([lambda: gymnasium.make("CartPole-v1")] * 2, num_workers=1, autoreset_mode=mode)
    try:
        envs.reset()
        envs.step(np.array([0, 1]))
        seeds = envs.np_random_seed
        os.kill(envs._engine.workers[0].pid, signal.SIGKILL)
        assert not envs.step(np.array([0, 1]))[3].any()
        assert envs.np_random_seed == seeds
    finally:
        envs.close()


def test_attributes_survive_a_kill():
    def play(kill):
        envs = AsyncVectorEnv([lambda: gymnasium.make("CartPole-v1")] * 2, num_workers=1)
        envs.set_attr("gravity", [1.0, 2.0])
        envs.reset(seed=0)
        seen = []
        for step in range(5):
            if step == 2:
                envs.set_attr("gravity", [30.0, 40.0])
            if step == kill:
                os.kill(envs._engine.workers[0].pid, signal.SIGKILL)
            result = envs.step(np.array([0, 1]))
            assert not result[3].any()
            seen.append(result[0])
        assert envs.get_attr("gravity") == (30.0, 40.0)
        envs.close()
        return np.array(seen)

    for kill in (1, 2, 4):
        assert np.array_equal(play(None), play(kill))


def test_attributes_outlive_the_guilty_episode():
    envs = vector(2, num_workers=1)
    try:
        envs.set_attr("mark", ["a", "b"])
        envs.reset(seed=0)
        assert envs.step([call("exit0"), call("none")])[3].tolist() == [True, False]
        assert envs.get_attr("mark") == ("a", "b")
    finally:
        envs.close()


def test_observations_that_hold_nan_are_replayed():
    class Blind(BreakingBox):
        def step(self, action):
            observation, *others = super().step(action)
            return observation * np.nan, *others

    envs = AsyncVectorEnv([Blind] * 2, num_workers=1)
    try:
        envs.reset(seed=0)
        envs.step(np.array([0, 0]))
        os.kill(envs._engine.workers[0].pid, signal.SIGKILL)
        assert not envs.step(np.array([0, 0]))[3].any()
    finally:
        envs.close()


def test_the_final_observation_is_that_of_the_lost_episode():
    envs = vector(2, num_workers=1)
    try:
        envs.reset(seed=0)
        last = envs.step([call("none")] * 2)[0][0]
        observations, *_, infos = envs.step([call("exit0"), call("none")])
        assert infos["final_obs"][0] == last
        assert len(observations[0]) == 1
    finally:
        envs.close()


@pytest.mark.parametrize("kills", [1, 6])
def test_awaited_steps_survive_killed_workers(kills):
    envs = vector(6)

    async def play(index):
        await envs.areset(index, seed=index)
        return [text((await envs.astep(index, call("nap")))[0]) for _ in range(8)]

    async def kill():
        for turn in range(kills):
            await asyncio.sleep(0.1)
            os.kill(envs._engine.workers[turn % 2].pid, signal.SIGKILL)

    async def main():
        *played, _ = await asyncio.wait_for(asyncio.gather(*map(play, range(6)), kill()), 60)
        return played

    try:
        played = asyncio.run(main())
        assert sum(each == [f'{{"count":{n}}}' for n in range(1, 9)] for each in played) >= 6 - kills
        assert envs._engine.respawns == kills
    finally:
        envs.close()


def test_a_large_action_is_awaited():
    envs = vector(4)

    async def main():
        await asyncio.gather(*(envs.areset(index, seed=0) for index in range(4)))
        actions = [[*call("none"), {"role": "assistant", "content": "x" * (8 << 20)}]] * 4
        return await asyncio.wait_for(asyncio.gather(*map(envs.astep, range(4), actions)), 60)

    try:
        assert [len(step[0][-2]["content"]) for step in asyncio.run(main())] == [8 << 20] * 4
    finally:
        envs.close()


@pytest.mark.filterwarnings("ignore:.*Received the following")
def test_making_an_environment_may_hang():
    def make():
        if os.getpid() != driver:
            time.sleep(3600)
        return FaultEnv()

    driver, started = os.getpid(), time.monotonic()
    with pytest.raises(WorkerError, match=r"longer than 0\.5 seconds"):
        AsyncVectorEnv([make] * 2, num_workers=1, reset_timeout=0.5)
    assert time.monotonic() - started < 20


def test_what_cannot_travel_is_an_error_of_that_environment():
    envs = AsyncVectorEnv([BreakingBox] * 2, num_workers=1, on_error="truncate", allow_pickle=False)
    try:
        envs.reset(seed=0)
        result = envs.step(np.array([4, 0]))
        assert result[3].tolist() == [True, False]
        assert "allow_pickle is off" in infos_error(result, 0)
    finally:
        envs.close()


def test_an_observation_of_another_shape_is_an_error_of_that_environment():
    class Growing(BreakingBox):
        def step(self, action):
            observation, *others = super().step(action)
            return np.zeros(5, np.float32) if action == 7 else observation, *others

    envs = AsyncVectorEnv([Growing] * 2, num_workers=1, on_error="truncate")
    try:
        envs.reset(seed=0)
        result = envs.step(np.array([7, 0]))
        assert result[3].tolist() == [True, False]
        assert "(5,)" in infos_error(result, 0)
    finally:
        envs.close()


def test_a_hostile_pickle_does_nothing(tmp_path, monkeypatch):
    mark = tmp_path / "mark"
    monkeypatch.setenv("TRAP_PATH", str(mark))
    envs = AsyncVectorEnv([BreakingBox] * 2, num_workers=1, on_error="truncate", allow_pickle=False)
    try:
        envs.reset(seed=0)
        assert envs.step(np.array([5, 0]))[3].tolist() == [True, False]
        assert not mark.exists()
    finally:
        envs.close()


def test_workers_that_keep_dying_end_it():
    envs = vector(max_respawns=2, step_timeout=5)
    try:
        envs.reset(seed=0)
        with pytest.raises(VectorEnvBroken, match="max_respawns=2"):
            envs.step([call("exit0")] * 4)
        for again in (lambda: envs.step([DONE] * 4), envs.reset, lambda: asyncio.run(envs.areset(0))):
            with pytest.raises(VectorEnvBroken, match="max_respawns=2"):
                again()
    finally:
        envs.close(terminate=True)


def infos_error(result, index):
    return result[4]["error"]["message"][index]


DRIVER = """
    import sys, time
    sys.path.insert(0, {folder!r})
    from fault_env import FaultEnv, call
    from gym_llm.vector import AsyncVectorEnv
    envs = AsyncVectorEnv([FaultEnv] * 4, num_workers=2)
    envs.reset(seed=0)
    print(*[worker.pid for worker in envs._engine.workers], flush=True)
    envs.step([call({fault!r})] * 4)
    time.sleep(60)
"""


@pytest.mark.parametrize("fault", ["none", "sleep", "loop"])
def test_nothing_is_left_behind_by_a_killed_driver(fault, tmp_path):
    program = tmp_path / "driver.py"
    program.write_text(textwrap.dedent(DRIVER.format(folder=str(Path(__file__).parent), fault=fault)))
    driver = subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, text=True)
    pids = [int(pid) for pid in driver.stdout.readline().split()]
    assert len(pids) == 2
    time.sleep(0.3)
    driver.kill()
    driver.wait()
    driver.stdout.close()
    deadline = time.monotonic() + 10
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(alive(pid) for pid in pids)


@pytest.mark.parametrize("fault", ["none", "sleep", "await"])
def test_ctrl_c_ends_it_in_good_order(fault, tmp_path):
    program = tmp_path / "driver.py"
    program.write_text(textwrap.dedent(DRIVER.format(folder=str(Path(__file__).parent), fault=fault)))
    driver = subprocess.Popen(
        [sys.executable, program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    pids = [int(pid) for pid in driver.stdout.readline().split()]
    time.sleep(0.3)
    os.killpg(driver.pid, signal.SIGINT)
    _, told = driver.communicate(timeout=30)
    assert driver.returncode in (130, -signal.SIGINT, 1)
    assert told.count("Traceback") == 1  # the driver's own KeyboardInterrupt; the workers say nothing
    deadline = time.monotonic() + 5
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(alive(pid) for pid in pids)


def alive(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_nothing_is_left_behind_after_close():
    before = descriptors()
    for _ in range(3):
        envs = vector()
        envs.reset(seed=0)
        pids = [worker.pid for worker in envs._engine.workers]
        envs.step([DONE] * 4)
        envs.close()
        assert not any(alive(pid) for pid in pids)
    assert descriptors() <= before + 1


@pytest.mark.parametrize("context", ["spawn", "forkserver"])
def test_nothing_is_left_behind_by_workers_that_cannot_be_started(context):
    class Refusing:
        def __reduce__(self):
            raise TypeError("does not travel")

    def bad(refusing=Refusing()):  # noqa: B008 - it has to travel with the function
        return FaultEnv(refusing=refusing)

    before = None
    for _ in range(3):
        with pytest.raises(WorkerError, match="does not travel"):
            AsyncVectorEnv([FaultEnv, bad], num_workers=2, context=context)
        before = before or descriptors()  # what a start method keeps for itself is there by now
    assert descriptors() <= before
    assert not [child for child in multiprocess.active_children() if "gym-llm-vector" in child.name]


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_close_ends_a_worker_that_hangs():
    envs = vector(close_timeout=0.5)
    envs.reset(seed=0)
    envs.step_async([call("loop")] * 4)
    started = time.monotonic()
    with pytest.warns(UserWarning, match="pending"):
        envs.close()
    assert time.monotonic() - started < 10
