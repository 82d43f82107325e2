"""What a check found: one `Finding` per probe, and the `Report` that a person or a program reads."""

from __future__ import annotations

import textwrap
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Literal

from gym_llm.items import printable

Status = Literal["passed", "failed", "skipped", "declared"]
_MARKS: dict[Status, str] = {"passed": "ok", "failed": "FAILED", "skipped": "skipped", "declared": "declared"}


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one probe.

    Attributes:
        name: The probe's name.
        status: `declared` is a shortcut that pays and that the environment admits in `known_shortcuts`.
        detail: What was seen; empty when it passed.
        cure: What to change; empty unless it failed.
        seconds: Duration.
    """

    name: str
    status: Status
    detail: str = ""
    cure: str = ""
    seconds: float = 0.0

    def lines(self, width: int) -> list[str]:
        """Return the finding as lines of text, names padded to `width` characters."""
        head = f"{_MARKS[self.status]:<9}{self.name:<{width}}{self.seconds:8.2f} s"
        if self.status == "failed":
            return [head, *_indented(self.detail), *_indented(f"Cure: {self.cure}")]
        return [f"{head}  {printable(self.detail)}".rstrip()]


@dataclass(frozen=True, slots=True)
class Report:
    """What `gym_llm.check` returns.

    Attributes:
        env: Name of what was checked.
        findings: One per probe, in the order in which they ran.

    >>> report = Report("gym_llm/MCQA-v0", [Finding("gold", "passed", seconds=0.25)])
    >>> report.ok
    True
    >>> print(report.text())
    gym_llm/MCQA-v0
    ok       gold      0.25 s
    1 passed, 0 failed in 0.2 s
    """

    env: str
    findings: list[Finding]

    @property
    def ok(self) -> bool:
        """Whether no probe failed."""
        return not self.failed

    @property
    def failed(self) -> list[Finding]:
        """The findings that failed."""
        return [finding for finding in self.findings if finding.status == "failed"]

    def text(self) -> str:
        """Return the report for a terminal: a line per probe, detail and cure under the ones that failed."""
        width = max((len(finding.name) for finding in self.findings), default=0)
        lines = [line for finding in self.findings for line in finding.lines(width)]
        counts = Counter(finding.status for finding in self.findings)
        shown = [f"{counts[status]} {status}" for status in ("passed", "failed")]
        shown += [f"{counts[status]} {status}" for status in ("skipped", "declared") if counts[status]]
        seconds = sum(finding.seconds for finding in self.findings)
        return "\n".join([self.env, *lines, f"{', '.join(shown)} in {seconds:.1f} s"])

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {"env": self.env, "ok": self.ok, "findings": [asdict(finding) for finding in self.findings]}


def _indented(text: str) -> list[str]:
    return textwrap.wrap(printable(text), 108, initial_indent=" " * 9, subsequent_indent=" " * 11)
