"""Which verdicts are asked for, in what order, and what they earn: the first pass, the swap check, the rescue.

Nothing here knows how a judge works: it calls one and looks at labels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gym_llm.judges import Judge, Verdict


@dataclass(frozen=True, slots=True)
class Rules:
    """What verdicts earn.

    Attributes:
        swap: Whether an answer that was found equal is judged again, with the parts in the other order.
        if_swap_fails: The reward when the second verdict differs.
        rescue: Whether the whole message is judged when the answer in it failed.
        if_rescued: The reward when that is equal.
    """

    swap: bool
    if_swap_fails: float
    rescue: bool
    if_rescued: float


@dataclass(slots=True)
class Course:
    """What happened.

    Attributes:
        reward: What is earned.
        verdicts: What the judge said, each with what was judged.
        swap_failed: Whether the order of the parts changed the verdict.
        rescued: Whether the whole message was right where the answer in it was not.
    """

    reward: float = 0.0
    verdicts: list[tuple[str, Verdict]] = field(default_factory=list)
    swap_failed: bool = False
    rescued: bool = False


async def run(judge: Judge, rules: Rules, question: str, gold: str, answer: str | None, message: str) -> Course:
    """Judge an answer.

    Args:
        judge: The judge.
        rules: What to ask, and what it earns.
        question: The question.
        gold: The right answer.
        answer: The answer that was found in the message, or None.
        message: The whole message; nothing is asked when it is empty.
    """
    course, equal = Course(), judge.labels[0]
    if answer is not None:
        first = await judge(question=question, reference=gold, candidate=answer)
        course.verdicts.append(("answer", first))
        if first.label == equal:
            course.reward = 1.0
            if rules.swap:
                second = await judge(question=question, candidate=answer, reference=gold)
                course.verdicts.append(("answer, candidate first", second))
                course.swap_failed = second.label != equal
                course.reward = rules.if_swap_fails if course.swap_failed else 1.0
            return course
    if rules.rescue and message and message != answer:
        whole = await judge(question=question, reference=gold, candidate=message)
        course.verdicts.append(("whole message", whole))
        course.rescued = whole.label == equal
        course.reward = rules.if_rescued if course.rescued else 0.0
    return course
