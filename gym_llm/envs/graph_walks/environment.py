"""The environment: what a row holds, how the last line is read, the reward and the reference solution."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pydantic
from pydantic_core import PydanticCustomError

from gym_llm import Episode, ResponsesEnv, Task, Verification
from gym_llm.envs.graph_walks import graphs
from gym_llm.items import Item, assistant_message

MAX_SHOWN = 1000
_ANSWER = re.compile(r"Final Answer:\s*\[")
_PADDING = " \t\r'\"`"


class GraphWalksTask(Task):
    """A list of edges in the prompt, and the nodes that are asked for."""

    expected_answer: str
    problem_type: str
    n_tokens: int | None = None
    prompt_chars: int | None = None

    @property
    def nodes(self) -> frozenset[str]:
        """The nodes that are asked for."""
        return frozenset(json.loads(self.expected_answer))

    @pydantic.field_validator("expected_answer", mode="before")
    @classmethod
    def _is_a_list_of_nodes(cls, value: Any) -> Any:
        text = json.dumps(value) if isinstance(value, list) else value
        try:
            nodes = json.loads(text)
        except (TypeError, ValueError):
            nodes = None
        if not isinstance(nodes, list) or not all(isinstance(node, str) for node in nodes):
            raise PydanticCustomError("expected_answer", "must be a JSON list of node names")
        return text


class GraphWalks(ResponsesEnv):
    """List the parents of a node, or the nodes at a depth of a breadth-first search, in a graph of many edges.

    Tasks:
        `expected_answer`: a JSON list of node names. `problem_type`: `parents` or `bfs`. `n_tokens` and
        `prompt_chars`: how long the prompt is. Rows of NeMo Gym's graphwalks server load unchanged; a row whose
        expected answer is no list is refused (there it stands for the empty set). Bundled: 6 rows made by the
        generator, Apache-2.0. Unlimited, with the knobs `num_nodes`, `edges_per_node`, `depth`, `problem_type`
        and `num_tokens` (100 000 and more), which decides how many nodes there are.
    Tools:
        None.
    Reward:
        The F1 of the named nodes and the expected ones, 0.0 to 1.0: 1.0 when both are empty, 0.0 when one is. The
        last line of the last message that is not blank must hold `Final Answer: [node, node]`; otherwise 0.0.
        Repeated nodes count once. Unlike there, only the last message is read, not all of them joined, and quotes
        around a node are ignored. Named rewards: `f1`, `exact` (the very set)
        and `format_ok`; the reward is `f1`, or `exact` with `exact_only`. The verification also says `precision`,
        `recall` and the numbers of `missing` and `extra` nodes.
    Episode end:
        The first message, or 4 turns.
    Known shortcuts:
        F1 pays a little for every node of the graph at once, as much as the answer is large beside the graph;
        `exact_only=True` does not.
    Version history:
        v0: first version.

    Args:
        exact_only: Pay only the exact set of nodes.
        **settings: As for every environment: `dataset`, `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.
    """

    Task = GraphWalksTask
    domain = "long_context"
    max_turns = 4
    reward_weights = {"f1": 1.0, "exact": 0.0, "format_ok": 0.0}  # noqa: RUF012

    def __init__(self, *, exact_only: bool = False, **settings: Any) -> None:
        super().__init__(**settings)
        self.exact_only = exact_only

    def verify(self, task: GraphWalksTask, episode: Episode) -> Verification:
        """Compare the nodes of the last line with the expected ones."""
        named = named_nodes(episode.last_message)
        found, expected = frozenset(named or ()), task.nodes
        hits = len(found & expected)
        exact = named is not None and found == expected
        f1 = float(exact) if not (found and expected) else 2 * hits / (len(found) + len(expected))
        return Verification(
            float(exact) if self.exact_only else f1,
            rewards={"f1": f1, "exact": float(exact), "format_ok": float(named is not None)},
            precision=hits / len(found) if found else float(exact),
            recall=hits / len(expected) if expected else float(exact),
            missing=len(expected) - hits, extra=len(found) - hits, parse_failed=named is None,
            problem_type=task.problem_type, predicted_nodes=sorted(found)[:MAX_SHOWN],
        )  # fmt: skip

    def solve(self, task: GraphWalksTask) -> list[list[Item]]:
        """Name the expected nodes."""
        return [[assistant_message(f"I walked the edges.\nFinal Answer: [{', '.join(sorted(task.nodes))}]")]]

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: Any) -> dict[str, Any]:
        """Make a row; see `graphs.row` for the knobs."""
        return graphs.row(rng, **knobs)


def named_nodes(text: str) -> list[str] | None:
    r"""Return the nodes on the last line that is not blank, or None when it holds no list.

    >>> named_nodes("So:\nFinal Answer: [a1, b2]")
    ['a1', 'b2']
    """
    line = text.rstrip().rpartition("\n")[2]
    opening, end = _ANSWER.search(line), line.rfind("]")
    if opening is None or end < opening.end():
        return None
    return [node for part in line[opening.end() : end].split(",") if (node := part.strip(_PADDING))]
