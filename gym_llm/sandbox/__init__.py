"""Running code that nobody trusts: nothing gets out, nothing about it is believed that it says itself.

`open_sandbox()` gives the safest provider that works on this machine, or says what to install. A sandbox runs
Python programs and commands to their end (`run`, `arun`), keeps sessions and makes workspaces. What is expected of
the code stays outside: compare what comes back, in the caller's process.
"""

from __future__ import annotations

from gym_llm.sandbox.call import Reply
from gym_llm.sandbox.limits import Limits, Profile, SandboxResult
from gym_llm.sandbox.providers import PROVIDERS, default, open_sandbox
from gym_llm.sandbox.sandbox import Sandbox
from gym_llm.sandbox.session import Session
from gym_llm.sandbox.workspace import Workspace

__all__ = [
    "PROVIDERS", "Limits", "Profile", "Reply", "Sandbox", "SandboxResult", "Session", "Workspace", "default",
    "open_sandbox",
]  # fmt: skip
