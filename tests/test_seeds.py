"""Seeds follow from the run, the task and the attempt, and stay what they were: a resume depends on it."""

from __future__ import annotations

import pytest

from gym_llm.seeds import drawn


@pytest.mark.parametrize(
    ("run", "task", "attempt", "seeds"),
    [
        (0, 0, 0, [1484405855, 1838574579, 372825380]),
        (7, 3, 1, [530400660, 1551894396, 1270033672]),
        (1 << 40, 3, 0, [1269037773, 1316242521]),
    ],
)
def test_they_stay_what_they_were(run, task, attempt, seeds):
    assert drawn(run, task, attempt, len(seeds)) == seeds
    assert drawn(run, task, attempt, 1) == seeds[:1]
    assert all(0 <= seed < 1 << 31 for seed in drawn(run, task, attempt, 1000))
