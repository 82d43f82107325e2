"""The record of an episode: NeMo Gym's keys with their meaning, the row's own fields, and ours in one object."""

from __future__ import annotations

import json

import pytest

from gym_llm import items
from gym_llm.trajectory import Trajectory, Turn

CALL = items.function_call("look", {}, "c") | {"generation_token_ids": [1, 2]}
ANSWER = items.function_call_output("c", "seen")
SAID = items.assistant_message("done")
USAGE = {"input_tokens": 10, "output_tokens": 4, "total_tokens": 14, "input_tokens_details": {"cached_tokens": 2}}
ROW = {
    "responses_create_params": {"input": "look", "temperature": 0.5}, "expected": "done",
    "agent_ref": {"name": "a"}, "reward": 99, "response": "old",
}  # fmt: skip


@pytest.fixture
def trajectory():
    whole = {"id": "resp_7", "model": "m", "status": "completed"}
    return Trajectory(
        env={"id": "gym_llm/Look-v0", "kwargs": {}}, policy={"type": "scripted"}, row=ROW,
        create_params={"temperature": 0.5, "tools": [{"type": "function", "name": "look"}]},
        prompt=[items.message("look")],
        turns=[
            Turn([CALL], [ANSWER], 0.0, whole | {"usage": USAGE}, 0.25, 1, 0),
            Turn([SAID], [], 0.75, whole | {"usage": USAGE, "id": "resp_8"}, 0.5),
        ],
        terminated=True, end_reason="verified", task_index=3, rollout_index=1, seed=5, version="9",
        verification={"reward": 0.75, "rewards": {"form": 1.0}, "extracted": "done"},
    )  # fmt: skip


def test_the_record_has_the_keys_of_a_rollout(trajectory):
    record = trajectory.record()
    assert record["responses_create_params"]["input"] == "look"
    assert record["responses_create_params"]["temperature"] == 0.5
    assert record["response"]["output"] == [CALL, ANSWER, SAID]
    assert record["response"]["id"] == "resp_8"
    assert record["response"]["object"] == "response"
    assert (record["reward"], record["terminated"], record["truncated"]) == (0.75, True, False)
    assert (record["_ng_task_index"], record["_ng_rollout_index"]) == (3, 1)
    assert (record["extracted"], record["reward_components"]) == ("done", {"form": 1.0})
    json.dumps(record, allow_nan=False)


def test_the_rows_own_fields_are_kept_and_reserved_ones_are_not(trajectory):
    record = trajectory.record()
    assert (record["expected"], record["agent_ref"]) == ("done", {"name": "a"})
    assert record["response"] != "old"


def test_usage_is_summed(trajectory):
    usage = trajectory.record()["response"]["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (20, 8, 28)
    assert usage["input_tokens_details"] == {"cached_tokens": 4}
    assert usage["output_tokens_details"] is None


def test_without_reported_usage_there_is_none(trajectory):
    trajectory.turns = [Turn([SAID], [], 1.0, {}, 0.1)]
    assert trajectory.usage is None


def test_turns_point_into_the_output(trajectory):
    own = trajectory.record()["gym_llm"]
    assert [turn["items"] for turn in own["turns"]] == [[0, 1, 2], [2, 3, 3]]
    assert [turn["latency"] for turn in own["turns"]] == [0.25, 0.5]
    assert (own["version"], own["seed"], own["end_reason"]) == ("9", 5, "verified")


def test_token_ids_stay_on_their_items(trajectory):
    assert trajectory.record()["response"]["output"][0]["generation_token_ids"] == [1, 2]


def test_a_failed_episode_has_no_record(trajectory):
    trajectory.verification, trajectory.error = None, {"type": "RuntimeError"}
    with pytest.raises(ValueError, match="RuntimeError"):
        trajectory.record()


@pytest.mark.parametrize(
    ("response", "reason"),
    [({}, "stop"), ({"incomplete_details": {"reason": "max_output_tokens"}}, "length"),
     ({"incomplete_details": {"reason": "content_filter"}}, "content_filter"),
     ({"incomplete_details": None}, "stop")],
)  # fmt: skip
def test_finish_reasons(response, reason):
    assert Turn([], [], 0.0, response, 0.0).finish_reason == reason
