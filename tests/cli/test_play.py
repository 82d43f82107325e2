"""`gym-llm play` and `show`: an episode by hand, from piped lines."""

from __future__ import annotations

import io

import pytest


@pytest.fixture
def play(gym_llm, monkeypatch):
    def run(lines: str, *words: str):
        monkeypatch.setattr("sys.stdin", io.StringIO(lines))
        return gym_llm("play", *words)

    return run


def test_the_reference_solution_earns_the_top_reward(play):
    result = play("/solve\n" * 5, "SimpleWeather")
    assert result.status == 0
    assert "verified: reward 1" in result.out


def test_a_call_and_a_message(play):
    result = play('/call get_weather {"city": "Oslo"}\nIt is cold.\n', "SimpleWeather", "task=0")
    assert "call get_weather" in result.out
    assert "  -> " in result.out
    assert "verified: reward" in result.out


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("/call\n", "write /call NAME"),
        ("/call nothing\n", "nothing"),
        ("/call get_weather {not json\n", "get_weather"),
        ("/nonsense\n", "unknown command /nonsense"),
        ("/tools\n", '"parameters"'),
        ("", "left before its end"),
        ("/quit\nhello\n", "left before its end"),
        ("\n\n", "left before its end"),
    ],
)
def test_any_line_is_survived(play, lines, told):
    result = play(lines, "SimpleWeather")
    assert result.status == 0
    assert told in result.out


def test_control_characters_are_escaped(play):
    result = play("\x1b[2J\u202egone\n", "SimpleWeather")
    assert "\x1b" not in result.out
    assert "\u202e" not in result.out


def test_the_seed_chooses_the_task(play):
    assert play("/quit\n", "MCQA", "seed=1").out == play("/quit\n", "MCQA", "seed=1").out
    assert "Task 3\n" in play("/quit\n", "MCQA", "task=3").out


def test_a_task_that_is_not_there_is_a_mistake(play, gym_llm):
    for result in (play("", "MCQA", "task=99999"), gym_llm("show", "MCQA", "task=99999")):
        assert result.status == 2
        assert "99999" in result.err


def test_show_has_all_parts(gym_llm):
    shown = gym_llm("show", "SimpleWeather").out
    for part in (
        "gym_llm/SimpleWeather-v0",
        "Version history",
        "Action space",
        "get_weather",
        "Example task 0",
        "user: ",
    ):
        assert part in shown
