"""Repairing repositories with a shell and an editor; hidden tests decide, on a clean copy.

The class is in `environment.py`, a row in `task.py`. How tests are judged without trusting the tested process is in
`examination.py` and `asking.py`, what counts as the patch in `patches.py`, diffs of rows in `diffs.py`, the bundled
repositories in `repositories.py`, their bugs in `mutations.py`, `make_bugs.py` and `issues.py`, SWE-bench's images in
`containers.py`.
"""

from __future__ import annotations

from gym_llm.envs.mini_swe.environment import MiniSWE
from gym_llm.envs.mini_swe.task import SWETask

__all__ = ["MiniSWE", "SWETask"]
