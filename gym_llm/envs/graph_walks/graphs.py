"""Procedural tasks: a random directed graph as a list of edges, a question about it, and its answer.

Makes rows for `GraphWalks.generate`. A graph of 100 000 tokens takes some milliseconds.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from gym_llm.errors import ConfigError
from gym_llm.items import message

CHARS_PER_TOKEN = 2.0
"""An estimate for names in hexadecimal digits; tokenizers differ."""
_LINE = 25
_DIGITS = 5
_PROBLEMS = ("bfs", "parents", "mixed")
_TRIES = 100
_RULES = """You are given a directed graph as a list of edges, one a line: "x -> y" is an edge from x to y.
Then you are given an operation on it. There are two operations:
- parents of y: every node that has an edge to y.
- breadth-first search from x to depth d: every node whose shortest path from x has exactly d edges.
The order of the nodes does not matter. The last line of your answer must be
Final Answer: [node, node, ...]
with the names of all these nodes and no others, or an empty list when there are none.

For example, in the graph
uvwxy -> alke
abcde -> uvwxy
abcde -> alke
alke -> zzt
the parents of alke are uvwxy and abcde, and the search from abcde to depth 2 finds zzt only.

The graph:
"""


def row(
    rng: np.random.Generator, *, num_nodes: int = 40, edges_per_node: float = 2.0, depth: int = 2,
    problem_type: str = "mixed", num_tokens: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return a row.

    Args:
        rng: Source of randomness.
        num_nodes: Nodes of the graph, 4 to 1 000 000.
        edges_per_node: Edges for each node on average, 1 to 20.
        depth: Depth of the search, 1 to 20; less where the graph has no node that far.
        problem_type: `bfs`, `parents`, or `mixed` for either.
        num_tokens: About how long the prompt is, in tokens; decides `num_nodes` when given.

    Raises:
        ConfigError: For a knob out of range.
    """
    if num_tokens is not None and edges_per_node > 0:
        lines = (num_tokens * CHARS_PER_TOKEN - len(_RULES)) / _LINE
        num_nodes = max(4, round(lines / edges_per_node))
    if not (4 <= num_nodes <= 1_000_000 and 1 <= edges_per_node <= min(20, num_nodes - 1) and 1 <= depth <= 20):
        raise ConfigError(
            f"num_nodes={num_nodes}, edges_per_node={edges_per_node}, depth={depth}: "
            "give 4 to 1000000, 1 to 20 (below num_nodes), and 1 to 20"
        )
    if problem_type not in _PROBLEMS:
        raise ConfigError(f"problem_type={problem_type!r}: the problems are {', '.join(_PROBLEMS)}")
    names, edges = _names(rng, num_nodes), _edges(rng, num_nodes, edges_per_node)
    kind = _PROBLEMS[int(rng.integers(2))] if problem_type == "mixed" else problem_type
    if kind == "parents":
        node, found = _parents(rng, edges)
        asked = f"Find the parents of {names[node]}."
    else:
        node, depth, found = _searched(rng, edges, num_nodes, depth)
        asked = f"Perform a breadth-first search from {names[node]} to depth {depth}."
    listed = "\n".join(f"{names[source]} -> {names[target]}" for source, target in edges.tolist())
    prompt = f"{_RULES}{listed}\n\nThe operation:\n{asked}"
    return {
        "responses_create_params": {"input": [message(prompt)]},
        "expected_answer": json.dumps(sorted(names[node] for node in found)), "problem_type": kind,
        "n_tokens": round(len(prompt) / CHARS_PER_TOKEN), "prompt_chars": len(prompt),
    }  # fmt: skip


def _names(rng: np.random.Generator, number: int) -> list[str]:
    """Return distinct names of ten hexadecimal digits."""
    names: dict[str, None] = {}
    while len(names) < number:
        text = rng.bytes(_DIGITS * (number - len(names))).hex()
        names |= dict.fromkeys(text[start : start + 2 * _DIGITS] for start in range(0, len(text), 2 * _DIGITS))
    return list(names)


def _edges(rng: np.random.Generator, num_nodes: int, per_node: float) -> np.ndarray[Any, Any]:
    """Return distinct edges without loops, in random order, one a row."""
    wanted = round(num_nodes * per_node)
    codes = np.empty(0, np.int64)
    while len(codes) < wanted:
        drawn = rng.integers(num_nodes, size=(2 * (wanted - len(codes)) + 8, 2))
        drawn = drawn[drawn[:, 0] != drawn[:, 1]]
        codes = np.unique(np.concatenate([codes, drawn[:, 0] * num_nodes + drawn[:, 1]]))
    return np.stack(np.divmod(rng.permutation(codes)[:wanted], num_nodes), axis=1)


def _parents(rng: np.random.Generator, edges: np.ndarray[Any, Any]) -> tuple[int, list[int]]:
    """Return a node that has parents, and them."""
    node = int(edges[int(rng.integers(len(edges))), 1])
    return node, edges[edges[:, 1] == node, 0].tolist()


def _searched(
    rng: np.random.Generator, edges: np.ndarray[Any, Any], num_nodes: int, depth: int
) -> tuple[int, int, list[int]]:
    """Return a start, the depth that the search has, and the nodes there: the deepest of some tries."""
    ordered = edges[np.argsort(edges[:, 0], kind="stable")]
    starts = np.searchsorted(ordered[:, 0], np.arange(num_nodes + 1))
    best: tuple[int, int, list[int]] = (0, 0, [])
    for _ in range(_TRIES):
        start = int(edges[int(rng.integers(len(edges))), 0])
        reached, nodes = _level(ordered[:, 1], starts, start, depth)
        if reached > best[1]:
            best = start, reached, nodes
        if reached == depth:
            break
    return best


def _level(
    targets: np.ndarray[Any, Any], starts: np.ndarray[Any, Any], start: int, depth: int
) -> tuple[int, list[int]]:
    """Return the deepest level up to `depth` that has nodes, and its nodes."""
    seen, level = {start}, [start]
    for reached in range(depth):
        following = {int(target) for node in level for target in targets[starts[node] : starts[node + 1]]} - seen
        if not following:
            return reached, level
        seen |= following
        level = sorted(following)
    return depth, level
