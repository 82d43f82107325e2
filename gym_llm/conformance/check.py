"""Running the probes over one environment."""

from __future__ import annotations

import importlib
import time
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import gymnasium

from gym_llm.conformance import basics, contract, conversation, determinism, rewards, robustness, shortcuts, tooling
from gym_llm.conformance.probes import PROBES, Probe, Skipped
from gym_llm.conformance.report import Finding, Report
from gym_llm.conformance.subject import Subject, Target
from gym_llm.conformance.watch import Hung, Watch
from gym_llm.core import failure
from gym_llm.errors import ConfigError

THEMES = (basics, contract, conversation, determinism, rewards, robustness, shortcuts, tooling)
"""The modules whose import fills the table of probes, in the order in which they run."""


def check(
    env_id: Target, *, env_kwargs: Mapping[str, Any] | None = None, tasks: int = 20, hostile_actions: int = 2000,
    step_timeout: float = 5.0, seed: int = 0,
) -> Report:  # fmt: skip
    """Check that an environment keeps the contract; `PROBES` says what that is.

    Args:
        env_id: An id, `"module:Name-v0"`, a specification, or a `ResponsesEnv` subclass or factory.
        env_kwargs: Keyword arguments of the environment; plain data.
        tasks: How many tasks each probe tries (bundled rows are all tried for gold, up to 200).
        hostile_actions: How many hostile actions are played.
        step_timeout: Seconds that one call into the environment may take.
        seed: Seed of everything random in the check.

    Returns:
        One finding per probe; nothing that the environment does raises.

    Raises:
        ConfigError: For a number below 1.
        gymnasium.error.Error: For an id that is not registered.

    >>> import gym_llm
    >>> gym_llm.check("gym_llm/SimpleWeather-v0", tasks=2, hostile_actions=50).ok
    True
    """
    for name, number in (("tasks", tasks), ("hostile_actions", hostile_actions), ("step_timeout", step_timeout)):
        if number <= 0:
            raise ConfigError(f"{name}={number!r}: give a number above 0")
    if isinstance(env_id, str):
        module, _, env_id = env_id.rpartition(":")
        if module:
            importlib.import_module(module)
        gymnasium.spec(env_id)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        watch = Watch(step_timeout)
        subject = Subject(env_id, dict(env_kwargs or {}), tasks, hostile_actions, seed, watch, seen)
        return Report(subject.name, _findings(subject))


def _findings(subject: Subject) -> list[Finding]:
    findings: list[Finding] = []
    blocked = ""
    for probe in PROBES.values():
        if blocked:
            findings.append(Finding(probe.name, "skipped", f"not tried: {blocked}"))
            continue
        started = time.perf_counter()
        seen, hung = _outcome(probe, replace(subject, watch=Watch(subject.watch.limit)))
        finding = _finding(probe, seen, time.perf_counter() - started, subject)
        findings.append(finding)
        if hung:
            blocked = f"it hung in {probe.name}"
        elif finding.status == "failed" and probe.vital:
            blocked = f"{probe.name} failed"
    return findings


def _outcome(probe: Probe, subject: Subject) -> tuple[str | Skipped | None, bool]:
    """Return what the probe saw, and whether the environment hung."""
    try:
        return subject.watch.run(lambda: probe.function(subject)), False
    except Skipped as reason:
        return reason, False
    except Hung as hung:
        return str(hung), True
    except Exception as error:  # boundary: whatever the environment raised is what the check found
        found = failure(error, "probe")
        return f"{found['type']}: {found['message']} ({found['where']})", False


def _finding(probe: Probe, seen: str | Skipped | None, seconds: float, subject: Subject) -> Finding:
    if isinstance(seen, Skipped):
        return Finding(probe.name, "skipped", str(seen), seconds=seconds)
    if seen is None:
        return Finding(probe.name, "passed", seconds=seconds)
    declared = dict(subject.env_class.known_shortcuts) if probe.shortcut else {}
    if probe.name in declared:
        return Finding(probe.name, "declared", declared[probe.name], seconds=seconds)
    return Finding(probe.name, "failed", seen, probe.cure, seconds)
