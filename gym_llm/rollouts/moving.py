"""Workers if they can play, this process if not: what cannot be rebuilt there is often found out only there."""

from __future__ import annotations

import gymnasium

from gym_llm.rollouts.collector import Collector, Stage
from gym_llm.rollouts.luggage import CannotTravel
from gym_llm.rollouts.slots import Slots


class Moving:
    """A stage in workers, with another to fall back on.

    Args:
        workers: The workers.
        slots: This process.
        asked: Whether workers were asked for, so that doing without them is worth a warning.
    """

    def __init__(self, workers: Stage, slots: Slots, *, asked: bool) -> None:
        self._workers, self._slots, self._asked = workers, slots, asked
        self._moved = True

    async def run(self, collector: Collector) -> None:
        """Play all jobs."""
        try:
            await self._workers.run(collector)
        except CannotTravel as reason:
            message = f"a worker cannot rebuild what it is to play ({reason}); episodes are played in this process"
            if self._asked:
                gymnasium.logger.warn("%s", message)
            else:
                collector.progress.say(message)
            self._moved = False
            await self._slots.run(collector)

    def cancel(self) -> None:
        """Give up what runs."""
        (self._workers if self._moved else self._slots).cancel()
