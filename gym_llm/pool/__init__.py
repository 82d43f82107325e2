"""A small pool of killable worker processes, for verifier calls that burn CPU and may hang.

`pool.default().call("package.module:function", ..., timeout=1.0)` runs a function by its import path in another
process; past the deadline that process is killed. Plain JSON data goes in and out: nothing is pickled. It is no
sandbox: the code is trusted, only its running time is not.
"""

from __future__ import annotations

from gym_llm.pool.pool import Pool, default

__all__ = ["Pool", "default"]
