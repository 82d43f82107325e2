"""Breadth-first search and parents on huge directed graphs: a long-context task.

The class is in `environment.py`, its task generator in `graphs.py`.
"""

from __future__ import annotations

from gym_llm.envs.graph_walks.environment import GraphWalks, GraphWalksTask

__all__ = ["GraphWalks", "GraphWalksTask"]
