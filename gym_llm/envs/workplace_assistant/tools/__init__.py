"""The 27 tools, a class per domain; `Desk` has them all.

An environment inherits from `Desk`, and so does what replays a task's ground truth.
"""

from __future__ import annotations

from gym_llm.envs.workplace_assistant.tables import Office
from gym_llm.envs.workplace_assistant.tools.analytics import AnalyticsTools
from gym_llm.envs.workplace_assistant.tools.calendar import CalendarTools
from gym_llm.envs.workplace_assistant.tools.customers import CustomerTools
from gym_llm.envs.workplace_assistant.tools.directory import DirectoryTools
from gym_llm.envs.workplace_assistant.tools.email import EmailTools
from gym_llm.envs.workplace_assistant.tools.projects import ProjectTools

__all__ = ["Desk"]


class Desk(CustomerTools, ProjectTools, AnalyticsTools, CalendarTools, EmailTools, DirectoryTools):
    """Every tool, over one office."""

    office: Office
