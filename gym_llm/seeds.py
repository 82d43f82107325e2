"""The seeds of a collection: numbers that follow from its own seed, a task and an attempt, the same in any process."""

from __future__ import annotations

import numpy as np


def drawn(run: int, task: int, attempt: int, count: int) -> list[int]:
    """Return the first seeds of a task's attempt: the environment's, then one per repeat for the model's sampling.

    Args:
        run: Seed of the collection.
        task: Index of the task.
        attempt: How many attempts there were before; all of them share the environment's seed of the first.
        count: How many seeds; fewer are a beginning of more.

    Returns:
        Whole numbers of 31 bits, which every model server takes.

    >>> drawn(0, 3, 0, 4)[:1] == drawn(0, 3, 0, 1) != drawn(1, 3, 0, 1)
    True
    """
    words = (run, task, attempt)
    small = max(words) < 1 << 32  # an array saves half of the time, and gives the same numbers
    sequence = np.random.SeedSequence(np.array(words, dtype=np.uint32) if small else words)
    numbers: list[int] = (sequence.generate_state(count) >> 1).tolist()
    return numbers
