"""What a task's ground truth makes of the office: its calls, replayed once per task and remembered.

The model's own calls are not replayed: its office is the one that it worked in.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import pydantic

from gym_llm import ToolCall, calls
from gym_llm.envs.workplace_assistant.comparison import Change, changes
from gym_llm.envs.workplace_assistant.tables import Office, World
from gym_llm.envs.workplace_assistant.tools import Desk
from gym_llm.tools import tools_of

_TOOLS = tools_of(Desk)


class GroundCall(pydantic.BaseModel):
    """One call that is to be made; its arguments are JSON text."""

    model_config = pydantic.ConfigDict(extra="allow", frozen=True)

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the calls do.

    Attributes:
        changes: What they change.
        failed: Why calls failed, one text for each that did.
        lax: Whether the office checked as little as NeMo Gym's.
    """

    changes: Counter[Change]
    failed: tuple[str, ...]
    lax: bool


def outcome(world: World, ground_truth: list[GroundCall], *, lax: bool) -> Outcome:
    """Return what the calls do; where our checks refuse one that NeMo Gym's accept, by NeMo Gym's."""
    pairs = tuple((call.name, call.arguments) for call in ground_truth)
    found = _replayed(world, pairs, lax)
    if found.failed and not lax:
        looser = _replayed(world, pairs, True)
        return looser if len(looser.failed) < len(found.failed) else found
    return found


@lru_cache(maxsize=8192)
def _replayed(world: World, pairs: tuple[tuple[str, str], ...], lax: bool) -> Outcome:
    desk = Desk()
    desk.office = Office(world, lax=lax)
    failed = []
    for name, arguments in pairs:
        call = ToolCall(name, arguments, "")
        calls.run(call, desk, _TOOLS, _TOOLS, timeout=30.0, max_chars=1000)
        if call.error is not None:
            failed.append(f"{name}: {call.error}")
    return Outcome(changes(desk.office), tuple(failed), lax)
