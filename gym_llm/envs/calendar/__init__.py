"""Scheduling by chat: the next calendar as JSON, under constraints gathered over several turns.

The class is in `environment.py`; `clock.py` reads times and constraints, `answers.py` finds the list in a message,
`schedules.py` solves, `dialogues.py` makes tasks.
"""

from __future__ import annotations

from gym_llm.envs.calendar.environment import Calendar, CalendarTask

__all__ = ["Calendar", "CalendarTask"]
