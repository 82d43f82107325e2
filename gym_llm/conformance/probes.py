"""The table of probes: each a small function that tries one promise of the contract on a `Subject`.

A probe returns None when the promise holds, else what it saw. Its name is the function's, its promise the first
line of the docstring; reports and documentation are derived from both.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from gym_llm.conformance.subject import Subject

ProbeFunction = Callable[[Subject], str | None]
PROBES: dict[str, Probe] = {}
"""Every probe by name, in the order in which they run."""


class Skipped(Exception):
    """Raised by a probe that has nothing to try; the text says why."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One promise and how it is tried.

    Attributes:
        name: Stable name, in kebab case.
        promise: What holds when it passes.
        cure: What to change when it fails.
        vital: Whether nothing else can be tried when it fails.
        shortcut: Whether an environment may declare in `known_shortcuts` that it fails.
        function: The probe itself.
    """

    name: str
    promise: str
    cure: str
    vital: bool
    shortcut: bool
    function: ProbeFunction


def probe(cure: str, *, vital: bool = False, shortcut: bool = False) -> Callable[[ProbeFunction], ProbeFunction]:
    """Add a function to the table.

    Args:
        cure: What to change when the probe fails.
        vital: See `Probe`.
        shortcut: See `Probe`.
    """

    def add(function: ProbeFunction) -> ProbeFunction:
        name = function.__name__.replace("_", "-")
        promise = (inspect.getdoc(function) or "").partition("\n")[0].rstrip(".")
        PROBES[name] = Probe(name, promise, cure, vital, shortcut, function)
        return function

    return add


def probe_table() -> str:
    """Return the probes as a Markdown table, for the documentation."""
    rows = [f"| `{probe.name}` | {probe.promise} | {probe.cure} |" for probe in PROBES.values()]
    return "\n".join(["| Probe | What must hold | Cure |", "|---|---|---|", *rows])
