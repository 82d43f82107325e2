"""Every instruction, by family. Importing this package fills `registry.INSTRUCTIONS`."""

from __future__ import annotations

from gym_llm.envs.instruction_following.instructions import (
    bench_counts,
    bench_formats,
    bench_tasks,
    bench_words,
    copying,
    formats,
    keywords,
    lengths,
    published,
)

__all__ = [
    "bench_counts",
    "bench_formats",
    "bench_tasks",
    "bench_words",
    "copying",
    "formats",
    "keywords",
    "lengths",
    "published",
]
