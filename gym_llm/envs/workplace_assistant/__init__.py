"""An office assistant: 27 tools over mail, calendar, web analytics, project board, customers and the directory.

The class is in `environment.py`, its tools in `tools/`, the office in `tables.py` and `worlds.py`, its task generator
in `requests/`.
"""

from __future__ import annotations

from gym_llm.envs.workplace_assistant.environment import WorkplaceAssistant, WorkplaceTask

__all__ = ["WorkplaceAssistant", "WorkplaceTask"]
