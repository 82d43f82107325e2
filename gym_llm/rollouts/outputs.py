"""The files of one collection: rows, failures, metrics and settings, opened, continued or replaced together.

For `out.jsonl` these are `out_failures.jsonl`, `out_metrics.json` and `out_run.json`, and a `.quarantine` beside a
file that was mended. The lock on the rows covers them all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from gym_llm.errors import OutputError
from gym_llm.journal.journal import Journal, quarantine_path
from gym_llm.journal.rows import encode
from gym_llm.rollouts.facts import Failure, facts_of_line, failure_of_line
from gym_llm.rollouts.metrics import Metrics, write_metrics
from gym_llm.rollouts.plan import Plan
from gym_llm.rollouts.run_file import Settings, read_settings, refuse_changes, write_settings

_REDACTED = b"(secret)"
_SHORTEST_SECRET = 6


@dataclass(frozen=True, slots=True)
class Paths:
    """Where the files of a collection are.

    >>> Paths.of("runs/a.jsonl").failures.name
    'a_failures.jsonl'
    """

    rows: Path
    failures: Path
    metrics: Path
    run: Path

    @classmethod
    def of(cls, output: str | Path) -> Paths:
        """Return the paths that belong to an output file."""
        rows = Path(output)
        stem = rows.with_suffix("") if rows.suffix == ".jsonl" else rows
        around = (stem.with_name(stem.name + end) for end in ("_failures.jsonl", "_metrics.json", "_run.json"))
        return cls(rows, *around)

    def refuse_existing(self, *, resume: bool, overwrite: bool) -> None:
        """Refuse an output that is there already, unless something was said about it.

        Raises:
            OutputError: With the cure.
        """
        there = self.run.exists() or (self.rows.exists() and self.rows.stat().st_size > 0)
        if there and not resume and not overwrite:
            raise OutputError(
                f"{self.rows} is there already: resume=True continues it, overwrite=True replaces it, "
                "another output leaves it alone"
            )


class Outputs:
    """The open files of one collection.

    Args:
        paths: Where they are.
        secrets: Texts that are replaced wherever they would be written.

    Raises:
        OutputError: If another process writes them.
    """

    def __init__(self, paths: Paths, secrets: Iterable[str] = ()) -> None:
        self.paths = paths
        self._secrets = [encode({"": text})[5:-2] for text in secrets if len(text) >= _SHORTEST_SECRET]
        self._rows = Journal(paths.rows)
        self._failures: Journal | None = None

    def start(self, settings: Settings, *, resume: bool, overwrite: bool) -> bool:
        """Decide between a fresh start and a continuation, and write the settings.

        Returns:
            Whether earlier rows are continued; see `recover`.

        Raises:
            OutputError: If the output is there and nothing was said about it, or its settings differ.
        """
        self.paths.refuse_existing(resume=resume, overwrite=overwrite)
        old = read_settings(self.paths.run) if resume and not overwrite else None
        if old is not None:
            refuse_changes(self.paths.run, old, settings)
        elif resume and not overwrite and self._rows.size:
            raise OutputError(
                f"{self.paths.rows} has no {self.paths.run.name} beside it, so nobody can tell what made its rows; "
                "give another output, or overwrite=True to replace it"
            )
        else:
            self._clear()
        write_settings(self.paths.run, settings)
        return old is not None

    def recover(self, plan: Plan, metrics: Metrics) -> int:
        """Mend the files of an earlier run and take over what is in them.

        Returns:
            How many damaged stretches were moved to quarantine.
        """

        def take_row(line: bytes) -> bool:
            try:
                facts = facts_of_line(line)
            except msgspec.MsgspecError as error:
                raise OutputError(
                    f"{self.paths.rows} holds a row that is no record ({error}); overwrite=True replaces it"
                ) from error
            if not plan.finish(facts.task, facts.rollout):
                return False
            metrics.add(facts)
            return True

        def take_failure(line: bytes) -> bool:
            try:
                failure = failure_of_line(line)
            except msgspec.MsgspecError:
                return False
            plan.count_failure(failure.task, failure.rollout)
            metrics.add_failure(failure)
            return True

        found = self._rows.recover(take_row).quarantined
        if self.paths.failures.exists():
            found += self._failure_journal().recover(take_failure).quarantined
        plan.count_given_up()
        return found

    def add_rows(self, lines: list[bytes]) -> None:
        """Append encoded records."""
        self._rows.extend([self._clean(line) for line in lines])

    def add_failure(self, line: bytes) -> Failure:
        """Append one encoded failure, and return what of it is counted."""
        clean = self._clean(line)
        self._failure_journal().append(clean)
        return failure_of_line(clean)

    def write_metrics(self, result: dict[str, Any]) -> None:
        """Replace the metrics file."""
        write_metrics(self.paths.metrics, result)

    def close(self) -> None:
        """Sync and unlock everything."""
        try:
            if self._failures is not None:
                self._failures.close()
        finally:
            self._rows.close()

    def _failure_journal(self) -> Journal:
        if self._failures is None:
            self._failures = Journal(self.paths.failures)
        return self._failures

    def _clean(self, line: bytes) -> bytes:
        for secret in self._secrets:
            if secret in line:
                line = line.replace(secret, _REDACTED)
        return line

    def _clear(self) -> None:
        """Empty the rows last: a run killed in between is told from a finished one by its missing settings."""
        paths = self.paths
        old = (paths.failures, paths.metrics, quarantine_path(paths.failures), quarantine_path(paths.rows))
        for path in (paths.run, *old):
            path.unlink(missing_ok=True)
        self._rows.clear()
