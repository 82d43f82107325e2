"""Issue texts, from what a failing test shows: what was run, what came, what should have come."""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np

from gym_llm.envs.mini_swe.examination import Probe, TestSource, probe_of

_OPENINGS = (
    "{title}\n\nI ran this:\n\n```python\n{code}\n```\n\n{outcome}",
    "{title}\n\nTo reproduce:\n\n```python\n{code}\n```\n\n{outcome}",
    "{title}\n\nThis script goes wrong, and similar inputs do too:\n\n```python\n{code}\n```\n\n{outcome}",
    "{title}\n\n```python\n{code}\n```\n\n{outcome} Please fix it in the library; other cases may be hit as well.",
)
_TITLES = ("Wrong behaviour in `{module}`", "Bug: `{module}` misbehaves", "Unexpected outcome from `{module}`")


def example(source: TestSource, probes: list[Probe], number: int, answer: Any) -> dict[str, str]:
    """Return the script, and what came of it, that shows a failed assertion.

    Args:
        source: The test.
        probes: Its assertions.
        number: Which of them failed.
        answer: What was told instead.
    """
    probe = probes[number]
    lines = [ast.unparse(node) for node in (*source.imports, *source.set_up)]
    for place, node in enumerate(source.body[: probe.place]):
        asserted = probe_of(node, place)
        if asserted is None:
            lines.append(ast.unparse(node))
        elif not asserted.raises:
            lines.append(asserted.asked)
    lines.append(probe.asked if probe.raises else f"print({probe.asked})")
    code = re.sub(r"\bself\.", "", "\n".join(lines))
    if probe.raises:
        came = f"raises {answer[1]}" if isinstance(answer, list) else "raises nothing"
        return {"code": code, "outcome": f"It {came}. It should raise {probe.expected}."}
    if isinstance(answer, list):
        return {"code": code, "outcome": f"It fails with `{answer[0]}`. The result should be `{probe.expected}`."}
    return {"code": code, "outcome": f"The result is `{answer}`, but it should be `{probe.expected}`."}


def text(rng: np.random.Generator, shown: dict[str, str], package: str) -> str:
    """Return an issue about an example."""
    title = _TITLES[int(rng.integers(len(_TITLES)))].format(module=package)
    return _OPENINGS[int(rng.integers(len(_OPENINGS)))].format(title=title, **shown)
