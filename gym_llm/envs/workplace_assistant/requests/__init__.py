"""Tasks without end: requests to an office assistant, each with the calls that fulfil it.

Over 200 templates in five domains, with one step or several; the grammar is in `grammar.py`. Makes rows for
`WorkplaceAssistant.generate`.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from gym_llm.envs.workplace_assistant.ground_truth import GroundCall, outcome
from gym_llm.envs.workplace_assistant.moments import NOW
from gym_llm.envs.workplace_assistant.requests.analytics import analytics_templates
from gym_llm.envs.workplace_assistant.requests.calendar import CALENDAR
from gym_llm.envs.workplace_assistant.requests.customers import CUSTOMERS
from gym_llm.envs.workplace_assistant.requests.email import EMAIL
from gym_llm.envs.workplace_assistant.requests.grammar import Draft, Template, pick
from gym_llm.envs.workplace_assistant.requests.projects import PROJECTS
from gym_llm.envs.workplace_assistant.tables import World
from gym_llm.envs.workplace_assistant.worlds import world as world_of
from gym_llm.errors import ConfigError, did_you_mean
from gym_llm.items import message

__all__ = ["DOMAINS", "TEMPLATES", "row"]

TEMPLATES: dict[str, Template] = {
    template.name: template
    for templates in (*(domain.templates() for domain in (EMAIL, CALENDAR, PROJECTS, CUSTOMERS)), analytics_templates())
    for template in templates
}
"""Every template by name, `domain/selection/action`."""

DOMAINS = tuple(dict.fromkeys(name.partition("/")[0] for name in TEMPLATES))
_TRIES = 2000
_SYSTEM = f"""You are the assistant of a colleague in an office and work with the tools that you are given.
It is Thursday, {NOW[:10]}, {NOW[11:16]}; what is said about time is said from then.
Meetings lie between 9:00 and 18:00. People are named by their names; the company directory has their addresses.
Do what is asked, all of it and nothing else, without asking back. Then say in a message what you did."""


def row(
    rng: np.random.Generator, *, domain: str | None = None, world: int | str = 0, template: str | None = None
) -> dict[str, Any]:
    """Return a row.

    Args:
        rng: Source of randomness.
        domain: One of `DOMAINS`; any when left out.
        world: Seed of the office, or a folder of WorkBench's tables.
        template: Name of a template; any of the domain when left out.

    Raises:
        ConfigError: For an unknown domain or template, or a template that does not fit the world.
    """
    names = _names(rng, domain, template)
    office = world_of(world)
    for _ in range(_TRIES):
        name = pick(rng, names)
        draft = TEMPLATES[name].make(office, rng)
        if draft is not None and _works(draft, office):
            return _row(rng, draft, name, world)
    raise ConfigError(f"template={template!r}: found nothing in world {world!r} that it fits")


def _names(rng: np.random.Generator, domain: str | None, template: str | None) -> list[str]:
    """Return the templates to draw from: one domain's, so that each domain comes equally often."""
    if template is not None:
        if template not in TEMPLATES:
            raise ConfigError(f"template={template!r} is unknown.{did_you_mean(template, TEMPLATES)}")
        return [template]
    if domain is not None and domain not in DOMAINS:
        raise ConfigError(f"domain={domain!r}: give one of {', '.join(DOMAINS)}")
    domain = domain or pick(rng, DOMAINS)
    return [name for name in TEMPLATES if name.partition("/")[0] == domain]


def _works(draft: Draft, world: World) -> bool:
    """Return whether the calls succeed, and change something where a change is asked for."""
    found = outcome(world, _calls(draft), lax=False)
    return not found.failed and not found.lax and bool(found.changes) == bool(draft.calls)


def _calls(draft: Draft) -> list[GroundCall]:
    return [GroundCall(name=name, arguments=json.dumps(arguments)) for name, arguments in draft.calls]


def _row(rng: np.random.Generator, draft: Draft, name: str, world: int | str) -> dict[str, Any]:
    made = {
        "id": int(rng.integers(1 << 31)),
        "responses_create_params": {"input": [message(_SYSTEM, "system"), message(draft.text)]},
        "ground_truth": [call.model_dump() for call in _calls(draft)],
        "category": f"workplace_assistant_{name.partition('/')[0]}",
        "environment_name": "workplace_assistant",
        "template": name,
        "world": world,
    }
    return made if draft.report is None else made | {"report": draft.report}
