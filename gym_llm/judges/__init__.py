"""Judges: verdicts on what a model wrote, by another model or by a rule; never a reward of their own.

A `Judge` is a policy, a `Template` (instructions, fields, a closed set of labels) and the reading of what the policy
says. When there is no verdict, it raises `JudgeError`, so that the episode has an error and no reward. What a verdict
is worth, an environment says; `JudgedEnv` takes a judge as plain data.
"""

from __future__ import annotations

from gym_llm.judges.environment import JudgedEnv
from gym_llm.judges.judge import Judge, Verdict
from gym_llm.judges.making import as_judge
from gym_llm.judges.rubric import Criterion, Rubric, RubricJudge
from gym_llm.judges.scripted import Comparison, scripted_judge
from gym_llm.judges.template import EQUIVALENCE, MATHEMATICS, MET, Template

__all__ = [
    "EQUIVALENCE",
    "MATHEMATICS",
    "MET",
    "Comparison",
    "Criterion",
    "Judge",
    "JudgedEnv",
    "Rubric",
    "RubricJudge",
    "Template",
    "Verdict",
    "as_judge",
    "scripted_judge",
]
