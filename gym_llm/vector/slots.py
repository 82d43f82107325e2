"""What the driver knows of one environment: the pending request, and the journal from which it can be replayed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gym_llm.vector.hosted import DELTA


@dataclass(slots=True)
class Pending:
    """A request that was sent.

    Attributes:
        operation: What was asked for.
        payload: With what.
        number: Its sequence number; answers to older ones are dropped.
        since: Monotonic seconds at which it was sent; 0 without a timeout.
        timeout: Seconds that the environment may take, or None.
    """

    operation: str
    payload: Any
    number: int
    since: float
    timeout: float | None


@dataclass(slots=True)
class Result:
    """What became of a request.

    Attributes:
        operation: What was asked for.
        value: The answer, observations rebuilt.
        error: Why there is none: an `info["error"]`.
    """

    operation: str
    value: Any = None
    error: dict[str, Any] | None = None


@dataclass(slots=True)
class Slot:
    """One environment, as its driver sees it.

    Attributes:
        index: Which one.
        worker: Index of the worker that hosts it.
        pending: The request in flight.
        stale: Older requests, by number, that nobody waits for any more, but whose answers belong to the journal.
        observation: The last observation, whole.
        start: How the current episode began (`seed`, `options`, `state`, `sets`), None before the first reset.
        actions: The actions of the current episode.
        lost: Whether the environment's state is lost, so that it has to be reset.
        number: The last sequence number.
        replays: Whether a replay is being waited for, and with what number.
        crashes: Workers that it has taken down in a row.
        attributes: What `set_attr` has set.
        untold: How its episode was lost while nobody waited for a step; the next step is answered by it.
    """

    index: int
    worker: int
    pending: Pending | None = None
    stale: dict[int, Pending] = field(default_factory=dict)
    observation: Any = None
    start: dict[str, Any] | None = None
    actions: list[Any] = field(default_factory=list)
    lost: bool = False
    number: int = 0
    replays: int | None = None
    crashes: int = 0
    attributes: dict[str, Any] = field(default_factory=dict)
    untold: dict[str, Any] | None = None

    def began(self, seed: int | None, options: Any, state: Any) -> None:
        """Note that an episode began; `sets` are attributes, each with the number of actions before it was set."""
        sets = [[-1, name, value] for name, value in self.attributes.items()]
        self.start = {"seed": seed, "options": options, "state": state, "sets": sets}
        self.actions = []
        self.lost = False

    def take(self, pending: Pending, value: Any) -> Result:
        """Note what an answer means, and return it with whole observations."""
        self.crashes = 0
        if pending.operation == "step":
            carried, reward, terminated, truncated, info, began = value
            self.actions.append(pending.payload)
            if began is not None:
                return Result("step", self._began_another(value))
            form, items = carried
            self.observation = observation = self.observation + items if form == DELTA else items
            return Result("step", (observation, reward, terminated, truncated, info))
        if pending.operation == "reset":
            seed, options = pending.payload
            self.observation = self._whole(value[0])
            self.began(seed, options, value[2])
            return Result("reset", (self.observation, value[1]))
        if pending.operation == "set":
            name, given = pending.payload
            self.attributes[name] = given
            if self.start is not None:
                self.start["sets"].append([len(self.actions), name, given])
        return Result(pending.operation, value)

    def _began_another(self, value: list[Any]) -> tuple[Any, ...]:
        """Return a step that began an episode, after the end of another one or instead of a step."""
        observation, reward, terminated, truncated, info, began = value
        if isinstance(info, list):
            final, info = info
            info = {"final_info": final["final_info"], "final_obs": self._whole(final["final_obs"]), **info}
        self.observation = self._whole(observation)
        self.began(None, None, began[0])
        return self.observation, reward, terminated, truncated, info

    def _whole(self, carried: list[Any]) -> Any:
        form, value = carried
        return self.observation + value if form == DELTA else value
