"""The bridge: sync code that waits suspends its whole stack; loop, threads and context stay as they are."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import threading
import time

import greenlet
import gymnasium
import pytest

import gym_llm
from gym_llm import bridge, items

WHO = contextvars.ContextVar("who", default="nobody")
ROWS = [{"responses_create_params": {"input": "x"}}]


class Waiting(gym_llm.ResponsesEnv):
    @gym_llm.tool
    async def sleep(self, seconds: float) -> str:
        """Sleep."""
        await asyncio.sleep(seconds)
        return WHO.get()

    async def verify(self, task, episode):
        await asyncio.sleep(0)
        return 1.0


def wrapped():
    env = gymnasium.wrappers.OrderEnforcing(Waiting(dataset=ROWS))
    return gymnasium.wrappers.RecordEpisodeStatistics(gymnasium.wrappers.TimeLimit(env, 10))


def sleeping(seconds):
    return [items.function_call("sleep", {"seconds": seconds})]


async def later(value, seconds=0.0):
    await asyncio.sleep(seconds)
    return value


async def broken(error):
    await asyncio.sleep(0)
    raise error


def test_five_hundred_wrapped_environments_wait_together_in_one_thread():
    async def main():
        envs = [wrapped() for _ in range(500)]
        for env in envs:
            env.reset(seed=0)
        started = time.perf_counter()
        steps = await asyncio.gather(*(bridge.run(env.step, sleeping(0.2)) for env in envs))
        return time.perf_counter() - started, steps

    threads = threading.active_count()
    seconds, steps = asyncio.run(main())
    assert 0.2 <= seconds < 5.0  # one after the other: 100 seconds
    assert all(observation[-1]["output"] == "nobody" for observation, *_ in steps)
    assert threading.active_count() == threads


def test_without_the_bridge_a_step_just_blocks():
    env = wrapped()
    env.reset(seed=0)
    assert env.step(sleeping(0.01))[0][-1]["output"] == "nobody"
    assert env.step([items.assistant_message("done")])[1:3] == (1.0, True)


def test_context_variables_are_seen_and_kept_apart():
    async def one(name):
        WHO.set(name)
        env = wrapped()
        await bridge.run(env.reset, seed=0)
        observation, *_ = await bridge.run(env.step, sleeping(0.01))
        return observation[-1]["output"], WHO.get()

    async def main():
        return await asyncio.gather(*(one(str(number)) for number in range(20)))

    assert asyncio.run(main()) == [(str(number),) * 2 for number in range(20)]


def test_values_set_inside_are_the_callers():
    def inside():
        WHO.set(bridge.wait(later("set")))

    async def main():
        await bridge.run(inside)
        return WHO.get()

    assert asyncio.run(main()) == "set"


def test_exceptions_cross_in_both_directions():
    def inside():
        with pytest.raises(KeyError):
            bridge.wait(broken(KeyError("a")))
        assert bridge.wait(later(1)) == 1
        raise ValueError("out")

    with pytest.raises(ValueError, match="out"):
        asyncio.run(bridge.run(inside))


def test_cancellation_reaches_the_waiting_code_which_may_clean_up():
    seen = []

    def inside():
        try:
            bridge.wait(asyncio.sleep(30))
        except asyncio.CancelledError:
            seen.append(bridge.wait(later("cleaned")))
            raise

    async def main():
        task = asyncio.create_task(bridge.run(inside))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await bridge.run(bridge.wait, later("after"))

    assert asyncio.run(main()) == "after"
    assert seen == ["cleaned"]


def test_a_timeout_around_a_step():
    async def main():
        env = wrapped()
        env.reset(seed=0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(bridge.run(env.step, sleeping(30)), 0.02)

    asyncio.run(main())


def test_bridges_inside_bridges():
    def inner():
        return bridge.wait(later(2)) + 1

    def outer():
        return bridge.wait(bridge.run(inner)) + bridge.wait(later(10))

    assert asyncio.run(bridge.run(outer)) == 13


def test_waiting_inside_a_running_loop_without_the_bridge():
    async def notebook_cell():
        env = wrapped()
        env.reset(seed=0)
        return env.step(sleeping(0.01))[0][-1]["output"]

    assert asyncio.run(notebook_cell()) == "nobody"

    async def failing_cell():
        bridge.wait(broken(KeyError("a")))

    with pytest.raises(KeyError):
        asyncio.run(failing_cell())


def test_each_thread_has_its_own():
    found, failures = [], []

    def work(number):
        try:
            found.append(bridge.wait(later(number)))
            found.append(asyncio.run(bridge.run(bridge.wait, later(number))))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert sorted(found) == sorted([*range(8)] * 2)


def test_a_gone_threads_loop_is_closed_even_from_within_another_loop():
    def work():
        thread = threading.Thread(target=bridge.wait, args=(later(1),))
        thread.start()
        thread.join()

    async def main():
        for _ in range(5):
            work()
            gc.collect()

    asyncio.run(main())
    gc.collect()


def test_the_private_loop_is_kept_between_waits():
    loops = {bridge.wait(_loop()) for _ in range(5)}
    assert len(loops) == 1


async def _loop():
    return id(asyncio.get_running_loop())


def greenlets():
    gc.collect()
    return sum(isinstance(thing, greenlet.greenlet) for thing in gc.get_objects())


def test_greenlets_are_used_again_and_bounded():
    async def main(count):
        await asyncio.gather(*(bridge.run(bridge.wait, later(number)) for number in range(count)))

    before = greenlets()
    asyncio.run(main(600))
    first = greenlets()
    for _ in range(3):
        asyncio.run(main(600))
    assert greenlets() <= first <= before + 256


def test_greenlets_of_a_gone_thread_and_of_abandoned_calls_are_freed():
    def work():
        asyncio.run(main())
        for _ in range(10):
            call = bridge.start(bridge.wait, asyncio.sleep(0))
            assert not call.finished
            call._value.close()

    async def main():
        await asyncio.gather(*(bridge.run(bridge.wait, later(number)) for number in range(50)))

    before = greenlets()
    for _ in range(4):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert greenlets() <= before + 2


def test_a_call_that_never_waits_is_finished_at_once():
    call = bridge.start(lambda: 5)
    assert call.finished
    assert call.result() == 5
    failing = bridge.start(lambda: 1 // 0)
    assert failing.finished
    with pytest.raises(ZeroDivisionError):
        failing.result()


def test_a_forked_child_waits_on_a_loop_of_its_own():
    async def nap():
        await asyncio.sleep(0.01)
        return os.getpid()

    assert bridge.wait(nap()) == os.getpid()
    child = os.fork()
    if not child:
        os._exit(0 if bridge.wait(nap()) == os.getpid() else 1)
    deadline = time.monotonic() + 20
    done, status = os.waitpid(child, os.WNOHANG)
    while not done and time.monotonic() < deadline:
        time.sleep(0.02)
        done, status = os.waitpid(child, os.WNOHANG)
    if not done:
        os.kill(child, 9)
        os.waitpid(child, 0)
    assert (done, status) == (child, 0)
    assert bridge.wait(nap()) == os.getpid()
