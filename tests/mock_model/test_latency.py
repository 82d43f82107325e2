from __future__ import annotations

import statistics

import pytest

from gym_llm.errors import ConfigError
from gym_llm.mock_model.latency import parse_latency


def draws(text: str | float, seed: int = 0, count: int = 4000) -> list[float]:
    latency = parse_latency(text, seed)
    return [latency() for _ in range(count)]


@pytest.mark.parametrize("text", ["0.5", 0.5, "constant:0.5"])
def test_a_number_is_constant(text: str | float) -> None:
    assert set(draws(text, count=3)) == {0.5}


def test_distributions_have_the_shape_they_are_named_after() -> None:
    uniform = draws("uniform:0.1:0.5")
    assert 0.1 <= min(uniform) < 0.11 < 0.49 < max(uniform) <= 0.5
    lognormal = draws("lognormal:0.5:0.3")
    assert statistics.median(lognormal) == pytest.approx(0.5, rel=0.05)
    assert statistics.mean(lognormal) == pytest.approx(0.5 * 2.718281828 ** (0.3**2 / 2), rel=0.05)
    assert statistics.mean(draws("exponential:0.5")) == pytest.approx(0.5, rel=0.1)


def test_the_seed_decides_the_draws() -> None:
    assert draws("exponential:1", seed=3, count=5) == draws("exponential:1", seed=3, count=5)
    assert draws("exponential:1", seed=3, count=5) != draws("exponential:1", seed=4, count=5)


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("uniformm:0:1", "Did you mean 'uniform'"),
        ("uniform:1", "uniform:LOW:HIGH"),
        ("uniform:2:1", "uniform:1:2"),
        ("fast", "lognormal:MEDIAN:SIGMA"),
        ("-1", "not negative"),
        ("nan", "finite"),
        ("", "SECONDS"),
    ],
)
def test_other_texts_are_refused_with_the_cure(text: str, cure: str) -> None:
    with pytest.raises(ConfigError, match=cure):
        parse_latency(text)
