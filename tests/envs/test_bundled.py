"""What holds for every environment: its bundled rows, its reference solutions."""

from __future__ import annotations

import json
from pathlib import Path

import gymnasium
import pytest

import gym_llm
from gym_llm.tasks import bundled


@pytest.fixture(params=gym_llm.env_ids())
def env(request):
    made = gymnasium.make(request.param)
    yield made
    made.close()


def lines(env) -> list[str]:
    inner = env.unwrapped
    return Path(bundled(type(inner), inner.examples)).read_bytes().decode("ascii").splitlines()


def test_examples_are_one_ascii_object_a_line(env):
    rows = [json.loads(line) for line in lines(env)]
    assert len(rows) >= (10 if "MCQA" in env.spec.id else 5)
    assert all(isinstance(row, dict) and "agent_ref" not in row for row in rows)
    assert len({json.dumps(row["responses_create_params"]) for row in rows}) == len(rows)


def test_the_reference_solution_earns_the_top_reward(env):
    for index in range(len(env.unwrapped.tasks)):
        env.reset(options={"task_index": index})
        for action in env.unwrapped.solve(env.unwrapped.task):
            _, reward, terminated, _, info = env.step(action)
        assert (reward, terminated) == (env.unwrapped.reward_range[1], True), info


def test_rows_survive_their_model(env):
    for index, line in enumerate(lines(env)):
        task = env.unwrapped.tasks[index]
        assert json.loads(line).items() <= task.model_dump(mode="json", exclude_unset=True).items()


def test_extra_fields_and_agents_are_no_hindrance(env):
    row = json.loads(lines(env)[0]) | {
        "agent_ref": {"type": "responses_api_agents", "name": "x"}, "_ng_task_index": 3, "anything": [1],
    }  # fmt: skip
    env.reset(options={"task": row})
    for action in env.unwrapped.solve(env.unwrapped.task):
        _, reward, *_ = env.step(action)
    assert reward == 1
