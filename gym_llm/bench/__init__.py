"""What an environment and the whole pipeline cost on this machine, independent of any model and any trainer."""

from gym_llm.bench.bench import bench
from gym_llm.bench.flame import profile
from gym_llm.bench.report import BenchReport

__all__ = ["BenchReport", "bench", "profile"]
