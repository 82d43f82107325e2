"""Calendar: the specification's rule, its weaknesses mended, times, the solver and generated conversations."""

from __future__ import annotations

import itertools
import json
import time

import gymnasium
import numpy as np
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm.envs.calendar import Calendar, answers, clock, schedules
from gym_llm.errors import ConfigError, TaskError
from gym_llm.items import assistant_message, function_call, message, reasoning

EMPTY = {"event_id": 1, "event_name": "", "duration": 30, "constraint": None, "min_time": "10am", "max_time": "4pm"}


def expected(number, name, duration, constraint, **more):
    return EMPTY | {"event_id": number, "event_name": name, "duration": duration, "constraint": constraint} | more


STATE = {
    "1": expected(1, "Team Meeting", 60, "at 10am"),
    "2": expected(2, "Gym", 45, "after 11:30am"),
    "3": expected(3, "Lunch", 30, "between 11am and 12:30pm"),
}


def row(state=None, **more):
    chat = [message("You are a scheduling assistant...", "system"), message("Schedule it")]
    return {"responses_create_params": {"input": chat}, "exp_cal_state": STATE if state is None else state} | more


def entries(*starts, **changes):
    """Return entries for events 1, 2, 3 at these starts; `changes` are made to the last."""
    made = [
        {"event_id": number, "event_name": STATE[str(number)]["event_name"], "start_time": start,
         "duration": STATE[str(number)]["duration"]}
        for number, start in enumerate(starts, start=1)
    ]  # fmt: skip
    made[-1] |= changes
    return made


def text(*starts, **changes):
    return "Here:\n" + json.dumps(entries(*starts, **changes))


RIGHT = text("10am", "1pm", "11am")
CASES = [
    # right
    (RIGHT, "pass"),
    (text("10:00", "13:00", "11:00"), "pass"),
    (text("10:00 AM", "1 p.m.", "11 am"), "pass"),
    (text("10am", "12pm", "11:30am"), "pass"),
    (text("10am", "3:15pm", "12pm"), "pass"),
    (text("10am", "1pm", "11am", duration=30.0), "pass"),
    (text("10am", "1pm", "11am", event_id="3"), "pass"),
    (text("10am", "1pm", "11am", event_name="Something else"), "pass"),
    (f"```json\n{json.dumps(entries('10am', '1pm', '11am'), indent=2)}\n```\nAnything else [?]", "pass"),
    (f"<think>First [{{}}] then</think>{RIGHT}", "pass"),
    (f"I looked [twice].\n{RIGHT}", "pass"),
    # wrong
    ("", "no_json_list"),
    ("All done!", "no_json_list"),
    ("[]", "no_json_list"),
    ("[1, 2, 3]", "no_json_list"),
    (text("10am", "1pm"), "different_number_of_events"),
    (text("10am", "11:15am", "11am"), "conflicting_events"),
    (text("10am", "12pm", "12pm"), "conflicting_events"),
    # nearly right
    (text("10:15am", "1pm", "11:15am"), "constraint_violated"),
    (text("10am", "3:30pm", "11am"), "constraint_violated"),
    (text("10am", "1pm", "12:15pm"), "constraint_violated"),
    (text("10am", "11:29am", "12:20pm"), "constraint_violated"),
    (text("10am", "1pm", "11am", duration=29), "constraint_violated"),
    (text("10am", "1pm", "11am", duration="30"), "unreadable_event"),
    (text("10am", "1pm", "13am"), "unreadable_event"),
    (text("10am", "1pm", "11am", event_id=4), "unknown_event"),
    # tricked
    (f"<think>{RIGHT}", "no_json_list"),
    (f"<think>{RIGHT}</think>I am done.", "no_json_list"),
    ("[" + json.dumps(entries("10am", "1pm", "11am"))[1:-1] + ', {"event_id": 1}]', "unreadable_event"),
    (json.dumps(entries("10am", "1pm", "11am") + entries("10am")), "duplicate_event"),
    (json.dumps(entries("10am", "1pm", "11am") + entries("2:30pm")), "duplicate_event"),
    (f"{text('10am', '1pm')}\n{RIGHT}", "different_number_of_events"),
    ('[{"event_id": 1}, 5]', "unreadable_event"),
    ('[{"event_id": true, "start_time": "10am", "duration": 60}]', "unreadable_event"),
    ('[{"event_id": 1, "start_time": 10, "duration": 60}]', "unreadable_event"),
    ('[{"event_id": 1, "start_time": "10am", "duration": true}]', "unreadable_event"),
    ('[{"event_id": 1, "event_id": 1}]', "no_json_list"),
]


@pytest.mark.parametrize(("said", "reason"), CASES)
def test_cases(play, said, reason):
    found = play("Calendar", row(), said)
    assert (found["reward"], found["reason"]) == (float(reason == "pass"), reason)
    assert found["rewards"]["correct"] == found["reward"]
    assert found["rewards"]["format_ok"] == float(reason not in ("no_json_list", "unreadable_event"))


def test_the_share_that_is_satisfied(play):
    assert play("Calendar", row(), text("10am", "1pm", "3pm"))["rewards"]["satisfied"] == pytest.approx(2 / 3)
    assert play("Calendar", row(), RIGHT)["names_ok"]
    assert not play("Calendar", row(), text("10am", "1pm", "11am", event_name="Nap"))["names_ok"]


@pytest.mark.parametrize(
    ("said", "reward"),
    [
        ("Nothing is planned.", 1),
        ("The calendar is empty: []", 1),
        ("", 0),
        (" \n", 0),
        ("<think>Hm.</think>", 0),
        ('[{"event_id": 1, "start_time": "10am", "duration": 30}]', 0),
        (RIGHT, 0),
        ("[{}]", 0),
    ],
)
def test_an_empty_calendar_pays_no_invented_event(play, said, reward):
    assert play("Calendar", row({}), said)["reward"] == reward


def test_the_last_message_counts_and_reasoning_does_not(play):
    assert play("Calendar", row(), [assistant_message(RIGHT), assistant_message("Done.")])["reward"] == 0
    assert play("Calendar", row(), [reasoning(RIGHT), assistant_message("Done.")])["reward"] == 0
    assert play("Calendar", row(), [assistant_message(RIGHT), reasoning("hm")])["reward"] == 1
    call = [function_call("add_event", {})]
    assert play("Calendar", row(), call, [assistant_message(RIGHT)])["reward"] == 1


@pytest.mark.parametrize(
    "said", ["[{" * 90_000, "[" + " " * 190_000, "<think>" * 300_000, "[{}," * 50_000, '[{"' * 60_000]
)
def test_hostile_texts_are_read_in_time(play, said):
    begun = time.monotonic()
    assert play("Calendar", row(), said)["reward"] == 0
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("given", "minute"),
    [("10am", 600), ("12am", 0), ("12pm", 720), ("12:30pm", 750), ("9:05", 545), ("00:00", 0), ("24:00", 1440),
     (" 3 PM ", 900), ("15:45:00", 945)],
)  # fmt: skip
def test_times(given, minute):
    assert clock.minutes(given) == minute


@pytest.mark.parametrize("given", ["", "10", "13pm", "0am", "24:15", "10:60", "noon", "10am-11am", "1" * 10_000])
def test_what_is_no_time(given):
    with pytest.raises(ValueError, match="no time of day"):
        clock.minutes(given)


@pytest.mark.parametrize("minute", range(0, 1440, 35))
def test_times_are_read_as_they_are_written(minute):
    assert clock.minutes(clock.written(minute)) == clock.minutes(clock.written(minute, "24h")) == minute


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"constraint": "sometime"}, "a constraint is null"),
        ({"constraint": "before noon"}, "no time of day"),
        ({"constraint": "between 1pm"}, "a constraint is null"),
        ({"min_time": "early"}, "no time of day"),
        ({"duration": 0}, "greater than 0"),
    ],
)
def test_bad_rows_are_refused(changes, reason):
    with pytest.raises(TaskError, match=reason):
        gymnasium.make("gym_llm/Calendar-v0", dataset=[row({"1": EMPTY | changes})]).reset(seed=0)


def test_a_row_without_solution_says_so():
    state = {"1": expected(1, "A", 60, "at 10am"), "2": expected(2, "B", 60, "at 10:30am")}
    env = gymnasium.make("gym_llm/Calendar-v0", dataset=[row(state)])
    env.reset(seed=0)
    with pytest.raises(ConfigError, match="no solution"):
        env.unwrapped.solve(env.unwrapped.task)


def test_the_solver_finds_a_calendar_exactly_when_there_is_one():
    rng = np.random.default_rng(5)
    for _ in range(150):
        requests = []
        for _ in range(4):
            earliest, length = int(rng.integers(0, 8)), int(rng.integers(1, 4))
            at = earliest if rng.random() < 0.2 else None
            requests.append((clock.Window(earliest, int(rng.integers(earliest, 12)), at), length))
        starts = schedules.solved(requests)
        options = [[s for s in range(12) if window.holds(s, length)] for window, length in requests]
        lengths = [length for _, length in requests]
        every = [picked for picked in itertools.product(*options) if apart(picked, lengths)]
        assert (starts is None) == (not every)
        assert starts is None or tuple(starts) in every


def apart(starts, lengths):
    ordered = sorted(zip(starts, lengths, strict=True))
    return all(first + length <= second for (first, length), (second, _) in itertools.pairwise(ordered))


@pytest.mark.parametrize(
    "knobs",
    [{}, {"num_events": 1, "num_changes": 0}, {"num_events": 8, "num_changes": 7}, {"clock": "24h"}, {"num_events": 5}],
)
def test_generated_conversations(play, knobs):
    env = gymnasium.make("gym_llm/Calendar-v0", dataset={"num_tasks": 25, "seed": 1, **knobs})
    for task in env.unwrapped.tasks:
        chat = [item["content"] for item in task.prompt]
        assert [item["role"] for item in task.prompt[1:]] == ["user", "assistant"] * (len(chat) // 2 - 1) + ["user"]
        assert 1 <= len(task.exp_cal_state) <= knobs.get("num_events", 4)
        said = " ".join(chat[1::2])
        assert all(event.event_name in said for event in task.exp_cal_state.values())
        assert "{" not in said
        given = task.model_dump()
        assert play("Calendar", given, env.unwrapped.solve(task)[0])["reward"] == 1
        for earlier in chat[2::2]:
            assert answers.first_list(earlier) is not None or earlier.endswith("[]")
        if len(chat) > 2:
            assert play("Calendar", given, chat[-2])["reward"] == 0, "the last turn changes nothing"


def test_generation_follows_the_seed():
    made = [Calendar.generate(np.random.default_rng(seed)) for seed in (7, 7, 8)]
    assert made[0] == made[1] != made[2]


@pytest.mark.parametrize(
    "knobs", [{"num_events": 0}, {"num_events": 9}, {"num_changes": 4}, {"num_changes": -1}, {"clock": "13h"}]
)
def test_bad_knobs_are_refused(knobs):
    with pytest.raises(ConfigError, match="give 1 to 8"):
        Calendar.generate(np.random.default_rng(0), **knobs)
