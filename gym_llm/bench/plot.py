"""A bench's figures as one picture of three panels. Needs matplotlib, which the extra `bench` brings."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gym_llm.bench.figures import Figure, short
from gym_llm.bench.machine import described
from gym_llm.bench.pipeline import PARTS
from gym_llm.bench.stepping import OURS
from gym_llm.errors import MissingExtra

if TYPE_CHECKING:
    from gym_llm.bench.report import BenchReport

_COLOURS = {
    "policy": "#d6604d", "environment": "#4393c3", "writing": "#74add1", "starting": "#c7c7c7", "rest": "#f4a582",
    "reset": "#4393c3", "step": "#2166ac", "driver": "#f4a582", "workers": "#2166ac", "bare": "#878787",
}  # fmt: skip
_LABELS = {"policy": "policy (requests)", "starting": "starting workers", "rest": "rest (records, frames)"}


def draw(report: BenchReport, path: Path) -> None:
    """Draw a bench into a file.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    figure = _figure()
    settings = report.settings
    several = f"medians of {settings.rounds} rounds, lines from lowest to highest"
    rounds = several if settings.rounds > 1 else "one round"
    figure.suptitle(settings.env_id, fontsize=15, fontweight="bold", x=0.01, ha="left")
    figure.text(0.01, 0.905, f"{described(report.machine)}; {rounds}", fontsize=9, color="#555555")
    left, middle, right = figure.subplots(1, 3, width_ratios=[1, 1.6, 2])
    _alone(left, report)
    _stepping(middle, report)
    _pipeline(right, report)
    for axes in (left, middle, right):
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color="#e5e5e5")
        axes.set_axisbelow(True)
    figure.tight_layout(rect=(0, 0, 1, 0.93), w_pad=3)
    figure.savefig(path, dpi=150)


def _figure() -> Any:
    try:
        module = importlib.import_module("matplotlib.figure")
    except ImportError:
        raise MissingExtra("matplotlib", "bench") from None
    return module.Figure(figsize=(15, 4.6), facecolor="white")


def _alone(axes: Any, report: BenchReport) -> None:
    axes.set_title("The environment alone", loc="left", fontsize=11)
    names = ("reset", "step")
    for place, name in enumerate(names):
        cost = report.alone[f"{name}_cpu_us"]
        axes.barh(place, cost.median, color=_COLOURS[name], height=0.5)
        _whisker(axes, place, cost)
        rate = short(report.alone[f"{name}s_per_second"].median)
        _label(axes, place, cost.high, f"{short(cost.median)} µs\n{rate}/s")
    axes.set_yticks(range(len(names)), names)
    _frame(axes, max(report.alone[f"{name}_cpu_us"].high for name in names), len(names), "CPU µs", 1.6)


def _stepping(axes: Any, report: BenchReport) -> None:
    axes.set_title(f"Stepping {report.settings.num_envs:,} environments", loc="left", fontsize=11)
    for place, (name, figures) in enumerate(report.stepping.items()):
        driver, whole = figures["driver_cpu_us"].median, figures["cpu_us"]
        first = place == 0
        axes.barh(place, driver, color=_COLOURS["driver"], height=0.5, label="driver" if first else None)
        axes.barh(
            place, max(whole.median - driver, 0), left=driver, color=_COLOURS["workers"], height=0.5,
            label="workers" if first else None,
        )  # fmt: skip
        _whisker(axes, place, whole)
        ratio = f" ({report.ratios[name]:.1f} x)" if name != OURS else ""
        rate = short(figures["steps_per_second"].median)
        _label(axes, place, whole.high, f"{short(whole.median)} µs{ratio}\n{rate} steps/s")
    axes.set_yticks(range(len(report.stepping)), [name.replace(" ", "\n") for name in report.stepping])
    highest = max(figures["cpu_us"].high for figures in report.stepping.values())
    _frame(axes, highest, len(report.stepping), "CPU µs per step", 1.45)
    axes.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2)


def _pipeline(axes: Any, report: BenchReport) -> None:
    settings, figures = report.settings, report.pipeline
    axes.set_title(
        f"Collecting {settings.episodes:,} episodes, {settings.concurrency:,} at once, latency {settings.latency} s",
        loc="left", fontsize=11,
    )  # fmt: skip
    left = 0.0
    for name in PARTS:
        width = max(report.parts[name], 0.0)
        axes.barh(0, width, left=left, color=_COLOURS[name], height=0.5, label=_LABELS.get(name, name))
        left += width
    whole, bare = figures["cpu_ms"], figures["bare_cpu_ms"]
    axes.barh(1, bare.median, color=_COLOURS["bare"], height=0.5)
    for place, cost in enumerate((whole, bare)):
        _whisker(axes, place, cost)
    rate, memory = (short(figures[key].median) for key in ("episodes_per_second", "peak_pss_mb"))
    _label(axes, 0, max(whole.high, left), f"{short(whole.median)} ms\n{rate} episodes/s\npeak {memory} MB")
    _label(axes, 1, bare.high, f"{short(bare.median)} ms")
    axes.set_yticks(range(2), ["collect", "bare HTTP\nclient"])
    _frame(axes, max(whole.high, bare.high, left), 2, "CPU ms per episode", 1.35)
    axes.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=5, columnspacing=1)


def _whisker(axes: Any, place: int, cost: Figure) -> None:
    if cost.high > cost.low:
        axes.plot([cost.low, cost.high], [place, place], color="#222222", linewidth=1.2, solid_capstyle="butt")


def _label(axes: Any, place: int, right: float, text: str) -> None:
    axes.annotate(text, (right, place), xytext=(5, 0), textcoords="offset points", va="center", fontsize=9)


def _frame(axes: Any, highest: float, rows: int, label: str, room: float) -> None:
    """Set the limits, with room for the labels on the right; the first row is on top."""
    axes.set_xlim(0, highest * room)
    axes.set_ylim(rows - 0.4, -0.6)
    axes.set_xlabel(label, fontsize=9)
