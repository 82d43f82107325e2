"""The environment: the answer is compared as mathematics, and a judge is asked where that finds no equality."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

from gym_llm.envs.math_with_judge import answers, grading, problems
from gym_llm.envs.math_with_judge.task import MathTask
from gym_llm.episode import Episode, Verification
from gym_llm.errors import ConfigError, MissingExtra, VerifierError
from gym_llm.items import Item, assistant_message
from gym_llm.judges import MATHEMATICS, JudgedEnv, Verdict

_MAX_SHOWN = 2000


class MathWithJudge(JudgedEnv):
    r"""Solve a mathematical problem whose answer is a number, an expression or a set.

    Tasks:
        `expected_answer`: the answer in LaTeX, perhaps within `\( \)` or `$ $`; a number is taken too. `question`:
        the problem, for the judge; the last user message when left out. Rows of NeMo Gym's math_with_judge server
        (OpenMathReasoning, AIME, DAPO, Math StackOverflow) load unchanged; an empty answer is refused. Bundled: 10
        problems made by the generator, Apache-2.0. Unlimited, with the knobs `kind` (arithmetic,
        fractions, linear, quadratic, modular, counting, derivative, mixed) and `difficulty` (1 to 5).
    Tools:
        None.
    Reward:
        1.0 for an answer that is equal to the expected one, else 0.0. Named rewards: `correct`, which is the
        reward, and `format_ok`, whether the answer stood in a box. The last `\boxed{}` of the message counts;
        without one the whole text is searched, unless it ends with several values. Whole numbers are compared at
        once, everything else by math-verify (6 decimal places) in a process that is killed after
        `verifier_timeout` seconds: the answer is wrong then. Where that finds no equality and there is a judge,
        it is asked twice, with the expected answer shown first and then last; both verdicts must be "equal".
        A judge that gives no verdict is an error, and there is no reward. The verification has
        `symbolic_accuracy` (without the judge) and `judge_accuracy` (of answers that were judged). As differs
        from NeMo Gym's: earlier boxes are not united with the last one, and the judge sees the last box, or the
        whole message, in place of a fragment.
    Episode end:
        The first message, or 4 turns.
    Known shortcuts:
        The last box, or without boxes the last value, counts: a text that tries many is paid when the last one is
        right. Without the judge, an expression that is equal before it is computed (`\boxed{6 \cdot 7}`) is paid.
        A judge can be persuaded by what it reads, as far as its model can be; it cannot be made to write a label.
    Version history:
        v0: first version.

    Args:
        judge: The judge, or None for none; a model's settings, a policy, any callable: see `gym_llm.judges.as_judge`.
        verifier_timeout: Seconds for one comparison.
        **settings: As for every environment: `dataset`, `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.
    """

    Task = MathTask
    domain = "math"
    needs = ("gym-llm[math-with-judge]",)
    max_turns = 4
    template = MATHEMATICS
    reward_weights = {"correct": 1.0, "format_ok": 0.0}  # noqa: RUF012

    def __init__(self, *, judge: Any = None, verifier_timeout: float = 10.0, **settings: Any) -> None:
        if not verifier_timeout > 0:
            raise ConfigError(f"verifier_timeout={verifier_timeout}: give seconds above 0")
        if importlib.util.find_spec("math_verify") is None:
            raise MissingExtra("math-verify", "math-with-judge")
        super().__init__(judge=judge, **settings)
        self.verifier_timeout = verifier_timeout

    async def verify(self, task: MathTask, episode: Episode) -> Verification:
        """Compare the answer, then ask the judge when there is one and it is needed."""
        text = next((said for action in reversed(episode.actions) if (said := answers.said(action)).strip()), "")
        answer = answers.found(text, task.gold)
        grade = await grading.grade(task.gold, answer, self.verifier_timeout)
        if not grade.readable and self.judge is None:
            raise VerifierError(f"expected_answer {task.gold[:200]!r} cannot be read as mathematics: give a judge")
        verdicts: list[Verdict] = []
        correct = grade.equal
        if self.judge is not None and not correct and text.strip():
            verdicts = await self._judged(task, answer.text if answer.boxed else text)
            correct = len(verdicts) == 2 and verdicts[1].label == self.judge.labels[0]
        return Verification(
            rewards={"correct": float(correct), "format_ok": float(answer.boxed)}, question=task.asked,
            expected_answer=task.expected_answer, extracted_answer=grade.extracted, extraction=answer.reason,
            library_reward=float(grade.equal), symbolic_accuracy=float(grade.equal), problem=grade.problem,
            judge_accuracy=float(correct) if verdicts else None, judge_calls=len(verdicts),
            judge_evaluations=_shown(verdicts),
        )  # fmt: skip

    async def _judged(self, task: MathTask, candidate: str) -> list[Verdict]:
        """Return the judge's verdicts: a second one, with the answers in the other order, after "equal" only."""
        assert self.judge is not None
        first = await self.judge(question=task.asked, reference=task.gold, candidate=candidate)
        if first.label != self.judge.labels[0]:
            return [first]
        return [first, await self.judge(question=task.asked, candidate=candidate, reference=task.gold)]

    def solve(self, task: MathTask) -> list[list[Item]]:
        """Answer with the expected answer in a box."""
        return [[assistant_message(f"The answer is $\\boxed{{{task.gold}}}$.")]]

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: Any) -> dict[str, Any]:
        """Make a row; see `problems.row` for the knobs."""
        return problems.row(rng, **knobs)


def _shown(verdicts: list[Verdict]) -> list[dict[str, Any]] | None:
    orders = ("reference first", "candidate first")
    return [
        {"verdict_label": verdict.label, "order": order, "reply": verdict.reply[:_MAX_SHOWN],
         "attempts": verdict.attempts, "tampered": list(verdict.tampered)}
        for verdict, order in zip(verdicts, orders, strict=False)
    ] or None  # fmt: skip
