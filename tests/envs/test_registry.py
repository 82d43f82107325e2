"""What holds for every shipped environment, without a line of test of its own."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import gymnasium
import pytest
from gymnasium.envs.registration import EnvSpec

import gym_llm
from gym_llm.conformance.contract import FIELDS, documented_fields
from gym_llm.tasks import bundled, load

IDS = gym_llm.env_ids()


def env_class(env_id):
    return gymnasium.envs.registration.load_env_creator(gymnasium.spec(env_id).entry_point)


def test_the_first_environments_are_registered():
    assert {
        "gym_llm/MCQA-v0",
        "gym_llm/MultiNeedle-v0",
        "gym_llm/SimpleWeather-v0",
        "gym_llm/StatefulCounter-v0",
    } <= {*IDS}


@pytest.mark.parametrize("env_id", IDS)
def test_it_keeps_the_contract_and_its_declared_shortcuts_are_real(env_id):
    report = gym_llm.check(env_id, tasks=5, hostile_actions=300)
    assert report.ok, report.text()
    declared = {finding.name for finding in report.findings if finding.status == "declared"}
    assert declared == set(env_class(env_id).known_shortcuts)


@pytest.mark.parametrize("env_id", IDS)
def test_its_docstring_has_the_fixed_fields_in_order(env_id):
    assert documented_fields(env_class(env_id)) == list(FIELDS)


@pytest.mark.parametrize("env_id", IDS)
def test_its_version_is_in_its_history(env_id):
    version = env_id.rpartition("-")[2]
    assert re.search(rf"Version history\b.*\b{version}\b", inspect.getdoc(env_class(env_id)), re.DOTALL)


@pytest.mark.parametrize("env_id", IDS)
def test_its_bundled_rows_are_at_least_five_valid_and_distinct(env_id):
    owner = env_class(env_id)
    tasks = load(bundled(owner, owner.examples), owner.Task)
    assert len(tasks) >= 5
    assert all(isinstance(task, owner.Task) for task in tasks)
    assert len({str(tasks.row(index)) for index in range(len(tasks))}) == len(tasks)


@pytest.mark.parametrize("env_id", IDS)
def test_it_comes_back_from_its_specification(env_id):
    env = gymnasium.make(env_id, max_turns=3)
    again = gymnasium.make(EnvSpec.from_json(env.spec.to_json()))
    assert again.spec == env.spec
    assert again.unwrapped.max_turns == 3
    assert again.reset(seed=5)[0] == env.reset(seed=5)[0]


@pytest.mark.parametrize("env_id", IDS)
def test_its_class_is_short(env_id):
    lines = inspect.getsource(env_class(env_id)).splitlines()
    assert len(lines) <= 160, "an environment is one class of about 100 lines; move grading into a module"
    assert Path(inspect.getfile(env_class(env_id))).parent.parent.name == "envs"
