"""Rubrics: what criteria add up to, and that a missing verdict spoils all of it."""

from __future__ import annotations

import asyncio

import pytest

from gym_llm.errors import ConfigError, JudgeError
from gym_llm.items import assistant_message
from gym_llm.judges import MET, Criterion, Judge, RubricJudge, scripted_judge


def score(verdicts, criteria):
    rubric = RubricJudge(scripted_judge(verdicts, MET), criteria)
    return asyncio.run(rubric(question="q", candidate="c"))


@pytest.mark.parametrize(
    ("weights", "met", "expected"),
    [
        ([1, 1, 2], [True, False, True], 0.75),
        ([1, 1], [False, False], 0.0),
        ([1, 2], [True, True], 1.0),
        ([2, -1], [True, True], 0.5),
        ([1, -5], [True, True], 0.0),
        ([1, -5], [True, False], 1.0),
        ([0, 1], [True, False], 0.0),
        ([0.1] * 10, [True] * 10, 1.0),
    ],
)
def test_weights_add_up(weights, met, expected):
    criteria = [Criterion(f"criterion {number}", weight) for number, weight in enumerate(weights)]
    wanted = {criterion.text: "MET" if is_met else "NOT MET" for criterion, is_met in zip(criteria, met, strict=True)}
    result = score(lambda parts: wanted[parts["criterion"]], criteria)
    assert result.score == pytest.approx(expected)
    assert result.met == tuple(met)
    assert len(result.verdicts) == len(weights)


def test_one_missing_verdict_is_an_error_and_the_others_are_given_up():
    ended = []

    async def judging(observation, info):
        try:
            if "second" in info["judge"]["parts"]["criterion"]:
                return [assistant_message("Hm.")]
            await asyncio.sleep(30)
        finally:
            ended.append(info["judge"]["parts"]["criterion"])
        raise AssertionError("it went on")

    rubric = RubricJudge(Judge(judging, MET, attempts=1), ["first", "second", "third"])
    with pytest.raises(JudgeError, match="no clear verdict"):
        asyncio.run(rubric(question="q", candidate="c"))
    assert sorted(ended) == ["first", "second", "third"]


@pytest.mark.parametrize(
    ("criteria", "reason"),
    [
        ([], "at least one criterion"),
        ([{"text": "x", "weight": -1}], "weight above 0"),
        ([{"text": "x", "weight": 0}], "weight above 0"),
        ([{"text": " "}], "say what"),
        ([{"weight": 1}], "needs text"),
        ([{"text": "x", "heaviness": 1}], "no heaviness"),
        ([{"text": "x", "weight": float("nan")}], "weight=nan"),
        ([{"text": "x", "weight": "3"}], "weight='3'"),
        ([{"text": "x", "weight": None}], "weight=None"),
        ([{"text": "x", "weight": True}], "weight=True"),
        ([{"text": "x", "weight": 1e308}, {"text": "y", "weight": 1e308}], "at most 1e"),
        ([{"text": 5}], "text is 5"),
        ([5], "criterion 5"),
        ("is polite", "give a list of criteria"),
    ],
)
def test_wrong_criteria_are_refused(criteria, reason):
    with pytest.raises(ConfigError, match=reason):
        RubricJudge(scripted_judge([], MET), criteria)


def test_the_template_must_have_the_fields_of_a_rubric():
    with pytest.raises(ConfigError, match="question, criterion, candidate"):
        RubricJudge(scripted_judge(["A=B"]), ["x"])
