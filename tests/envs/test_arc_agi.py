"""ArcAGI: reading grids from any text, exact comparison, ARC's own format, puzzles without a second answer."""

from __future__ import annotations

import json
import time

import gymnasium
import numpy as np
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm.envs.arc_agi import extraction
from gym_llm.envs.arc_agi.rules import RULES, applied, recoloured
from gym_llm.errors import ConfigError, TaskError
from gym_llm.items import assistant_message, message

ARC = {
    "train": [{"input": [[1, 0], [0, 0]], "output": [[0, 1], [0, 0]]}, {"input": [[0, 2]], "output": [[2, 0]]}],
    "test": [{"input": [[3, 0, 0], [0, 5, 0]], "output": [[0, 0, 3], [0, 5, 0]]}],
}
TWO = ARC | {"test": [*ARC["test"], {"input": [[7, 1]], "output": [[1, 7]]}]}
NEMO = {"responses_create_params": {"input": [message("Mirror it.")]}, "expected_output": [[0, 0, 3], [0, 5, 0]],
        "task_id": "a", "test_input": [[3, 0, 0], [0, 5, 0]], "train": ARC["train"]}  # fmt: skip
RIGHT = "[[0,0,3],[0,5,0]]"
BOXED = f"\\boxed{{{RIGHT}}}"


@pytest.mark.parametrize(
    ("text", "correct", "extracted", "shape", "cells"),
    [
        (BOXED, 1, 1, 1, 1),
        ("\\boxed{ [ [0, 0, 3] ,\n [0, 5, 0] ] }", 1, 1, 1, 1),
        ("\\boxed{\\text{[[0 0 3], [0 5 0]]}}", 1, 1, 1, 1),
        ("\\boxed{0 0 3\n0 5 0}", 1, 1, 1, 1),
        (f"The output is {RIGHT}.", 1, 1, 1, 1),
        (f"```json\n{RIGHT}\n```\nI hope this helps.", 1, 1, 1, 1),
        ("```\n0 0 3\n0 5 0\n```", 1, 1, 1, 1),
        ("Output:\r\n0,0,3\r\n0,5,0\r\n", 1, 1, 1, 1),
        ("003\n050", 1, 1, 1, 1),
        ("| 0 | 0 | 3 |\n| 0 | 5 | 0 |", 1, 1, 1, 1),
        (f"First [[1]], then {RIGHT}", 1, 1, 1, 1),
        (f"{BOXED}\nThe input was [[3,0,0],[0,5,0]].", 1, 1, 1, 1),
        (f"\\boxed{{[[9]]}} No: {BOXED}", 1, 1, 1, 1),
        ("\\boxed{[[0,0,3],[0,5,1]]}", 0, 1, 1, 5 / 6),
        ("\\boxed{[[3,0,0],[0,5,0]]}", 0, 1, 1, 4 / 6),
        ("\\boxed{[[0,0],[0,5]]}", 0, 1, 0, 0),
        ("\\boxed{[[0,0,3,0,5,0]]}", 0, 1, 0, 0),
        (f"{BOXED} or \\boxed{{[[3,0,0],[0,5,0]]}}", 0, 1, 1, 4 / 6),
        (f"{RIGHT} [[1,1,1],[1,1,1]]", 0, 1, 1, 0),
        (f"<think>{BOXED}</think>I do not know.", 0, 0, 0, 0),
        ("\\boxed{[[0,0,3],[0,5]]}", 0, 0, 0, 0),
        ("\\boxed{[[0,0,3],[0,5,10]]}", 0, 0, 0, 0),
        ("\\boxed{[[0,0,3],[0,5,-0]]}", 0, 0, 0, 0),
        ("\\boxed{0 0 3 / 0 5 0}", 0, 0, 0, 0),
        ("\\boxed{[]}", 0, 0, 0, 0),
        ("\\boxed{[[]]}", 0, 0, 0, 0),
        ("[" * 50_000, 0, 0, 0, 0),
        ("It is 3.", 0, 0, 0, 0),
        ("5", 0, 0, 0, 0),
        ("", 0, 0, 0, 0),
    ],
)
def test_answers(play, text, correct, extracted, shape, cells):
    for row in (ARC, NEMO):
        found = play("ArcAGI", row, text)
        named = found["rewards"]
        assert (found["reward"], named["correct"], named["extracted"]) == (correct, correct, extracted)
        assert (named["shape_ok"], named["cell_accuracy"]) == (shape, pytest.approx(cells))


@pytest.mark.parametrize(
    ("text", "correct", "shape"),
    [
        (f"{BOXED} and \\boxed{{[[1,7]]}}", 1, 1),
        (f"{RIGHT}\n[[1, 7]]", 1, 1),
        (f"[[0]] {RIGHT} [[1, 7]]", 1, 1),
        (f"\\boxed{{[[1,7]]}} and {BOXED}", 0, 0),
        (BOXED, 0, 0),
        (f"{BOXED} \\boxed{{[[7,1]]}}", 0, 1),
        (f"{BOXED} \\boxed{{[[1]]}}", 0, 0.5),
    ],
)
def test_several_tests_are_answered_in_order(play, text, correct, shape):
    found = play("ArcAGI", TWO, text)
    assert (found["reward"], found["rewards"]["shape_ok"]) == (correct, shape)


def test_arcs_own_format_is_asked():
    env = gymnasium.make("gym_llm/ArcAGI-v0", dataset=[ARC])
    (asked,), _ = env.reset(seed=0)
    for grid in ("[[1, 0],\n [0, 0]]", "[[0, 2]]", "[[2, 0]]", "[[3, 0, 0],\n [0, 5, 0]]"):
        assert grid in asked["content"]
    assert "[[0, 0, 3]" not in asked["content"]
    assert env.unwrapped.tasks[0].train[1].output == [[2, 0]]


@pytest.mark.parametrize("unit", ["[[1,2],", "[", "[[", "0 1\n", "\\boxed{[[1],", "\\boxed{ ", "1 ", "[[1]]", "| \n"])
def test_reading_takes_linear_time(unit):
    started = time.perf_counter()
    extraction.grids(unit * (190_000 // len(unit)), 1)
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"test": [{"input": [[1]]}]}, "an output for every test"),
        ({"test": []}, "responses_create_params"),
        ({"test": [{"input": [[1, 2], [3]], "output": [[1]]}]}, "different lengths"),
        ({"test": [{"input": [[1]], "output": [[10]]}]}, "from 0 to 9"),
        ({"test": [{"input": [[1] * 31], "output": [[1]]}]}, "1 to 30"),
    ],
)
def test_rows_that_are_no_puzzles(fields, said):
    env = gymnasium.make("gym_llm/ArcAGI-v0", dataset=[ARC | fields])
    with pytest.raises(TaskError, match=said):
        env.reset(seed=0)


@pytest.mark.parametrize(
    ("name", "grid", "made"),
    [
        ("turn", [[1, 2], [0, 3]], [[0, 1], [3, 2]]),
        ("turn back", [[1, 2], [0, 3]], [[2, 3], [1, 0]]),
        ("flip sideways", [[1, 2]], [[2, 1]]),
        ("fall", [[1, 2], [0, 3], [0, 0]], [[0, 0], [0, 2], [1, 3]]),
        ("crop", [[0, 0, 0], [0, 5, 0]], [[5]]),
        ("frame", [[4]], [[4, 4, 4], [4, 4, 4], [4, 4, 4]]),
        ("drop rarest", [[1, 1, 2]], [[1, 1, 0]]),
        ("stripes", [[0, 2, 0], [0, 0, 0]], [[2, 2, 2], [0, 0, 0]]),
        ("double", [[1, 0]], [[1, 1, 0, 0], [1, 1, 0, 0]]),
        ("mirror right", [[1, 2]], [[1, 2, 2, 1]]),
        ("shift", [[1, 2, 3]], [[3, 1, 2]]),
        ("hollow", [[1, 1, 1], [1, 1, 1], [1, 1, 1]], [[1, 1, 1], [1, 0, 1], [1, 1, 1]]),
    ],
)
def test_rules(name, grid, made):
    assert RULES[name](np.array(grid)).tolist() == made


@pytest.mark.parametrize("knobs", [{}, {"depth": 1}, {"depth": 3, "max_side": 5, "num_train": 5}, {"num_tests": 3}])
def test_generated_puzzles(knobs):
    env, again = (
        gymnasium.make("gym_llm/ArcAGI-v0", dataset={"num_tasks": 8, "seed": 4, **knobs}).unwrapped for _ in range(2)
    )
    for index, task in enumerate(env.tasks):
        assert env.tasks.row(index) == again.tasks.row(index)
        assert (len(task.rules), len(task.train), len(task.test)) == (
            knobs.get("depth", 2), knobs.get("num_train", 3), knobs.get("num_tests", 1),
        )  # fmt: skip
        if "recolour" not in task.rules:
            for pair in [*task.train, *task.test]:
                assert applied([RULES[name] for name in task.rules], np.array(pair.input)).tolist() == pair.output
        env.reset(options={"task_index": index})
        (action,) = env.solve(env.task)
        assert env.step(action)[1:3] == (1, True)
        env.reset(options={"task_index": index})
        shown = "\n".join(json.dumps(pair.output) for pair in task.train)
        assert env.step([assistant_message(shown)])[1] == 0


def test_recolouring_keeps_the_background():
    mapping = np.array([0, 3, 1, 2, 4, 5, 6, 7, 8, 9])
    assert recoloured(mapping)(np.array([[0, 1, 2]])).tolist() == [[0, 3, 1]]


@pytest.mark.parametrize("knobs", [{"depth": 0}, {"num_train": 1}, {"max_side": 11}, {"num_tests": 4}])
def test_bad_knobs_are_refused(knobs):
    with pytest.raises(ConfigError, match="give 1 to 3"):
        gymnasium.make("gym_llm/ArcAGI-v0", dataset={"num_tasks": 2, **knobs}).reset(seed=0)
