"""Crash-safe JSONL: a file that survives its writer being killed at any moment, and reading it."""

from __future__ import annotations

from gym_llm.journal.journal import Journal
from gym_llm.journal.rows import read_keys, read_rows

__all__ = ["Journal", "read_keys", "read_rows"]
