"""What a worker needs to play episodes: policy, environment and rows, packed so that it can be rebuilt there.

A policy travels as its spec and an environment by dill. Secrets that were given directly stand in no spec: they go
over the worker's socket, and nowhere else.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import dill  # type: ignore[import-untyped]

from gym_llm.policies.callables import CallablePolicy
from gym_llm.policies.policy import Policy, from_spec
from gym_llm.rollouts.episodes import MakeEnv
from gym_llm.rollouts.plan import Seeds
from gym_llm.tasks import Dataset, Tasks, load
from gym_llm.workers.packing import packed
from gym_llm.wrappers.recorder import responses_env

WORTH_JOBS, WORTH_JOBS_ANEW = 200, 5000
"""Episodes from which on workers pay: forked off (50 ms of CPU each), and started anew with all imports (1 s)."""


class CannotTravel(Exception):
    """The policy or the environment cannot be rebuilt in another process; the message says why."""


class PolicyStays(CannotTravel):
    """The policy cannot be rebuilt in another process."""


@dataclass(slots=True)
class Rebuilt:
    """What was packed, in a worker."""

    make_env: MakeEnv
    policy: Policy
    tasks: Tasks
    seeds: Seeds
    sampling: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Luggage:
    """A policy, an environment and rows on their way to a worker.

    Attributes:
        contents: What makes the environment, the rows when it does not bring them, the sampling and the seed, by
            dill.
        spec: The policy's spec.
        credentials: The policy's own secrets.
        path: Where modules are looked for.
    """

    contents: bytes = field(repr=False)
    spec: dict[str, Any]
    credentials: Any = field(repr=False)
    path: tuple[str, ...]

    @classmethod
    def pack(
        cls, make_env: MakeEnv, dataset: Dataset | None, policy: Policy, sampling: Mapping[str, Any], seed: int
    ) -> Luggage:
        """Pack everything.

        Raises:
            CannotTravel: It could not be unpacked as it was.
        """
        spec, credentials = policy.spec(), policy.credentials()
        _check_policy(policy, spec, credentials)
        try:
            contents = packed((make_env, dataset, dict(sampling), seed))
        except Exception as error:  # boundary: any object may refuse to be pickled in its own way
            raise CannotTravel(f"the environment cannot be pickled: {error}") from error
        return cls(contents, spec, credentials, tuple(sys.path))

    def unpack(self, index: int, count: int) -> Rebuilt:
        """Rebuild everything, in worker `index` of `count`."""
        sys.path[:] = self.path
        make_env, dataset, sampling, seed = dill.loads(self.contents)  # noqa: S301 - it is the driver's own
        policy = from_spec(self.spec).entrusted(self.credentials, index, count)
        env = make_env()
        inner = responses_env(env)
        tasks = inner.tasks if dataset is None else load(dataset, inner.Task)
        env.close()
        return Rebuilt(make_env, policy, tasks, Seeds(seed), sampling)


def most_workers(spec: Mapping[str, Any]) -> int:
    """Return how many workers can share a policy: each needs at least one request in flight."""
    own = spec.get("max_in_flight")
    inner = [most_workers(each) for each in spec.get("policies", ()) if isinstance(each, Mapping)]
    return min([own if isinstance(own, int) else sys.maxsize, *inner])


def cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _check_policy(policy: Policy, spec: Mapping[str, Any], credentials: Any) -> None:
    if isinstance(policy, CallablePolicy) and str(spec.get("target")).startswith("__main__:"):
        raise PolicyStays("the policy is a function of the program itself; put it into a module")
    try:
        again = from_spec(spec)
        same = again == policy and again.entrusted(credentials).secrets() == policy.secrets()
    except Exception as error:  # boundary: a policy that cannot be rebuilt says so in its own way
        raise PolicyStays(f"the policy cannot be rebuilt from its spec: {error}") from error
    if not same:
        raise PolicyStays("the policy that its spec builds is another one")
