"""Other Pythons for workers: an interpreter of their own, with requirements of their own.

`interpreter(python=..., requirements=[...])` builds a virtual environment once, caches it by its content and
returns a Python in which `import gym_llm` works; `clean()` removes those that are no longer used. It starts no
worker, and it is no sandbox: what is installed is trusted.
"""

from __future__ import annotations

from gym_llm.interpreters.cache import clean
from gym_llm.interpreters.interpreter import Interpreter, interpreter

__all__ = ["Interpreter", "clean", "interpreter"]
