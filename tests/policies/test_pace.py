"""The pace, by simulation: it finds a server's limit, keeps near it, and opens again."""

from __future__ import annotations

import pytest

from gym_llm.policies.pace import BURST, Pace


class Limited:
    """A server that admits `rate` requests per second, up to `burst` at once."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst, self.left, self.at = rate, burst, burst, 0.0
        self.accepted = self.rejected = 0

    def admits(self, now: float) -> bool:
        self.left, self.at = min(self.burst, self.left + (now - self.at) * self.rate), now
        good = self.left >= 1.0
        self.left -= good
        self.accepted += good
        self.rejected += not good
        return good


def simulate(server: Limited, seconds: float, *, pause: float = 1.0, tick: float = 0.001) -> Pace:
    """Send as much as the pace allows, answers coming one tick later."""
    pace, now, epochs = Pace(0.0), 0.0, []
    while now < seconds:
        for epoch in epochs:
            if not server.admits(now):
                pace.refuse(now, epoch, pause)
        epochs = [pace.begin() for _ in range(pace.allowance(now))]
        now += tick
    return pace


def test_no_limit_until_a_refusal():
    pace = Pace(0.0)
    assert [pace.allowance(now / 10) for now in range(300)] == [BURST] * 300
    assert pace.rate is None
    assert pace.wait(30.0) == 0.0


@pytest.mark.parametrize(("rate", "burst"), [(100, 100), (100, 1), (20, 20), (1000, 100), (5, 5)])
def test_finds_the_limit_with_few_refusals(rate, burst):
    server = Limited(rate, burst)
    simulate(server, 60.0)
    assert server.accepted >= 0.6 * (60 * rate)
    assert server.rejected <= 20 + 0.05 * server.accepted


def test_nothing_begins_during_a_pause():
    pace = Pace(0.0)
    pace.refuse(1.0, pace.begin(), 2.0)
    assert pace.allowance(2.9) == 0
    assert pace.wait(1.5) == pytest.approx(1.5)
    pace.hold(2.0, 5.0)
    assert pace.allowance(6.9) == 0


def test_a_single_refusal_costs_no_more_than_its_pause():
    pace = Pace(0.0)
    pace.refuse(0.01, pace.begin(), 1.0)
    assert pace.allowance(1.02) == 1


def test_volley_of_refusals_counts_once():
    pace = Pace(0.0)
    epochs = [pace.begin() for _ in range(1000)]
    for epoch in epochs[800:]:
        pace.refuse(1.0, epoch, 1.0)
    assert pace.epoch == 1
    assert pace.rate == pytest.approx(400)  # 800 of them were accepted in the second before and the pause
    pace.allowance(2.5)
    paced = [pace.begin() for _ in range(10)]
    for epoch in paced:
        pace.refuse(3.0, epoch, 1.0)
    assert pace.epoch == 2
    assert 300 < pace.rate < 400


def test_opens_again_when_the_limit_is_gone():
    server = Limited(50, 50)
    pace, now = Pace(0.0), 0.0
    while now < 120.0 and (now < 5.0 or pace.rate is not None):
        for epoch in [pace.begin() for _ in range(pace.allowance(now))]:
            if now < 5.0 and not server.admits(now):
                pace.refuse(now, epoch, 1.0)
        now += 0.002
    assert pace.rate is None
