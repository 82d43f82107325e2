"""Finishing a user's task while what the tools return carries an attacker's instructions.

The class is in `environment.py`, its tools in `office.py`, grading in `grading.py`; `scenarios.py` makes tasks.
"""

from __future__ import annotations

from gym_llm.envs.indirect_prompt_injection.environment import IndirectPromptInjection, InjectionTask

__all__ = ["IndirectPromptInjection", "InjectionTask"]
