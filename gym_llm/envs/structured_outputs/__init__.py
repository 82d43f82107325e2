"""Documents in JSON, YAML, XML, TOML or CSV, or a tool call, that must satisfy a schema and say what is true.

The class is in `environment.py`, a row in `task.py`, the generator in `documents.py`. A payload is read by
`parsing.py` and judged by `grading.py`, in a killable process.
"""

from __future__ import annotations

from gym_llm.envs.structured_outputs.environment import StructuredOutputs
from gym_llm.envs.structured_outputs.task import StructuredTask

__all__ = ["StructuredOutputs", "StructuredTask"]
