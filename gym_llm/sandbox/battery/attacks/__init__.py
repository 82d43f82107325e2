"""The attacks, by class."""

from __future__ import annotations

from gym_llm.sandbox.battery.attack import Attack
from gym_llm.sandbox.battery.attacks import (
    denial,
    escape,
    forging,
    kernel,
    network,
    persistence,
    resources,
    sessions,
    snooping,
    workspaces,
)

ATTACKS: dict[str, tuple[Attack, ...]] = {
    "escape": escape.ATTACKS,
    "kernel": kernel.ATTACKS,
    "snooping": snooping.ATTACKS,
    "network": network.ATTACKS,
    "persistence": persistence.ATTACKS,
    "resources": resources.ATTACKS,
    "denial": denial.ATTACKS,
    "forging": forging.ATTACKS,
    "sessions": sessions.ATTACKS,
    "workspaces": workspaces.ATTACKS,
}
