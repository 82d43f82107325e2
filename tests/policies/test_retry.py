"""When a request is repeated."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from gym_llm.policies.retry import Backoff, Budget, retry_after


@pytest.mark.parametrize(("attempt", "longest"), [(1, 0.5), (2, 1.0), (4, 4.0), (7, 30.0), (50, 30.0)])
def test_backoff_is_spread_over_the_whole_interval(attempt, longest):
    pauses = [Backoff().seconds(attempt) for _ in range(2000)]
    assert 0 <= min(pauses) < 0.05 * longest
    assert 0.95 * longest < max(pauses) <= longest


def test_budget_allows_its_reserve_and_a_tenth():
    budget = Budget(5)
    assert [budget.spend() for _ in range(6)] == [True] * 5 + [False]
    for _ in range(31):
        budget.earn()
    assert [budget.spend() for _ in range(4)] == [True] * 3 + [False]


def test_retry_after_takes_dates():
    assert retry_after(formatdate(time.time() + 30, usegmt=True)) == pytest.approx(30, abs=2)
    assert retry_after(formatdate(time.time() - 30, usegmt=True)) == 0
    assert retry_after(formatdate(time.time() + 9999, usegmt=True)) == 60


@pytest.mark.parametrize("text", ["", "later", "nan", "99 bottles", "Mon, 99 Foo"])
def test_nonsense_in_retry_after_says_nothing(text):
    assert retry_after(text) is None


def test_negative_retry_after_is_no_wait():
    assert retry_after("-5") == 0
