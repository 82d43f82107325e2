"""The environment: what following is paid, and the reference answer. What each instruction asks: `instructions/`."""

from __future__ import annotations

from typing import Any

import numpy as np

from gym_llm.core import ResponsesEnv
from gym_llm.envs.instruction_following import composing, grading, solving
from gym_llm.envs.instruction_following.task import InstructionFollowingTask
from gym_llm.episode import Episode, Verification
from gym_llm.errors import ConfigError, did_you_mean
from gym_llm.items import Item, assistant_message

_MODES = ("binary", "fraction")


class InstructionFollowing(ResponsesEnv):
    """Write a text that follows instructions which a program can check.

    Tasks:
        `verifier_metadata` with `instruction_id_list`, `kwargs` (one object or null for each id; a null argument
        counts as left out), `prompt` (not read) and `grading_mode`; the four may also stand at the row's top level.
        112 instructions: the 25 of IFEval, 29 of the IF-RLVR training set and the 58 of IFBench. Rows of NeMo Gym's
        instruction_following and ifbench servers load unchanged. An unknown id, a missing argument, lists of unequal
        length and an empty list are refused when the row is loaded. Bundled: 12 rows made by the generator,
        Apache-2.0. Unlimited, with the knobs `num_instructions`, `sources` and `grading_mode`.
    Tools:
        None.
    Reward:
        `binary` (default): 1.0 when the last assistant message follows every instruction, else 0.0. `fraction`: the
        share that it follows. A blank message follows nothing. Named rewards: `follow_all` and `follow_fraction`, and
        the same two `_loose`, where an instruction also counts when it is followed without the first line, the last
        line, or asterisks. `follow_instructions` says it by id. Unlike the original libraries: keywords are whole
        words taken literally, never regexes or parts of words; nothing is random; sentences, words and languages are
        told by rules of this package, offline; IFBench's ids mean what their prompts say, where its versions differ;
        and checks that vacuous texts passed ask for something (`ratio:sentence_balance` for a sentence). `compat=True`
        brings most of the original faults back.
    Episode end:
        The first message, or 4 turns.
    Known shortcuts:
        Only the form is graded: a text about nothing is paid when it has the form, and a row of prohibitions alone
        pays almost any text. With `fraction`, a refusal or the prompt's own words earn the share that they happen to
        follow. `grading_mode="binary"` and rows with several demands close most of it.
    Version history:
        v0: first version.

    Args:
        grading_mode: Overrides the rows' own: `binary` or `fraction`.
        loose: Pay by the loose score instead of the strict one.
        compat: Check as the original libraries do, faults included, where this package differs: for comparing with
            published scores. Words and sentences are still told by this package's rules, and keywords are literal.
        **settings: As for every environment: `dataset`, `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.
    """

    Task = InstructionFollowingTask
    domain = "instruction_following"
    max_turns = 4
    reward_weights = {  # noqa: RUF012
        "follow_all": 1.0, "follow_fraction": 0.0, "follow_all_loose": 0.0, "follow_fraction_loose": 0.0,
    }  # fmt: skip
    known_shortcuts = {  # noqa: RUF012
        "paid-echo": "only the form is graded: with `fraction`, the prompt's own words follow some instructions",
        "paid-refusal": "only the form is graded: with `fraction`, a refusal keeps to what is forbidden",
        "paid-all-candidates": "only the form is graded: with `fraction`, any words follow some instructions",
    }

    def __init__(
        self, *, grading_mode: str | None = None, loose: bool = False, compat: bool = False, **settings: Any
    ) -> None:  # fmt: skip
        if grading_mode is not None and grading_mode not in _MODES:
            cure = did_you_mean(grading_mode, _MODES)
            raise ConfigError(f"grading_mode={grading_mode!r}: the modes are binary and fraction.{cure}")
        super().__init__(**settings)
        self.grading_mode, self.loose, self.compat = grading_mode, loose, compat

    def verify(self, task: InstructionFollowingTask, episode: Episode) -> Verification:
        """Check the last message against every instruction."""
        asked = task.verifier_metadata
        found = grading.grade(asked.instructions, episode.last_message, compat=self.compat)
        rewards = {
            f"follow_{kind}{ending}": float(all(followed)) if kind == "all" else sum(followed) / len(followed)
            for ending, followed in (("", found.strict), ("_loose", found.loose))
            for kind in ("all", "fraction")
        }
        mode = self.grading_mode or asked.grading_mode
        paid = ("follow_all" if mode == "binary" else "follow_fraction") + ("_loose" if self.loose else "")
        return Verification(
            rewards[paid], rewards=rewards, grading_mode=mode, problem=found.problem,
            follow_all_instructions=all(found.strict), follow_instruction_list=found.strict,
            follow_all_instructions_loose=all(found.loose), follow_instruction_list_loose=found.loose,
            follow_instructions=dict(zip(asked.names, found.strict, strict=True)),
        )  # fmt: skip

    def solve(self, task: InstructionFollowingTask) -> list[list[Item]]:
        """Write a text that follows the row's instructions; see `solving.solution` for when there is none."""
        return [[assistant_message(solving.solution(task.verifier_metadata.instructions, compat=self.compat))]]

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: Any) -> dict[str, Any]:
        """Make a row; see `composing.row` for the knobs."""
        return composing.row(rng, **knobs)
