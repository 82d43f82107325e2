"""The environment: what is judged, by which rules, and the reference answer."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from gym_llm.envs.equivalence_llm_judge import course, questions
from gym_llm.envs.equivalence_llm_judge.course import Course, Rules
from gym_llm.envs.equivalence_llm_judge.extraction import Extraction, extract
from gym_llm.envs.equivalence_llm_judge.task import EquivalenceTask, texts
from gym_llm.episode import Episode, Verification
from gym_llm.errors import ConfigError
from gym_llm.items import Item, assistant_message, is_assistant_message
from gym_llm.judges import EQUIVALENCE, JudgedEnv

_MAX_SHOWN = 2000


class EquivalenceLLMJudge(JudgedEnv):
    r"""Answer a question in a few words; a judge compares the answer with the right one.

    Tasks:
        `expected_answer`, or `metadata.expected_answer`: the right answer. `template_metadata.output_regex`: finds
        the answer in the message. Rows of NeMo Gym's equivalence_llm_judge server load unchanged; those without a right
        answer are refused. Bundled: 10 questions written for this package, Apache-2.0. Unlimited: conversions and
        sums, with the knob `kind` (units, clock, spelling, mixed).
    Tools:
        None.
    Reward:
        1.0 when the judge finds the answer equivalent to the right one, else 0.0. The answer is what the row's
        regex, or `response_extract_regex`, finds last in the last message; the whole message without a regex, or
        where the right answer is longer than `extraction_length_threshold`. With `check_twice_swap` the judge is
        asked again with the answer shown before the right one, and `reward_if_swap_fails` is earned when it then
        differs. When an answer found by a row's regex is not equivalent, or the regex finds none, the whole message is
        judged, and earns `reward_if_full_generation_succeeds`. Named rewards: `equivalent`, whether the answer
        itself was, and `format_ok`, whether one was found. A judge that gives no verdict is an error, and there
        is no reward. As differs from NeMo Gym's: a regex that finds nothing leaves only the rescue; the swap check asks
        the same question in another order; an empty message is not judged; in the judge's reply the last label
        counts, on a line of its own.
    Episode end:
        The first message, or 4 turns.
    Known shortcuts:
        The scripted judge compares texts and numbers and knows no synonyms. A model that judges can be persuaded
        by what it reads, as far as it lets itself; it cannot be made to write a label.
    Version history:
        v0: first version.

    Args:
        judge: `"scripted"` (a comparison by rule, without a model), a model's settings, a policy, or any callable:
            see `gym_llm.judges.as_judge`.
        check_twice_swap: Whether to ask twice.
        reward_if_swap_fails: The reward when the two verdicts differ; may be below 0.
        check_full_generation_on_fail: Whether to judge the whole message in the end.
        reward_if_full_generation_succeeds: The reward when that is equivalent.
        response_extract_regex: Finds the answer in messages, for rows without a regex.
        question_extract_regex: Finds the question in the last user message, for the judge.
        use_per_record_regex: Whether the rows' own regexes are used.
        extraction_length_threshold: Characters of the right answer above which neither regex, swap check nor
            rescue is used; no limit when None.
        regex_timeout: Seconds that a regex may run.
        **settings: As for every environment: `dataset`, `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.
    """

    Task = EquivalenceTask
    domain = "knowledge"
    max_turns = 4
    template = EQUIVALENCE
    reward_weights = {"equivalent": 1.0, "format_ok": 0.0}  # noqa: RUF012

    def __init__(
        self, *, judge: Any = "scripted", check_twice_swap: bool = False, reward_if_swap_fails: float = 0.0,
        check_full_generation_on_fail: bool = True, reward_if_full_generation_succeeds: float = 0.5,
        response_extract_regex: str | None = None, question_extract_regex: str | None = None,
        use_per_record_regex: bool = True, extraction_length_threshold: int | None = 120,
        regex_timeout: float = 1.0, **settings: Any,
    ) -> None:  # fmt: skip
        if judge is None:
            raise ConfigError("judge=None: there is nothing to compare answers with; leave it out for 'scripted'")
        super().__init__(judge=judge, **settings)
        partial = (reward_if_swap_fails, reward_if_full_generation_succeeds)
        if not all(math.isfinite(reward) and reward <= 1.0 for reward in partial):
            raise ConfigError(
                f"partial rewards {partial}: give finite numbers of at most 1, the reward of a right answer"
            )
        if not 0 < regex_timeout < math.inf:
            raise ConfigError(f"regex_timeout={regex_timeout}: give seconds above 0")
        if extraction_length_threshold is not None and extraction_length_threshold < 0:
            raise ConfigError(f"extraction_length_threshold={extraction_length_threshold}: give characters, or None")
        for name, regex in (("response", response_extract_regex), ("question", question_extract_regex)):
            _check_regex(f"{name}_extract_regex", regex)
        self.rules = Rules(
            check_twice_swap, reward_if_swap_fails, check_full_generation_on_fail, reward_if_full_generation_succeeds
        )
        self.reward_range = (min(0.0, *partial), 1.0)  # type: ignore[misc]
        self.response_regex, self.question_regex = response_extract_regex, question_extract_regex
        self.use_per_record_regex, self.threshold = use_per_record_regex, extraction_length_threshold
        self.regex_timeout = regex_timeout

    async def verify(self, task: EquivalenceTask, episode: Episode) -> Verification:
        """Find the answer in the last message and have it judged."""
        message = _last_message(episode)
        own = task.regex if self.use_per_record_regex else None
        long = own is not None and self.threshold is not None and len(task.gold) > self.threshold
        found = await extract(None if long else own or self.response_regex, message, self.regex_timeout)
        asked = await extract(self.question_regex, task.asked, self.regex_timeout)
        rules = Rules(
            self.rules.swap and not long, self.rules.if_swap_fails,
            self.rules.rescue and own is not None and not long, self.rules.if_rescued,
        )  # fmt: skip
        assert self.judge is not None
        judged = await course.run(self.judge, rules, asked.text or task.asked, task.gold, found.text, message)
        return _verification(task, found, judged, self.judge.labels[0])

    def solve(self, task: EquivalenceTask) -> list[list[Item]]:
        """Answer with the right answer, in a box when the row has a regex."""
        return [[assistant_message(f"\\boxed{{{task.gold}}}" if task.regex else task.gold)]]

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: Any) -> dict[str, Any]:
        """Make a row; see `questions.row` for the knobs."""
        return questions.row(rng, **knobs)


def _check_regex(name: str, regex: str | None) -> None:
    try:
        re.compile(regex or "")
    except (re.error, OverflowError, RecursionError, TypeError) as error:
        raise ConfigError(f"{name}={regex!r} is no regular expression: {error}") from None


def _last_message(episode: Episode) -> str:
    items = [item for action in episode.actions for item in action if is_assistant_message(item)]
    return texts(items[-1]) if items else ""


def _verification(task: EquivalenceTask, found: Extraction, judged: Course, equal: str) -> Verification:
    first = judged.verdicts[0] if judged.verdicts else ("", None)
    is_equal = first[0] == "answer" and first[1] is not None and first[1].label == equal and not judged.swap_failed
    evaluations = [
        {"verdict_label": verdict.label, "judged": what, "reply": verdict.reply[:_MAX_SHOWN],
         "attempts": verdict.attempts, "tampered": list(verdict.tampered)}
        for what, verdict in judged.verdicts
    ]  # fmt: skip
    return Verification(
        judged.reward, rewards={"equivalent": float(is_equal), "format_ok": float(found.text is not None)},
        expected_answer=task.gold, extracted_answer=None if found.text is None else found.text[:_MAX_SHOWN],
        extraction=found.reason, judge_calls=len(evaluations), swap_failed=float(judged.swap_failed),
        rescued=float(judged.rescued), judge_evaluations=evaluations,
    )  # fmt: skip
