"""A bench's figures as tables for the screen: medians with their spread, no colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gym_llm.bench.figures import short
from gym_llm.bench.machine import described
from gym_llm.bench.pipeline import PARTS
from gym_llm.bench.stepping import OURS

if TYPE_CHECKING:
    from gym_llm.bench.report import BenchReport

MEANING = {
    "policy": "policy: the requests",
    "environment": "environment: resets and steps",
    "writing": "writing: rows encoded and appended",
    "starting": "starting: settings, workers, files",
    "rest": "the rest: records, frames, scheduling",
}


def table(report: BenchReport) -> str:
    """Return all of a bench as text."""
    settings, rounds = report.settings, report.settings.rounds
    spread = f"medians of {rounds} rounds (lowest to highest)" if rounds > 1 else "one round"
    head = f"{settings.env_id}, {spread}\n{described(report.machine)}"
    return "\n\n".join([head, _alone(report), _stepping(report), _pipeline(report)])


def _alone(report: BenchReport) -> str:
    alone = report.alone
    rows = [
        (name, str(alone[f"{name}s_per_second"]), str(alone[f"{name}_cpu_us"])) for name in ("reset", "step", "episode")
    ]
    solved = f"{short(alone['steps_per_episode'].median)} steps an episode, mean reward {alone['reward'].median:g}"
    return f"The environment alone, played by solve ({solved})\n" + _columns(("", "per second", "CPU us"), rows)


def _stepping(report: BenchReport) -> str:
    settings = report.settings
    title = f"Stepping {settings.num_envs:,} environments at once ({settings.num_workers} workers for ours)"
    head = ("engine", "steps/s", "CPU us/step", "driver", "workers", "start s", "its CPU s", "PSS MB", "KB/env")
    keys = (
        "steps_per_second", "cpu_us", "driver_cpu_us", "workers_cpu_us", "start_seconds", "start_cpu_seconds",
        "pss_mb", "pss_kb_per_env",
    )  # fmt: skip
    rows = []
    for name, figures in report.stepping.items():
        cells = [str(figures[key]) if key == "cpu_us" else short(figures[key].median) for key in keys]
        rows.append((name, *cells))
    lines = [title, _columns(head, rows)]
    lines += [f"  {name} takes {ratio:.1f} x the CPU of {OURS}" for name, ratio in report.ratios.items()]
    return "\n".join(lines)


def _pipeline(report: BenchReport) -> str:
    settings, figures, whole = report.settings, report.pipeline, report.pipeline["cpu_ms"]
    title = (
        f"The whole pipeline: {settings.episodes:,} episodes, {settings.concurrency:,} at once, latency "
        f"{settings.latency} s, {settings.num_workers} workers"
    )
    parts = report.parts
    rows = [
        ("episodes/s", str(figures["episodes_per_second"]), ""),
        ("CPU ms/episode", str(whole), ""),
        *((f"  {MEANING[name]}", short(parts[name]), f"{parts[name] / whole.median:.0%}") for name in PARTS),
        ("starting, wall s", str(figures["starting_seconds"]), "and its first episodes"),
        ("peak memory, PSS MB", str(figures["peak_pss_mb"]), ""),
        ("most requests in flight", short(figures["in_flight"].high), ""),
        ("bare HTTP client, CPU ms", str(figures["bare_cpu_ms"]), _against_bare(report)),
        ("mock model, CPU ms", str(figures["model_cpu_ms"]), "not counted above"),
    ]
    return f"{title}\n" + _columns(("", "", ""), rows)


def _against_bare(report: BenchReport) -> str:
    return f"the pipeline takes {report.over_bare:.1f} x that, {report.over_bare_once_started:.1f} x once started"


def _columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows under a head, the first column and the last text of a row flush left."""
    listed = [head, *rows] if any(head) else list(rows)
    widths = [max(len(row[column]) for row in listed) for column in range(len(head))]
    return "\n".join("  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
                     for row in listed)  # fmt: skip
