"""The command line: `gym-llm COMMAND [NAME] [key=value ...]`, a thin face over public functions.

Settings are composed and checked in `gym_llm.configs`; each command is one module with one `run`. Nothing here is
needed to use the package from Python.
"""

from gym_llm.cli.main import main

__all__ = ["main"]
