"""The gate: bounded, in order, safe to give up at, and not slower for those who wait behind many."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from gym_llm.policies.gate import Gate


def test_bounds_what_is_in_flight_and_keeps_the_order():
    async def main():
        gate, order, most = Gate(3), [], 0

        async def one(number):
            nonlocal most
            await gate.enter()
            most = max(most, gate.in_flight)
            order.append(number)
            await asyncio.sleep(0)
            gate.leave()

        await asyncio.gather(*(one(number) for number in range(200)))
        return order, most, gate.in_flight, gate.waiting

    assert asyncio.run(main()) == (list(range(200)), 3, 0, 0)


def test_all_may_be_in_flight_at_once():
    async def main():
        gate = Gate(500)
        await asyncio.gather(*(gate.enter() for _ in range(500)))
        return gate.in_flight

    assert asyncio.run(main()) == 500


def test_first_goes_before_those_who_wait():
    async def main():
        gate, order = Gate(1), []

        async def one(name, first):
            await gate.enter(first=first)
            order.append(name)
            gate.leave()

        await gate.enter()
        waiting = [asyncio.create_task(one(name, name == "again")) for name in ("a", "b", "again")]
        await asyncio.sleep(0)
        gate.leave()
        await asyncio.gather(*waiting)
        return order

    assert asyncio.run(main()) == ["again", "a", "b"]


@pytest.mark.parametrize("seed", range(5))
def test_giving_up_at_any_moment_loses_no_place(seed):
    rng = random.Random(seed)

    async def main():
        gate = Gate(4)

        async def one():
            await gate.enter()
            try:
                await asyncio.sleep(0)
            finally:
                gate.leave()

        tasks = [asyncio.create_task(one()) for _ in range(300)]
        while not all(task.done() for task in tasks):
            rng.choice(tasks).cancel()
            await asyncio.sleep(0)
        assert gate.in_flight == 0
        await asyncio.wait_for(asyncio.gather(*(one() for _ in range(20))), 5)
        return gate.in_flight, gate.waiting

    assert asyncio.run(main()) == (0, 0)


def test_hold_keeps_everybody_out_for_its_time():
    async def main():
        gate = Gate(100)
        await gate.enter()
        gate.hold(0.2)
        started = time.monotonic()
        await asyncio.gather(*(gate.enter() for _ in range(5)))
        return time.monotonic() - started

    assert 0.19 <= asyncio.run(main()) < 5


def test_cost_does_not_grow_with_the_square_of_those_who_wait():
    async def through(count):
        gate = Gate(16)

        async def one():
            await gate.enter()
            await asyncio.sleep(0)
            gate.leave()

        started = time.process_time()
        await asyncio.gather(*(one() for _ in range(count)))
        return (time.process_time() - started) / count

    few = min(asyncio.run(through(1000)) for _ in range(3))
    many = min(asyncio.run(through(32_000)) for _ in range(2))
    assert many < 8 * few  # 32 times as many: a quadratic queue would cost 32 times as much each
