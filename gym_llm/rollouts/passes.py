"""pass@k, best@k, standard errors and confidence intervals from one reward per rollout.

Everything works on `(task, reward)` columns sorted by key, so that the order in which episodes finished has no
influence. pass@k is the unbiased estimate of Chen et al. 2021 (arXiv 2107.03374), equation 1: over all subsets
of k of a task's n rollouts, not its first k.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_RESAMPLES = 2000
_CELLS = 4_000_000
_Z = 1.959963984540054


def pass_at_k(n: Ints, c: Ints, k: int) -> Floats:
    """Return `1 - C(n-c, k) / C(n, k)` for each task, as a product that cannot overflow.

    Args:
        n: Rollouts per task, each at least k; shape `(tasks,)`.
        c: Those that passed; shape `(tasks,)`.
        k: Size of the subsets.

    >>> pass_at_k(np.array([4, 4, 4]), np.array([0, 1, 4]), 2).tolist()
    [0.0, 0.5, 1.0]
    """
    steps = np.arange(k)
    left = np.clip((n - c)[:, None] - steps, 0, None)
    return np.asarray(1.0 - np.prod(left / (n[:, None] - steps), axis=1), dtype=np.float64)


def best_at_k(rewards: Floats, k: int) -> float:
    """Return the expected greatest of k rewards drawn without replacement from one task's rollouts.

    >>> best_at_k(np.array([0.0, 0.5, 1.0]), 2)
    0.8333333333333333
    """
    ordered, n = np.sort(rewards), len(rewards)
    subsets = math.comb(n, k)
    return math.fsum(float(r) * (math.comb(i, k - 1) / subsets) for i, r in enumerate(ordered))


def ks_up_to(most: int) -> list[int]:
    """Return the k to report: powers of two, and `most` itself."""
    powers = [1 << i for i in range(most.bit_length())]
    return sorted({*powers, most} - {0}) if most else []


def clustered_standard_error(rewards: Floats, starts: Ints) -> float | None:
    """Return the standard error of the mean reward, with tasks as clusters; None for fewer than two.

    Args:
        rewards: All rewards, those of one task together.
        starts: Where each task's rewards begin; shape `(tasks,)`.
    """
    tasks = len(starts)
    if tasks < 2:
        return None
    residuals = np.add.reduceat(rewards - math.fsum(rewards) / len(rewards), starts)
    variance = math.fsum(residuals**2) / len(rewards) ** 2 * tasks / (tasks - 1)
    return math.sqrt(variance)


def interval(values: Floats, seed: int = 0) -> tuple[list[float], str]:
    """Return a 95 % confidence interval of the mean over tasks, and how it was made.

    A bootstrap over tasks; for many tasks its normal limit; for values that are all 0 or 1 and hardly vary
    (where resampling says nothing) Wilson's interval.
    """
    tasks, mean = len(values), math.fsum(values) / len(values)
    if bool(np.all((values == 0) | (values == 1))) and (mean in (0.0, 1.0) or tasks < 10):
        return list(wilson(mean, tasks)), "wilson"
    if tasks == 1:
        return [0.0, 1.0], "none"
    if tasks * _RESAMPLES > _CELLS * 5:
        half = _Z * float(np.std(values, ddof=1)) / math.sqrt(tasks)
        return [max(0.0, mean - half), min(1.0, mean + half)], "normal"
    low, high = np.quantile(_resampled_means(values, seed), [0.025, 0.975])
    return [float(low), float(high)], "bootstrap"


def _resampled_means(values: Floats, seed: int) -> Floats:
    rng = np.random.Generator(np.random.PCG64(seed))
    at_once = max(1, _CELLS // len(values))
    means = [
        values[rng.integers(len(values), size=(min(at_once, _RESAMPLES - done), len(values)))].mean(axis=1)
        for done in range(0, _RESAMPLES, at_once)
    ]
    return np.concatenate(means)


def wilson(mean: float, count: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a proportion.

    >>> wilson(0.0, 10)
    (0.0, 0.2775327998628892)
    """
    spread = _Z**2 / count
    middle = (mean + spread / 2) / (1 + spread)
    half = _Z / (1 + spread) * math.sqrt(mean * (1 - mean) / count + spread / (4 * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def summary(rewards: Floats, starts: Ints, threshold: float, ks: list[int], seed: int = 0) -> dict[str, Any]:
    """Return `{"pass@k": {"value", "interval", "interval_method", "tasks"}}`, and best@k for graded rewards.

    Tasks with fewer than k rollouts are left out of pass@k, and their number is told.
    """
    bounds = np.append(starts, len(rewards))
    n = np.diff(bounds)
    c = np.add.reduceat((rewards >= threshold).astype(np.int64), starts) if len(starts) else n
    found: dict[str, Any] = {}
    graded = len(set(rewards.tolist())) > 2
    for k in ks:
        enough = n >= k
        if not enough.any():
            continue
        values = pass_at_k(n[enough], c[enough], k)
        limits, method = interval(values, seed)
        entry: dict[str, Any] = {"value": math.fsum(values) / len(values), "interval": limits}
        found[f"pass@{k}"] = entry | {"interval_method": method, "tasks": int(enough.sum())}
        if graded and k > 1:
            groups = [rewards[bounds[i] : bounds[i + 1]] for i in np.flatnonzero(enough)]
            best = [best_at_k(group, k) for group in groups]
            found[f"best@{k}"] = {"value": math.fsum(best) / len(best), "tasks": len(best)}
    return found
