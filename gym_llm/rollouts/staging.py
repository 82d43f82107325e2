"""Where the episodes of a collection are played: whole ones in workers, single steps in workers, or all of it here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium

from gym_llm.policies.callables import CallablePolicy
from gym_llm.policies.policy import Policy
from gym_llm.rollouts import luggage
from gym_llm.rollouts.collector import Stage
from gym_llm.rollouts.crew import Crew
from gym_llm.rollouts.episodes import EpisodeRunner, MakeEnv
from gym_llm.rollouts.luggage import CannotTravel, Luggage, PolicyStays
from gym_llm.rollouts.moving import Moving
from gym_llm.rollouts.plan import Seeds
from gym_llm.rollouts.run_file import Settings
from gym_llm.rollouts.slots import Slots
from gym_llm.rollouts.starting import may_fork
from gym_llm.rollouts.stepping import Stepping, Steps
from gym_llm.tasks import Dataset, Tasks


@dataclass(frozen=True, slots=True)
class Staging:
    """What a stage is chosen by.

    Attributes:
        make_env: Makes an environment.
        first: One that is there already.
        dataset: The rows, where the environment does not bring them.
        tasks: The rows, checked.
        policy: The policy.
        by_name: Whether the environment was given by a name that means the same elsewhere.
        num_workers: Workers that were asked for; None to find out.
        timeout: Seconds that a step may take, or None.
    """

    make_env: MakeEnv
    first: gymnasium.Env[Any, Any]
    dataset: Dataset | None
    tasks: Tasks
    policy: Policy
    by_name: bool
    num_workers: int | None
    timeout: float | None

    def stage(self, settings: Settings, missing: int) -> Stage:
        """Return the stage.

        Args:
            settings: The run's.
            missing: Episodes that are to be played.
        """
        concurrency = min(settings["concurrency"], missing)
        slots = Slots(self._runners(settings), concurrency)
        count = self._workers(concurrency, missing)
        if not count:
            return slots
        try:
            elsewhere = self._elsewhere(settings, count, concurrency)
        except CannotTravel as reason:
            if self.num_workers:
                gymnasium.logger.warn("%s; episodes are played in this process, without workers", reason)
            return slots
        return Moving(elsewhere, slots, asked=self.num_workers is not None)

    def _elsewhere(self, settings: Settings, count: int, concurrency: int) -> Stage:
        """Return the stage in workers: whole episodes, or single steps when the policy must stay in this process.

        Raises:
            CannotTravel: Not even the environment can be rebuilt there, or the policy has to be beside it.
        """
        seeds, sampling = Seeds(settings["seed"]), settings["sampling"]
        try:
            if self.num_workers is None and isinstance(self.policy, CallablePolicy):
                raise PolicyStays("a function may use what only this process has")
            packed = Luggage.pack(self.make_env, self.dataset, self.policy, sampling, seeds.run)
        except PolicyStays as reason:
            policy = self.policy.sampled(sampling) if sampling else self.policy
            if policy.needs_env:
                raise CannotTravel(f"{reason}, and it looks into the environment") from None
            return Stepping(Steps(self.make_env, policy, self.tasks, seeds, count, concurrency, self.timeout))
        return Crew(packed, self.policy, seeds, count, concurrency, self.timeout)

    def _workers(self, concurrency: int, missing: int) -> int:
        """Return how many workers play: as many as were asked for, or as pay."""
        wanted = self.num_workers
        if wanted is None:
            forks = may_fork(patience=0.2) and not isinstance(self.policy, CallablePolicy)
            least = luggage.WORTH_JOBS if forks else luggage.WORTH_JOBS_ANEW
            wanted = 0 if not self.by_name or missing < least else luggage.cores()
        return max(0, min(wanted, missing, concurrency, luggage.most_workers(self.policy.spec())))

    def _runners(self, settings: Settings) -> Callable[[], EpisodeRunner]:
        """Return what makes runners in this process, of which the first gets the environment that is there."""
        spare, seeds, sampling = [self.first], Seeds(settings["seed"]), settings["sampling"]

        def make_runner() -> EpisodeRunner:
            given = spare.pop() if spare else None
            return EpisodeRunner(self.make_env, self.policy, self.tasks, seeds, sampling, given)

        return make_runner
