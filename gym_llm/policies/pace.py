"""The rate at which requests may begin: unlimited until a server refuses, then adapted as AIMD does.

Multiplicative decrease at a refusal, additive increase up to the rate that was refused last (Chiu and Jain, 1989);
before a ceiling is known, and beyond it, the rate is explored by steady growth. Only arithmetic on times that are
given to it: no clock, no event loop, so it can be tested by simulation.
"""

from __future__ import annotations

BURST = 4
"""Requests that may begin per turn of the event loop while no limit is known, so that a refusal is seen before
thousands more are on their way. A turn costs microseconds, a request a hundred of them."""

_WINDOW = 10.0  # seconds over which the rate before a first refusal is measured
_EVIDENCE = 20  # requests accepted before a first refusal, from which the measured rate is taken for the ceiling
_SLOWEST = 0.1  # requests per second
_FASTEST = 5000.0  # requests per second; about what one process can send, so pacing ends there
_CUT = 0.9
_GROWTH = 0.02  # of the ceiling per second, below the ceiling
_EXPLORE = 2.0  # factor per second while no ceiling is known
_PROBE = 1.1  # factor per second beyond the ceiling
_SAVED = 0.02  # seconds' worth of requests that may be saved up while the event loop is busy


class Pace:
    """How many requests may begin now.

    Args:
        now: Time of creation, in seconds of any monotonic clock; all later times are of the same clock.

    Attributes:
        rate: Requests per second, or None while there is no limit.
        epoch: Number of refusals that changed the rate. A request carries the epoch in which it began, so that a
            volley of refusals of the same moment counts once.
    """

    __slots__ = (
        "_at",
        "_ceiling",
        "_cut_at",
        "_first",
        "_held",
        "_last",
        "_opened",
        "_taken",
        "_tokens",
        "epoch",
        "rate",
    )

    def __init__(self, now: float) -> None:
        self.rate: float | None = None
        self.epoch = 0
        self._held = now
        self._first = -1
        self._ceiling = 0.0
        self._tokens = 0.0
        self._at = self._opened = self._cut_at = now
        self._taken = 0
        self._last = 0.0

    def allowance(self, now: float) -> int:
        """Return how many requests may begin now."""
        if now < self._held:
            return 0
        if self.rate is None:
            if now - self._opened > _WINDOW:
                self._last, self._opened, self._taken = self._taken / (now - self._opened), now, 0
            return BURST
        self._refill(now, self.rate)
        return int(self._tokens)

    def wait(self, now: float) -> float:
        """Return the seconds until at least one request may begin."""
        if now < self._held:
            return self._held - now
        return 0.0 if self.rate is None else max(0.0, (1.0 - self._tokens) / self.rate)

    def begin(self) -> int:
        """Count a request that begins, and return the epoch it belongs to."""
        self._taken += 1
        self._tokens -= 1.0
        return self.epoch

    def hold(self, now: float, seconds: float) -> None:
        """Let nothing begin for some seconds."""
        self._held = max(self._held, now + seconds)
        self._at = max(self._at, self._held)
        self._tokens = 1.0  # one may begin right after the pause, however slow the pace

    def refuse(self, now: float, epoch: int, seconds: float) -> None:
        """Take in that the server refused a request, and let nothing begin for some seconds.

        Args:
            now: The time.
            epoch: When the request began, as `begin` returned it.
            seconds: The pause the server asked for.
        """
        self._taken -= 1
        if epoch == self.epoch:
            if self.rate is None:
                self._first, self._cut_at = epoch, now
            else:
                self._ceiling = self.rate
                self.rate = max(_SLOWEST, self.rate * _CUT)
            self.epoch += 1
        if self.rate is None or (epoch == self._first and now <= self._held):
            self._measure(seconds)
        self.hold(now, seconds)

    def _measure(self, seconds: float) -> None:
        """Take the rate accepted until the first refusal for the limit, the pause it brought included."""
        accepted = max(self._taken, 1)
        recent = accepted / max(self._cut_at - self._opened + seconds, 1e-3)
        self.rate = max(_SLOWEST, recent, self._last / 2)
        self._ceiling = self.rate if accepted >= _EVIDENCE else 0.0

    def _refill(self, now: float, rate: float) -> None:
        elapsed = max(0.0, min(now - self._at, 1.0))
        self._at = max(now, self._at)
        if rate < self._ceiling:
            rate += _GROWTH * self._ceiling * elapsed
        else:
            rate *= (_PROBE if self._ceiling else _EXPLORE) ** elapsed
        self._tokens = min(self._tokens + rate * elapsed, max(1.0, rate * _SAVED))
        self.rate = rate
        if rate > _FASTEST:
            self.rate, self._ceiling, self._opened, self._taken = None, 0.0, now, 0
