"""`gym_llm.check`: does an environment keep the contract? For anyone's environments.

The promises are the probes: `PROBES` is their table. How much is promised in writing, and what a failure means
for training, is said in each probe's docstring.
"""

from __future__ import annotations

from gym_llm.conformance.check import check
from gym_llm.conformance.probes import PROBES, probe_table
from gym_llm.conformance.report import Finding, Report

__all__ = ["PROBES", "Finding", "Report", "check", "probe_table"]
