"""Sokoban: the rules move by move, rewards, levels that can be solved, and what must not pay."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm.envs.sokoban import board, levels, search
from gym_llm.errors import ConfigError, TaskError
from gym_llm.items import assistant_message, function_call, message

CREATE = {"responses_create_params": {"input": "Solve it."}}
TWO = CREATE | {"level": ["#######", "#PXO__#", "#_XO__#", "#######"], "min_moves": 4}
NEMO = {
    "level_id": 4, "seed": 89987, "dim_room": [6, 4], "num_boxes": 1,
    "responses_create_params": {"max_tool_calls": 10, "input": [message("Call step first.", "developer")]},
}  # fmt: skip
LINE = CREATE | {"level": ["######", "#PX_O#", "######"], "min_moves": 2}


def step(*moves):
    return [function_call("step", {"actions": list(moves)})]


@pytest.mark.parametrize(
    ("actions", "reward", "solved", "moves", "unread"),
    [
        ([step("right", "right"), "Done."], 1, 1, 2, 0),
        ([step(), step("Right"), step(" RIGHT "), "Done."], 1, 1, 2, 0),
        (["<action>right, right</action>"], 1, 1, 2, 0),
        (["First <action>right</action>, then <ACTION>Right</ACTION>."], 1, 1, 2, 0),
        (["<action>right || right || left</action>"], 1, 1, 2, 0),
        ([step("up", "left", "right", "right"), "Done."], 0.98, 1, 4, 0),
        ([step("right"), "Done."], 0, 0, 1, 0),
        ([step("right", "push", "right"), "Done."], 0, 0, 1, 1),
        (["<action>rihgt</action>", "<action>right right</action>"], 1, 1, 2, 1),
        (["<think><action>right,right</action></think>I give up."], 0, 0, 0, 0),
        (["I moved right twice: <answer>right || right</answer> The level is solved."], 0, 0, 0, 0),
        (["right, right"], 0, 0, 0, 0),
        ([""], 0, 0, 0, 0),
        ([step("right", "right"), step("left"), "Done."], 1, 1, 2, 0),
    ],
)
def test_one_box_in_a_row(play, actions, reward, solved, moves, unread):
    found = play("Sokoban", LINE, *actions)
    rewards = found["rewards"]
    assert (found["reward"], rewards["solved"], rewards["moves"], rewards["unread_moves"]) == (
        reward, solved, moves, unread,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("moves", "paid", "pushes", "bumps", "share", "stuck"),
    [
        (["right"], 0.9, 1, 0, 0.5, 0),
        (["right", "right"], -0.2, 2, 0, 0.0, 0),
        (["right", "right", "right"], -0.3, 3, 0, 0.0, 1),
        (["up", "left"], -0.2, 0, 2, 0.0, 0),
        (["right", "left", "down", "right"], 11.6, 2, 0, 1.0, 0),
    ],
    ids=["onto a target", "and off again", "into a corner", "against walls", "solved"],
)
def test_the_return_is_that_of_the_rules(play, moves, paid, pushes, bumps, share, stuck):
    found = play("Sokoban", TWO, step(*moves), "Done.", reward="return")
    named = found["rewards"]
    assert found["reward"] == named["game_return"] == pytest.approx(paid)
    assert [named[key] for key in ("pushes", "bumps", "boxes_on_target", "deadlocked")] == [pushes, bumps, share, stuck]


def test_two_boxes_in_a_row_block():
    played = board.Board(board.parsed(["#######", "#PXX_O#", "#____O#", "#######"]))
    played.move("right")
    assert (played.bumps, played.pushes, played.text()) == (1, 0, "#######\n#PXX_O#\n#____O#\n#######")


def test_symbols_on_targets():
    level = board.parsed(["#####", "#+*.#", "#$ $#", "#####"])
    assert level.text(level.player, level.boxes) == "#####\n#S√O#\n#X_X#\n#####"


def test_moves_run_out(play):
    found = play("Sokoban", LINE, step("left", "left", "left", "right", "right"), "Done.", max_moves=3)
    assert (found["reward"], found["rewards"]["moves"]) == (0, 3)


def test_a_detour_pays_at_least_a_tenth(play):
    found = play("Sokoban", LINE, step(*["up"] * 150), step("right", "right"), "Done.")
    assert found["reward"] == 0.1


def test_the_board_is_shown_and_the_game_goes_on():
    env = gymnasium.make("gym_llm/Sokoban-v0", dataset=[LINE])
    observation, info = env.reset(seed=0)
    assert "#PX_O#" in observation[-1]["content"]
    assert [tool["name"] for tool in info["responses_create_params"]["tools"]] == ["step"]
    observation, *_ = env.step([assistant_message("<action>right, jump, right</action>")])
    assert observation[-1]["content"].startswith("######\n#_PXO#\n######\nMove 2 is none of up, down")


def test_the_search_finds_the_shortest_solution():
    assert search.solution(board.parsed(LINE["level"])) == ["right", "right"]
    assert len(search.solution(board.parsed(TWO["level"]))) == 4
    assert search.solution(board.parsed(["#####", "#X_P#", "#__O#", "#####"])) is None
    assert search.solution(board.parsed(TWO["level"]), max_states=2) is None


def test_a_level_without_its_fewest_moves_is_searched(play):
    assert play("Sokoban", CREATE | {"level": LINE["level"]}, step("left", "right", "right"), "Done.")["reward"] == 0.99


def test_rows_of_nemo_gym_load(play):
    env = gymnasium.make("gym_llm/Sokoban-v0", dataset=[NEMO, NEMO | {"dim_room": [8, 8]}, NEMO | {"dim_room": [5, 5]}])
    for index in range(3):
        env.reset(options={"task_index": index})
        for action in env.unwrapped.solve(env.unwrapped.task):
            _, reward, *_ = env.step(action)
        assert reward == 1


@pytest.mark.parametrize(
    "knobs", [{}, {"num_boxes": 3, "height": 7, "width": 6}, {"height": 5, "width": 10, "walls": 0, "min_moves": 12}]
)
def test_generated_levels_are_solved_as_they_say(knobs):
    dataset = {"num_tasks": 8, "seed": 5, **knobs}
    env, again = (gymnasium.make("gym_llm/Sokoban-v0", dataset=dataset).unwrapped for _ in range(2))
    seen = set()
    for index, task in enumerate(env.tasks):
        assert env.tasks.row(index) == again.tasks.row(index)
        seen.add("".join(task.level))
        level = board.parsed(task.level)
        assert len(level.boxes) == knobs.get("num_boxes", 1)
        assert not level.boxes & level.targets
        played = board.Board(level)
        for move in search.solution(level):
            played.move(move)
        assert (played.solved, played.moves, played.bumps) == (True, task.min_moves, 0)
        assert played.moves >= knobs.get("min_moves", 6)
    assert len(seen) == 8


@pytest.mark.parametrize(
    "knobs", [{"height": 3}, {"width": 11}, {"num_boxes": 4}, {"num_boxes": 0}, {"walls": 0.5}, {"min_moves": 0},
              {"height": 4, "width": 4, "min_moves": 40}],
)  # fmt: skip
def test_bad_knobs_are_refused(knobs):
    with pytest.raises(ConfigError, match=r"give|was found"):
        levels.row(np.random.default_rng(0), **knobs)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"level": ["####", "#PX#", "####"]}, "as many boxes as targets"),
        ({"level": ["#####", "#PXO", "#####"]}, "all of one length"),
        ({"level": ["#####", "#PXO_", "#####"]}, "border"),
        ({"level": ["#####", "#P?O#", "#####"]}, "unknown symbol"),
        ({"level": ["####", "#P√#", "####"]}, "already"),
        ({}, "or a seed"),
        ({"seed": 1, "dim_room": [50, 50]}, "rooms of 4 to 10"),
    ],
)
def test_rows_that_cannot_be_played(fields, said):
    env = gymnasium.make("gym_llm/Sokoban-v0", dataset=[CREATE | fields])
    with pytest.raises(TaskError, match=said):
        env.reset(seed=0)


@pytest.mark.parametrize("kwargs", [{"reward": "sum"}, {"max_moves": 0}])
def test_what_an_author_gets_wrong(kwargs):
    with pytest.raises(ConfigError, match="give"):
        gymnasium.make("gym_llm/Sokoban-v0", **kwargs)
