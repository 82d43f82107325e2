"""GymnasiumText: any discrete Gymnasium environment in words; returns scaled or not; honest players."""

from __future__ import annotations

import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

import gym_llm
from gym_llm.envs.gymnasium_text import wording
from gym_llm.envs.gymnasium_text.games import GAMES
from gym_llm.envs.gymnasium_text.solvers import basic_strategy
from gym_llm.errors import ConfigError, DefinitionError, TaskError
from gym_llm.items import assistant_message, function_call, message

LAKE = {
    "responses_create_params": {"input": "Play."}, "game": "FrozenLake", "seed": 1,
    "game_kwargs": {"desc": ["SFH", "FFF", "HFG"], "is_slippery": False}, "worst_return": 0, "best_return": 1,
}  # fmt: skip
CLIFF = {
    "responses_create_params": {"input": "Play."}, "game": "CliffWalking", "seed": 1,
    "worst_return": -63, "best_return": -13,
}  # fmt: skip
BEST_CLIFF = ["up", *["right"] * 11, "down"]


class Twins(gymnasium.Env):
    """Pays 1 for two equal numbers; a game that nobody has described."""

    def __init__(self, box: bool = False) -> None:
        pair = spaces.Tuple((spaces.Discrete(3), spaces.Dict({"bits": spaces.MultiBinary(2)})))
        self.observation_space = spaces.Box(0, 1) if box else pair
        self.action_space = spaces.MultiDiscrete([3, 3])

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return (int(self.np_random.integers(3)), {"bits": np.array([1, 0], dtype=np.int8)}), {}

    def step(self, action):
        if action[0] == 0:
            raise RuntimeError("no twins here")
        return (0, {"bits": np.array([0, 0], dtype=np.int8)}), float(action[0] == action[1]), True, False, {}


@pytest.fixture(autouse=True)
def _twins():
    gymnasium.register(id="Twins-v0", entry_point=Twins)
    yield
    del gymnasium.registry["Twins-v0"]


def acts(*names):
    return [[function_call("act", {"action": name})] for name in names]


@pytest.mark.parametrize(
    ("names", "reward", "unread"),
    [
        (["right", "down", "down", "right"], 1, 0),
        (["2", " Down. ", "DOWN", "'right'"], 1, 0),
        ([2, 1, 1, 2], 1, 0),
        (["right", "right"], 0, 0),
        (["right", "down", "down"], 0, 0),
        (["win", "right", "down", "", "right down", "down", "7", "-1", "right"], 1, 5),
        (["right", "down", "down", "right", "left"], 1, 0),
        ([], 0, 0),
    ],
    ids=[
        "right",
        "as numbers",
        "as numbers of JSON",
        "hole",
        "unfinished",
        "unread are told",
        "after the end",
        "nothing",
    ],
)
def test_a_lake_by_tools(play, names, reward, unread):
    found = play("GymnasiumText", LAKE, *acts(*names), "I have reached the goal <action>right</action>.")
    assert (found["reward"], found["rewards"]["unread_actions"]) == (reward, unread)


@pytest.mark.parametrize(
    ("texts", "reward", "unread"),
    [
        (["<action>right</action>", "Hm. <action>up</action> no, <Action>down</action>", "<action>1</action>",
          "<action>right</action>"], 1, 0),
        (["<action>right</action>", "<action>right</action>"], 0, 0),
        (["right", "<action>fly</action>"] * 32, 0, 64),
    ],
)  # fmt: skip
def test_a_lake_by_tags(play, texts, reward, unread):
    found = play("GymnasiumText", LAKE, *texts, interface="tags")
    assert (found["reward"], found["rewards"]["unread_actions"]) == (reward, unread)


@pytest.mark.parametrize(
    ("names", "scaled", "raw"),
    [
        (BEST_CLIFF, 1.0, -13),
        (["left", *BEST_CLIFF], 0.98, -14),
        (["right", *BEST_CLIFF], 0.0, -113),
        (BEST_CLIFF[:-1], 0.0, -200),
    ],
)
def test_returns_are_scaled_or_paid_as_they_are(play, names, scaled, raw):
    assert play("GymnasiumText", CLIFF, *acts(*names), "Done.")["reward"] == pytest.approx(scaled)
    found = play("GymnasiumText", CLIFF, *acts(*names), "Done.", return_range=[-200, -13])
    assert found["reward"] == raw


def test_what_a_model_sees():
    env = gymnasium.make("gym_llm/GymnasiumText-v0", dataset=[LAKE])
    observation, info = env.reset(seed=0)
    assert "PFH\nFFF\nHFG" in observation[-1]["content"]
    assert info["responses_create_params"]["tools"][0]["name"] == "act"
    tagged = gymnasium.make("gym_llm/GymnasiumText-v0", dataset=[LAKE], interface="tags")
    observation, info = tagged.reset(seed=0)
    assert "<action> and </action>" in observation[-1]["content"]
    assert "tools" not in info["responses_create_params"]
    step = tagged.step([assistant_message("<action>down</action>")])
    assert step[0][-1] == message("SFH\nPFF\nHFG\nYou are at row 1, column 0, on F.\nReward: 0.")


@pytest.mark.parametrize("name", ["Blackjack", "FrozenLake", "Taxi", "CliffWalking", "FrozenLake8x8"])
def test_generated_games_are_won_by_the_reference_player(name):
    env = gymnasium.make("gym_llm/GymnasiumText-v0", dataset={"num_tasks": 4, "seed": 3, "game": name})
    again = gymnasium.make("gym_llm/GymnasiumText-v0", dataset={"num_tasks": 4, "seed": 3, "game": name})
    for index in range(4):
        assert env.unwrapped.tasks.row(index) == again.unwrapped.tasks.row(index)
        env.reset(options={"task_index": index})
        for action in env.unwrapped.solve(env.unwrapped.task):
            _, reward, terminated, _, _ = env.step(action)
        assert (reward, terminated) == (1, True)


def test_a_game_by_name_is_generated_and_solved_by_tags():
    env = gymnasium.make("gym_llm/GymnasiumText-v0", game="Blackjack-v1", interface="tags")
    env.reset(seed=3)
    for action in env.unwrapped.solve(env.unwrapped.task):
        _, reward, terminated, _, info = env.step(action)
    assert (reward, terminated, info["verification"]["game"]) == (1, True, "Blackjack-v1")


def test_any_seed_lets_the_reference_player_lose():
    dataset = {"num_tasks": 40, "game": "Blackjack", "any_seed": True}
    env = gymnasium.make("gym_llm/GymnasiumText-v0", dataset=dataset, return_range=[-1, 1])
    returns = []
    for index in range(40):
        env.reset(options={"task_index": index})
        for action in env.unwrapped.solve(env.unwrapped.task):
            _, reward, *_ = env.step(action)
        returns.append(reward)
    assert {-1, 1} <= set(returns) <= {-1, 0, 1}


def test_a_row_without_a_seed_follows_the_episodes():
    row = {"responses_create_params": {"input": "Play."}, "game": "Taxi"}
    env = gymnasium.make("gym_llm/GymnasiumText-v0", dataset=[row])
    first = [env.reset(seed=seed)[0][-1]["content"] for seed in range(5)]
    assert first == [env.reset(seed=seed)[0][-1]["content"] for seed in range(5)]
    assert len(set(first)) > 1


def test_a_game_that_nobody_described(play):
    row = {"responses_create_params": {"input": "Play."}, "game": "Twins", "seed": 1}
    env = gymnasium.make("gym_llm/GymnasiumText-v0", dataset=[row])
    said = env.reset(seed=0)[0][-1]["content"]
    assert "2 whole numbers, separated by spaces, in the ranges 0 to 2, 0 to 2" in said
    assert "bits: [1, 0])" in said
    texts = ("1 1", "2, 2", "1 2", "3 3", "1")
    assert [play("GymnasiumText", row, *acts(text), "Done.")["reward"] for text in texts] == [1, 1, 0.5, 0, 0]
    with pytest.raises(DefinitionError, match="no reference player"):
        env.unwrapped.solve(env.unwrapped.task)


@pytest.mark.parametrize("interface", ["tools", "tags"])
def test_a_game_that_breaks_down_gives_no_reward(interface):
    row = {"responses_create_params": {"input": "Play."}, "game": "Twins", "seed": 1}
    env = gymnasium.make("gym_llm/GymnasiumText-v0", dataset=[row], interface=interface, disable_env_checker=True)
    env.reset(seed=0)
    step = env.step(acts("0 0")[0] if interface == "tools" else [assistant_message("<action>0 0</action>")])
    if interface == "tools":
        step = env.step([assistant_message("Done.")])
    assert np.isnan(step[1])
    assert "no twins here" in step[4]["error"]["message"]
    env.close()


@pytest.mark.parametrize(
    ("kwargs", "said"),
    [
        ({"game": "BlackJack"}, "Did you mean 'Blackjack'"),
        ({"game": "Blackjack-v99"}, "v99"),
        ({"game": "Twins", "game_kwargs": {"box": True}}, "only discrete spaces"),
        ({"game": "Taxi", "game_kwargs": {"wings": 2}}, "wings"),
        ({"game": "Pendulum"}, "only discrete spaces"),
        ({"interface": "voice"}, "'tools', 'tags'"),
        ({"game": "FrozenLake", "game_kwargs": {"map_name": "5x5"}}, "KeyError: '5x5'"),
        ({"return_range": [1, 1]}, "a higher one"),
        ({"return_range": [1]}, "a higher one"),
        ({"return_range": "low"}, "a higher one"),
        ({"return_range": [0, float("inf")]}, "a higher one"),
    ],
)
def test_what_an_author_gets_wrong(kwargs, said):
    with pytest.raises(ConfigError, match=said):
        gymnasium.make("gym_llm/GymnasiumText-v0", **kwargs)


def test_a_row_imports_nothing():
    env = gymnasium.make("gym_llm/GymnasiumText-v0", dataset=[LAKE | {"game": "os:FrozenLake-v1"}])
    with pytest.raises(TaskError, match="import its module in your program"):
        env.reset(seed=0)


def test_bounds_in_the_wrong_order_are_refused():
    env = gymnasium.make("gym_llm/GymnasiumText-v0", dataset=[LAKE | {"best_return": -1}])
    with pytest.raises(TaskError, match="not below"):
        env.reset(seed=0)


def test_basic_strategy_is_near_the_best_known_value():
    env = gymnasium.make("Blackjack-v1", disable_env_checker=True)
    total, games = 0.0, 3000
    for seed in range(games):
        seen, _ = env.reset(seed=seed)
        over = False
        while not over:
            seen, reward, over, *_ = env.step(basic_strategy(seen))
        total += reward
    assert -0.1 < total / games < 0.01


def test_numbers_of_shifted_spaces():
    space = spaces.Discrete(3, start=5)
    assert [wording.read_action(space, (), text) for text in ("5", "7", "8", "4", "5 5")] == [5, 7, None, None, None]
    assert set(GAMES) >= {"Blackjack", "FrozenLake", "Taxi", "CliffWalking"}


def test_pygame_is_not_imported():
    code = (
        "import sys, gymnasium, gym_llm; env = gymnasium.make('gym_llm/GymnasiumText-v0')\n"
        "for index in range(4): env.reset(options={'task_index': index})\n"
        "assert 'pygame' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert gym_llm.env_ids()
