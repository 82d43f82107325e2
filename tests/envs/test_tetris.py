"""Tetris: the rules move by move, line rewards, deterministic pieces, a player that wins what is generated."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm.envs.tetris import pieces, search
from gym_llm.envs.tetris.environment import Tetris
from gym_llm.envs.tetris.game import Game
from gym_llm.errors import ConfigError, DefinitionError, TaskError
from gym_llm.items import assistant_message, function_call, message

CREATE = {"responses_create_params": {"input": "Clear a line."}}
DOTS = CREATE | {"seed": 3, "dim_board": [4, 5], "box_type": 0}
NEMO = {"game_id": 2, "seed": 46185, "dim_board": [4, 6], "box_type": 1,
        "responses_create_params": {"input": [message("Call step first.", "developer"), message("Play.")]}}  # fmt: skip


def step(*moves):
    return [function_call("step", {"actions": list(moves)})]


def game(shapes, width=4, height=5, goal=1):
    known = pieces.KINDS[4] | pieces.KINDS[3] | pieces.KINDS[0]
    return Game(width, height, [(known[name], x) for name, x in shapes], goal)


def play_out(played, *moves):
    for move in moves:
        played.move(move)
    return played.text().split("\n")


def test_a_piece_locks_when_it_rests_after_a_move():
    played = game([("flat domino", 1), ("flat domino", 3)])
    assert play_out(played) == ["XX__", "____", "____", "____", "____"]
    assert play_out(played, "down", "down", "down") == ["____", "____", "____", "XX__", "____"]
    assert play_out(played, "down") == ["__XX", "____", "____", "____", "##__"]
    assert (played.placed, played.moves) == (1, 4)


def test_a_full_line_goes_and_what_is_above_sinks():
    played = game([("square", 1), ("upright domino", 2), ("upright domino", 3), ("flat domino", 1)], goal=3)
    board = play_out(played, *["down"] * 12)
    assert board == ["XX__", "____", "____", "____", "____"]
    assert (played.lines, played.game_return, played.won) == (2, 18.8, False)


def test_only_the_full_line_goes():
    played = game([("flat domino", 1), ("upright domino", 2), ("upright domino", 3), ("dot", 0)], goal=2)
    assert play_out(played, *["down"] * 12) == ["X___", "____", "____", "____", "__##"]
    assert (played.lines, played.holes) == (1, 0)


def test_walls_blocks_and_turns():
    played = game([("flat domino", 1), ("dot", 0)])
    play_out(played, "left", "rotate", "rotate", "rotate", "rotate")
    assert played.bumps == 1
    assert played.text() == "XX__\n____\n____\n____\n____"
    play_out(played, "rotate")
    assert played.text() == "_X__\n____\n____\n____\n____"


def test_turning_is_clockwise():
    played = game([("L", 1)], height=6)
    play_out(played, "down", "down")
    seen = [played.text(), *("\n".join(play_out(played, "rotate")) for _ in range(3))]
    cut = ["\n".join(text.split("\n")[1:4]) for text in seen]
    assert cut == ["__X_\nXXX_\n____", "_X__\n_X__\n_XX_", "____\nXXX_\nX___", "XX__\n_X__\n_X__"]


def test_the_top_row_loses():
    played = game([("dot", 0)] * 10, height=4)
    play_out(played, *["down"] * 3, *["down"] * 2, "down")
    assert (played.placed, played.lost) == (3, False)
    play_out(played, "left")
    assert (played.placed, played.lost, played.over) == (4, True, True)


def test_holes_are_counted():
    played = game([("upright domino", 0), ("I", 1), ("dot", 0)], width=5)
    play_out(played, *["down"] * 4, *["down"] * 2)
    assert played.text().split("\n")[2:] == ["####_", "#____", "#____"]
    assert played.holes == 6


FALL = ["down"] * 4


def to(column, start):
    return [*(["left"] * (start - column) + ["right"] * (column - start)), *FALL]


def winning():
    order = pieces.drawn(3, 4, 5, 0)
    return [move for column in range(4) for move in to(column, order[column][1])]


@pytest.mark.parametrize(
    ("actions", "reward", "unread"),
    [
        (lambda moves: [step(*moves), "Done."], 1, 0),
        (lambda moves: ["<action>" + ", ".join(moves) + "</action>"], 1, 0),
        (lambda moves: ["".join(f"<action>{move.upper()}</action>" for move in moves)], 1, 0),
        (lambda moves: [step(), *(step(move) for move in moves), "Done."], 1, 0),
        (lambda moves: [step(*moves), step("left"), "Done."], 1, 0),
        (lambda moves: [step(*moves[:-1]), "Done."], 0, 0),
        (lambda moves: [step("drop", *moves), "Done."], 0, 1),
        (lambda moves: ["<action>fall</action>", step(*moves), "Done."], 1, 1),
        (lambda moves: ["<think><action>" + ", ".join(moves) + "</action></think>"], 0, 0),
        (lambda moves: ["<answer>" + " || ".join(moves) + "</answer> I cleared a line."], 0, 0),
        (lambda moves: [""], 0, 0),
    ],
)
def test_a_line_of_dots(play, actions, reward, unread):
    found = play("Tetris", DOTS, *actions(winning()))
    assert (found["reward"], found["rewards"]["unread_moves"]) == (reward, unread)


def test_returns(play):
    moves = winning()
    found = play("Tetris", DOTS, step(*moves), "Done.", reward="return")
    assert found["reward"] == pytest.approx(10 - 0.1 * len(moves))
    assert play("Tetris", DOTS, step(*["down"] * 9), "Done.", reward="return")["reward"] == pytest.approx(-0.9)


def test_half_the_lines_pay_half(play):
    found = play("Tetris", DOTS | {"goal_lines": 2}, step(*winning()), "Done.")
    assert (found["reward"], found["rewards"]["won"], found["rewards"]["lines"]) == (0.5, 0, 1)


def test_moves_run_out(play):
    found = play("Tetris", DOTS, step(*winning()), "Done.", max_moves=10)
    assert (found["reward"], found["rewards"]["moves"]) == (0, 10)


def test_what_a_model_sees():
    env = gymnasium.make("gym_llm/Tetris-v0", dataset=[CREATE | {"seed": 1}])
    observation, info = env.reset(seed=0)
    assert "X" in observation[-1]["content"].split("\n\n")[1]
    assert "The next piece: " in observation[-1]["content"]
    assert [tool["name"] for tool in info["responses_create_params"]["tools"]] == ["step"]
    observation, *_ = env.step([assistant_message("<action>down, fly</action>")])
    assert "Move 2 is none of left, right, rotate, down" in observation[-1]["content"]


@pytest.mark.parametrize("box_type", range(5))
def test_pieces_fit_and_follow_from_the_seed(box_type):
    order = pieces.drawn(7, 5, 6, box_type)
    assert order == pieces.drawn(7, 5, 6, box_type) != pieces.drawn(8, 5, 6, box_type)
    assert len(order) == 31
    assert {shape for shape, _ in order} == set(pieces.KINDS[box_type].values())
    for shape, x in order:
        assert all(0 <= x + right < 5 and down <= 0 for right, down in shape)


@pytest.mark.parametrize(
    "knobs",
    [{}, {"box_type": 2, "width": 4, "height": 5, "goal_lines": 1}, {"width": 10, "height": 14, "goal_lines": 2}],
)
def test_generated_games_are_won(knobs):
    dataset = {"num_tasks": 3, "seed": 2, **knobs}
    env, again = (gymnasium.make("gym_llm/Tetris-v0", dataset=dataset) for _ in range(2))
    for index in range(3):
        assert env.unwrapped.tasks.row(index) == again.unwrapped.tasks.row(index)
        env.reset(options={"task_index": index})
        for action in env.unwrapped.solve(env.unwrapped.task):
            _, reward, terminated, _, info = env.step(action)
        assert (reward, terminated, info["verification"]["rewards"]["lost"]) == (1, True, 0)


def test_rows_of_nemo_gym_load_and_are_won():
    env = gymnasium.make("gym_llm/Tetris-v0", dataset=[NEMO])
    env.reset(seed=0)
    for action in env.unwrapped.solve(env.unwrapped.task):
        _, reward, *_ = env.step(action)
    assert reward == 1


def test_a_game_that_cannot_be_won_has_no_solution():
    env = gymnasium.make("gym_llm/Tetris-v0", dataset=[CREATE | {"seed": 1, "dim_board": [4, 4], "goal_lines": 10}])
    with pytest.raises(DefinitionError, match="no way to clear 10 lines"):
        env.unwrapped.solve(env.unwrapped.tasks[0])
    assert search.solution(game([("I", 1)], width=5), 100) is None


@pytest.mark.parametrize(
    "fields", [{"dim_board": [3, 9]}, {"dim_board": [6, 21]}, {"box_type": 5}, {"goal_lines": 0}, {"seed": -1}]
)
def test_rows_that_cannot_be_played(fields):
    env = gymnasium.make("gym_llm/Tetris-v0", dataset=[CREATE | {"seed": 1} | fields])
    with pytest.raises(TaskError, match=next(iter(fields))):
        env.reset(seed=0)


@pytest.mark.parametrize("knobs", [{"width": 3}, {"box_type": 9}, {"goal_lines": 10, "width": 4, "height": 4}])
def test_bad_knobs_are_refused(knobs, monkeypatch):
    monkeypatch.setattr("gym_llm.envs.tetris.environment._TRIES", 2)
    with pytest.raises(ConfigError, match="dim_board"):
        Tetris.generate(np.random.default_rng(0), **knobs)


@pytest.mark.parametrize("kwargs", [{"reward": "sum"}, {"max_moves": 0}])
def test_what_an_author_gets_wrong(kwargs):
    with pytest.raises(ConfigError, match="give"):
        gymnasium.make("gym_llm/Tetris-v0", **kwargs)
