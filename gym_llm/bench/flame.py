"""A profile that a person can look at: a flame graph of a collection's CPU, as one HTML file that needs nothing else.

A timer of CPU time interrupts the main thread and notes its stack; waiting for the model costs nothing and is not
seen. The collection is played in this process. How the page looks is said in `flame.html`.
"""

from __future__ import annotations

import html
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from types import FrameType
from typing import Any

from gym_llm.bench.pipeline import pipeline
from gym_llm.bench.settings import Settings
from gym_llm.bench.solutions import Solutions
from gym_llm.bench.usage import check_platform
from gym_llm.errors import ConfigError

Stack = tuple[str, ...]
INTERVAL_SECONDS = 0.001
_DEEPEST = 120
_ROW_PIXELS = 18
_THINNEST = 0.0005
"""Share of the whole below which a bar is not drawn."""


@dataclass(slots=True)
class Bar:
    """A function in one place of the call tree, root first; `samples` counts those below it too."""

    name: str
    samples: int = 0
    below: dict[str, Bar] = field(default_factory=dict)


def profile(
    env_id: str, path: str | Path, *, env_kwargs: Mapping[str, Any] | None = None, latency: str | float = "0.5",
    episodes: int = 2000, concurrency: int = 1024, seed: int = 0,
) -> int:  # fmt: skip
    """Collect episodes in this process and draw where its CPU went as a flame graph.

    Args:
        env_id: The environment's id.
        path: The HTML file.
        env_kwargs: Its keyword arguments.
        latency: As for `bench`; waiting is not seen.
        episodes: Episodes, at least.
        concurrency: Episodes at once.
        seed: Seed of the collection.

    Returns:
        How many samples were taken: one per tick of the kernel's clock, which is 1 to 10 ms of CPU.

    Raises:
        ConfigError: The caller is not the main thread, which alone can be sampled.
    """
    check_platform()
    settings = Settings(
        env_id, dict(env_kwargs or {}), str(latency), episodes, concurrency=concurrency, rounds=1, seed=seed
    )
    solutions = Solutions(env_id, dict(settings.env_kwargs))
    try:
        with pipeline(settings, solutions) as measured, sampling() as stacks:
            before = time.process_time()
            measured.play_here()
            used = time.process_time() - before
    finally:
        solutions.close()
    samples = stacks.total()
    title = f"{env_id}: {used:.2f} s of CPU for {episodes:,} episodes, {concurrency:,} at once, in one process"
    Path(path).write_text(page(title, stacks), "utf-8")
    return samples


@contextmanager
def sampling(interval: float = INTERVAL_SECONDS) -> Iterator[Counter[Stack]]:
    """Count the stacks of the main thread, root first, as CPU is used.

    Args:
        interval: Seconds of CPU between samples; the kernel's clock tick is the least it can be.

    Raises:
        ConfigError: The caller is not the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        raise ConfigError("only the main thread can be profiled: call profile() from there")
    stacks: Counter[Stack] = Counter()

    def note(_: int, frame: FrameType | None) -> None:
        if stack := _stack(frame):
            stacks[stack] += 1

    before = signal.signal(signal.SIGPROF, note)
    signal.setitimer(signal.ITIMER_PROF, interval, interval)
    try:
        yield stacks
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _stack(frame: FrameType | None) -> Stack:
    """Return the names of a stack, root first, from below the bench's own frames on."""
    names: list[str] = []
    while frame is not None and len(names) < _DEEPEST:
        module = frame.f_globals.get("__name__", "?")
        if module.startswith("gym_llm.bench"):
            break
        names.append(f"{module}:{frame.f_code.co_qualname}")
        frame = frame.f_back
    return tuple(reversed(names))


def tree(stacks: Mapping[Stack, int]) -> Bar:
    """Return the call tree of counted stacks.

    >>> tree({("a", "b"): 2, ("a",): 1}).below["a"].samples
    3
    """
    root = Bar("all")
    for stack, count in stacks.items():
        bar = root
        bar.samples += count
        for name in stack:
            bar = bar.below.setdefault(name, Bar(name))
            bar.samples += count
    return root


def page(title: str, stacks: Mapping[Stack, int]) -> str:
    """Return the flame graph as an HTML page."""
    root = tree(stacks)
    bars = list(_bars(root, 0.0, 0, max(root.samples, 1)))
    template = resources.files("gym_llm.bench").joinpath("flame.html").read_text("utf-8")
    depth = 1 + max((level for level, _ in bars), default=0)
    given = {
        "{title}": html.escape(title), "{samples}": f"{root.samples:,}", "{height}": str(depth * _ROW_PIXELS),
        "{bars}": "\n".join(text for _, text in bars),
    }  # fmt: skip
    for key, value in given.items():
        template = template.replace(key, value)
    return template


def _bars(bar: Bar, left: float, level: int, whole: int) -> Iterator[tuple[int, str]]:
    """Yield the level and the SVG of a bar and of all below it; `left` is a share of the whole."""
    share = bar.samples / whole
    if share < _THINNEST:
        return
    module, _, name = bar.name.rpartition(":")
    shown, full = html.escape(name), html.escape(bar.name)
    bar_text = (
        f'<svg class="{_colour(module)}" data-x="{left:.6f}" data-w="{share:.6f}" x="{left:.4%}" width="{share:.4%}" '
        f'y="{level * _ROW_PIXELS}" height="{_ROW_PIXELS - 1}"><title>{full}\n{bar.samples:,} samples, {share:.1%}'
        f'</title><rect width="100%" height="100%"/><text x="3" y="13">{shown}</text></svg>'
    )
    yield level, bar_text
    for child in sorted(bar.below.values(), key=lambda each: each.name):
        yield from _bars(child, left, level + 1, whole)
        left += child.samples / whole


def _colour(module: str) -> str:
    """Return the class of a module's bars: whose code it is."""
    parts = module.split(".")
    if parts[0] == "gym_llm":
        return parts[1] if len(parts) > 1 and parts[1] in ("policies", "rollouts", "journal") else "ours"
    return parts[0] if parts[0] in ("aiohttp", "asyncio", "gymnasium") else "other"
