"""The environment: how the final message is graded, and the reference answer. A row is `task.py`."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gym_llm import pool
from gym_llm.core import ResponsesEnv
from gym_llm.envs.mcqa import extraction, questions, shuffling
from gym_llm.envs.mcqa.extraction import Extraction
from gym_llm.envs.mcqa.task import MCQATask
from gym_llm.episode import Episode, Verification
from gym_llm.errors import ConfigError, PoolTimeout, did_you_mean
from gym_llm.items import Item, assistant_message


@dataclass(frozen=True, slots=True)
class Question:
    """What an episode asks: a task, its options perhaps in another order."""

    prompt: list[Item]
    options: dict[str, str]
    gold: str
    order: dict[str, str] | None = None


class MCQA(ResponsesEnv):
    r"""Answer a multiple-choice question with the letter of an option.

    Tasks:
        `options`: a list of `{letter: text}`, null for an option that is absent. `expected_answer`: the letter of
        one of them. `grading_mode`: how the answer is written, `strict_single_letter_boxed` (default),
        `lenient_boxed` or `lenient_answer_colon`. `template_metadata.output_regex`: a regex or a list, tried
        before the grading mode; a list of options may be missing then. Rows of NeMo Gym's mcqa server load
        unchanged. Bundled: 12 questions written for this package, Apache-2.0. Unlimited: sums, capitals and
        chemical elements, with the knobs `num_options`, `kind` and `grading_mode`.
    Tools:
        None.
    Reward:
        1.0 when the letter found in the last assistant message is the expected one, else 0.0. Named rewards:
        `correct`, which is the reward, and `format_ok`, whether any option's letter was found. A row's regexes
        come first: the last match of the first one that names an option. A regex that is invalid, has several
        groups, or runs longer than `regex_timeout` seconds names none. Then the grading mode: the last
        `\boxed{}` must hold a letter (also inside `\text{}`, `\mathbf{}` and their like), or in the lenient mode
        name exactly one option's text; or the last `Answer:` line that names an option counts.
    Episode end:
        The first message, or 4 turns.
    Known shortcuts:
        A letter at random is right once in as many times as there are options. The last answer counts, so a
        text with several `Answer:` lines is paid when its last option is the expected one.
    Version history:
        v0: first version.

    Args:
        grading_mode: Overrides the rows' own; `lenient_answer_colon_md` (markdown around the answer, ambiguous
            answers refused) can only be chosen here.
        shuffle_options: Puts the options into another order at each reset, by the reset's seed. The options must
            stand on lines of their own in the prompt. Options that speak of each other stay in order.
        regex_timeout: Seconds that one of a row's regexes may run.
        **settings: As for every environment: `dataset`, `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.
    """

    Task = MCQATask
    domain = "knowledge"
    max_turns = 4
    reward_weights = {"correct": 1.0, "format_ok": 0.0}  # noqa: RUF012
    known_shortcuts = {  # noqa: RUF012
        "paid-all-candidates": "the last answer counts, so naming every option pays when the last one is right"
    }

    def __init__(
        self, *, grading_mode: str | None = None, shuffle_options: bool = False, regex_timeout: float = 1.0,
        **settings: Any,
    ) -> None:  # fmt: skip
        if grading_mode is not None and grading_mode not in extraction.MODES:
            known = ", ".join(extraction.MODES)
            cure = did_you_mean(grading_mode, extraction.MODES)
            raise ConfigError(f"grading_mode={grading_mode!r}: the modes are {known}.{cure}")
        super().__init__(**settings)
        self.grading_mode, self.shuffle_options, self.regex_timeout = grading_mode, shuffle_options, regex_timeout
        self._asked: tuple[MCQATask, Question] | None = None

    def begin(self, task: MCQATask) -> None:
        """Put the options into the order that this episode shows."""
        plain = Question(task.prompt, task.choices, task.gold)
        self._asked = task, _shuffled(task, self.np_random) if self.shuffle_options else plain

    def question(self, task: MCQATask) -> Question:
        """Return what is asked: in the current episode's order when the task is the current one."""
        if self._asked is not None and self._asked[0] is task:
            return self._asked[1]
        return Question(task.prompt, task.choices, task.gold)

    def prompt(self, task: MCQATask) -> list[Item]:
        """Return the question."""
        return self.question(task).prompt

    def verify(self, task: MCQATask, episode: Episode) -> Verification | Awaitable[Verification]:
        """Find a letter in the last message and compare it with the expected one; awaits a row's regexes only."""
        text = episode.last_message.strip()
        return self._tried(task, text) if text and task.regexes else self._graded(task, self._extracted(task, text))

    def solve(self, task: MCQATask) -> list[list[Item]]:
        """Answer with the expected letter."""
        mode, gold = self.grading_mode or task.grading_mode, self.question(task).gold
        colon = mode.startswith("lenient_answer_colon")
        return [[assistant_message(f"Answer: {gold}" if colon else f"The answer is \\boxed{{{gold}}}")]]

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: Any) -> dict[str, Any]:
        """Make a row; see `questions.question` for the knobs."""
        return questions.question(rng, **knobs)

    def _extracted(self, task: MCQATask, text: str) -> Extraction:
        return extraction.extract(self.grading_mode or task.grading_mode, text, self.question(task).options)

    def _graded(self, task: MCQATask, found: Extraction) -> Verification:
        question = self.question(task)
        rewards = {"correct": float(found.letter == question.gold), "format_ok": float(found.letter is not None)}
        fields: dict[str, Any] = {"option_order": question.order} if question.order else {}
        return Verification(
            rewards=rewards, expected_answer=question.gold, extracted_answer=found.letter, extraction=found.kind,
            reason=found.reason, grading_mode=self.grading_mode or task.grading_mode, **fields,
        )  # fmt: skip

    async def _tried(self, task: MCQATask, text: str) -> Verification:
        """Grade by the row's regexes, then by the grading mode."""
        problems = []
        for number, regex in enumerate(task.regexes, start=1):
            match, problem = await self._searched(regex, text)
            if match and (found := extraction.custom(match, self.question(task).options)):
                return self._graded(task, found)
            problems.append(f"regex {number}: {problem or 'it matches no option'}")
        found = self._extracted(task, text)
        return self._graded(task, replace(found, reason="; ".join([*problems, found.reason])))

    async def _searched(self, regex: str, text: str) -> tuple[str | None, str | None]:
        """Return a regex's last match, or why there is none."""
        try:
            match, problem = await pool.default().acall(
                "gym_llm.envs.mcqa.regexes:last_match", regex, text, timeout=self.regex_timeout
            )
        except PoolTimeout:
            return None, f"it ran longer than {self.regex_timeout:g} seconds"
        return match, problem


def _shuffled(task: MCQATask, rng: np.random.Generator) -> Question:
    order = shuffling.drawn(rng, task.choices)
    options = {letter: task.choices[old] for letter, old in order.items()}
    gold = next((letter for letter, old in order.items() if old == task.gold), task.gold)
    return Question(shuffling.rewritten(task.prompt, task.choices, order), options, gold, order)
