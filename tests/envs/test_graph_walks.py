"""GraphWalks: F1 of node sets, the format of the last line, and a generator checked by another search."""

from __future__ import annotations

import json
import time

import gymnasium
import numpy as np
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm.envs.graph_walks import GraphWalks
from gym_llm.errors import ConfigError, TaskError
from gym_llm.items import assistant_message, message, reasoning


def row(nodes=("aa", "bb", "cc", "dd"), **more):
    return {
        "responses_create_params": {"input": [message("aa -> bb\n\nWhich?")]},
        "expected_answer": json.dumps(list(nodes)), "problem_type": "bfs", "n_tokens": 12, "prompt_chars": 20,
    } | more  # fmt: skip


RIGHT = "Final Answer: [aa, bb, cc, dd]"
CASES = [
    # right
    (RIGHT, 1, 1, 1),
    ("I looked.\n" + RIGHT + "\n\n  \n", 1, 1, 1),
    ("Final Answer: [dd, cc,bb ,aa, aa]", 1, 1, 1),
    ("**Final Answer: ['aa', \"bb\", `cc`, dd]**", 1, 1, 1),
    # wrong
    ("Final Answer: [xx, yy]", 0, 0, 1),
    ("Final Answer: []", 0, 0, 1),
    ("Final Answer: [ , ]", 0, 0, 1),
    # nearly right
    ("Final Answer: [aa, bb]", 2 / 3, 0, 1),
    ("Final Answer: [aa, bb, cc, dd, ee, ff]", 0.8, 0, 1),
    ("Final Answer: [AA, bb, cc, dd]", 0.75, 0, 1),
    # tricked
    ("", 0, 0, 0),
    ("aa, bb, cc, dd", 0, 0, 0),
    (RIGHT + "\nThat is it.", 0, 0, 0),
    ("Final Answer: aa, bb, cc, dd", 0, 0, 0),
    ("Final Answer: [aa, bb, cc, dd", 0, 0, 0),
    ("] Final Answer: [aa", 0, 0, 0),
    ("Final Answer:\n[aa, bb, cc, dd]", 0, 0, 0),
    ("final answer: [aa, bb, cc, dd]", 0, 0, 0),
]


@pytest.mark.parametrize(("text", "f1", "exact", "format_ok"), CASES)
def test_cases(play, text, f1, exact, format_ok):
    found = play("GraphWalks", row(), text)
    assert found["reward"] == pytest.approx(f1)
    assert found["rewards"] == {"f1": pytest.approx(f1), "exact": exact, "format_ok": format_ok}
    assert found["parse_failed"] is (format_ok == 0)
    assert play("GraphWalks", row(), text, exact_only=True)["reward"] == exact


@pytest.mark.parametrize(("text", "reward"), [("Final Answer: []", 1), ("Final Answer: [aa]", 0), ("none", 0)])
def test_an_empty_answer_must_be_said(play, text, reward):
    assert play("GraphWalks", row(()), text)["reward"] == reward


def test_the_last_message_counts_and_reasoning_does_not(play):
    assert play("GraphWalks", row(), [assistant_message(RIGHT), assistant_message("Done.")])["reward"] == 0
    assert play("GraphWalks", row(), [reasoning(RIGHT), assistant_message("Done.")])["reward"] == 0
    assert play("GraphWalks", row(), [reasoning("hm"), assistant_message(RIGHT)])["reward"] == 1


def test_precision_and_recall(play):
    found = play("GraphWalks", row(), "Final Answer: [aa, bb, xx]")
    assert (found["precision"], found["recall"]) == (pytest.approx(2 / 3), 0.5)
    assert (found["missing"], found["extra"]) == (2, 1)


@pytest.mark.parametrize("text", ["Final Answer: [" * 200_000, "Final Answer:" + " " * 2_000_000 + "x", "[," * 10**6])
def test_long_lines_are_read_in_time(play, text):
    begun = time.monotonic()
    assert play("GraphWalks", row(), text)["reward"] == 0
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("answer", ["", "aa, bb", "{}", "[1, 2]", None, 5])
def test_an_answer_that_is_no_list_is_refused(answer):
    with pytest.raises(TaskError, match="expected_answer"):
        gymnasium.make("gym_llm/GraphWalks-v0", dataset=[row(expected_answer=answer)]).reset(seed=0)


def test_a_list_itself_is_an_answer(play):
    assert play("GraphWalks", row(expected_answer=["aa"]), "Final Answer: [aa]")["reward"] == 1


def answered(prompt):
    """Return the problem and its answer, worked out from the prompt's text alone."""
    text, _, asked = prompt.partition("The graph:\n")[2].partition("\n\nThe operation:\n")
    edges = [tuple(line.split(" -> ")) for line in text.split("\n")]
    assert len(set(edges)) == len(edges)
    assert all(source != target for source, target in edges)
    words = asked.rstrip(".").split()
    if "parents" in words:
        return "parents", {source for source, target in edges if target == words[-1]}, edges
    start, depth = words[5], int(words[-1])
    distance, level = {start: 0}, [start]
    for step in range(1, depth + 1):
        level = [target for source, target in edges if source in level and target not in distance]
        distance |= dict.fromkeys(level, step)
    return "bfs", {node for node, far in distance.items() if far == depth}, edges


KNOBS = [
    {},
    {"num_nodes": 4, "edges_per_node": 1, "depth": 1},
    {"num_nodes": 5, "edges_per_node": 4, "depth": 20},
    {"num_nodes": 200, "edges_per_node": 3, "depth": 3, "problem_type": "bfs"},
    {"problem_type": "parents"},
    {"num_tokens": 4000, "problem_type": "bfs", "depth": 4},
]


@pytest.mark.parametrize("knobs", KNOBS)
def test_generated_answers_are_right(knobs):
    env = gymnasium.make("gym_llm/GraphWalks-v0", dataset={"num_tasks": 12, "seed": 3, **knobs})
    for task in env.unwrapped.tasks:
        kind, nodes, edges = answered(task.prompt[0]["content"])
        assert (kind, nodes) == (task.problem_type, task.nodes)
        assert nodes
        if "num_nodes" in knobs:
            assert len(edges) == knobs["num_nodes"] * knobs["edges_per_node"]
        env.reset(options={"task": task.model_dump()})
        assert env.step(env.unwrapped.solve(task)[0])[1] == 1


def test_generation_follows_the_seed():
    made = [GraphWalks.generate(np.random.default_rng(seed)) for seed in (7, 7, 8)]
    assert made[0] == made[1] != made[2]


def test_a_hundred_thousand_tokens_are_made_quickly():
    begun = time.monotonic()
    made = GraphWalks.generate(np.random.default_rng(1), num_tokens=100_000, depth=5, problem_type="bfs")
    assert time.monotonic() - begun < 3
    assert 95_000 < made["n_tokens"] < 105_000
    assert made["prompt_chars"] == len(made["responses_create_params"]["input"][0]["content"])
    assert answered(made["responses_create_params"]["input"][0]["content"])[1] == set(
        json.loads(made["expected_answer"])
    )


@pytest.mark.parametrize(
    "knobs", [{"num_nodes": 3}, {"edges_per_node": 0}, {"edges_per_node": 21}, {"depth": 0}, {"problem_type": "dfs"}]
)
def test_bad_knobs_are_refused(knobs):
    with pytest.raises(ConfigError, match=r"give 4 to|the problems are"):
        GraphWalks.generate(np.random.default_rng(0), **knobs)
