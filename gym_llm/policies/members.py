"""The endpoints that a `FallbackPolicy` holds: their state, their names, and what is told when they fail.

Who is asked, and when, is decided in `fallback.py`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import gymnasium

from gym_llm.errors import ModelError
from gym_llm.items import Action
from gym_llm.policies.policy import Policy


@dataclass(eq=False, slots=True)
class Member:
    """One endpoint.

    Attributes:
        policy: What asks it.
        name: What it is called in errors and records.
        in_flight: Requests that it is answering.
        given: Episodes that came here, or with `least_busy` requests; decides between two that are equally busy.
        down_until: When it may be tried again, 0 while it works.
        warned: Whether a failure of its configuration was told.
    """

    policy: Policy
    name: str
    in_flight: int = 0
    given: int = 0
    down_until: float = 0.0
    warned: bool = False

    def fail(self, error: ModelError, cooldown: float) -> None:
        """Take in that it failed a request; one that only asks to be asked less is not avoided."""
        if error.kind != "rate_limit" or error.fatal:
            self.down_until = time.monotonic() + cooldown
        if is_misconfigured(error) and not self.warned:
            self.warned = True
            gymnasium.logger.warn(f"{error}; its episodes go to the other endpoints")


def is_misconfigured(error: ModelError) -> bool:
    """Whether an error will not pass by itself: a wrong key, model or address."""
    return error.fatal and error.kind in ("auth", "not_found", "invalid_response")


def noted(action: Action, member: Member, failed: Mapping[str, ModelError]) -> Action:
    """Write down in an answer who gave it, and who failed to before."""
    if isinstance(action, dict) and "output" in action:
        own = action.get("_gym_llm") or {}
        before = [{**attempt, "endpoint": name} for name, error in failed.items() for attempt in error.attempts]
        attempts = [*before, *(own.get("attempts") or [])]
        action["_gym_llm"] = {**own, "attempts": attempts, "endpoint": member.name}
    return action


def all_failed(failed: Mapping[str, ModelError], of: int) -> ModelError:
    """Return one error that lists those of several endpoints."""
    errors = list(failed.values())
    if of == 1:
        return errors[0]
    lines = "".join(f"\n  {error}" for error in errors)
    what = "no endpoint answers" if len(errors) == of else f"{len(errors)} of {of} endpoints cannot be used"
    attempts = [{**attempt, "endpoint": name} for name, error in failed.items() for attempt in error.attempts]
    return ModelError(
        f"{what}:{lines}", kind=errors[0].kind, status=errors[0].status, attempts=attempts,
        retryable=any(error.retryable for error in errors), fatal=all(error.fatal for error in errors),
    )  # fmt: skip


def names(policies: list[Policy]) -> list[str]:
    """Return what endpoints are called: by address, by model too where that is needed, else by number."""
    specs = [policy.spec() for policy in policies]
    found = [str(spec.get("base_url") or spec.get("azure_endpoint") or spec["type"]) for spec in specs]
    count = Counter(found)
    found = [
        f"{name} {spec['model']}" if count[name] > 1 and "model" in spec else name
        for name, spec in zip(found, specs, strict=True)
    ]
    count = Counter(found)
    return [f"{name} #{place}" if count[name] > 1 else name for place, name in enumerate(found, 1)]
