"""The environment: a row, the answer format, the reward and the reference answer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pydantic
from pydantic_core import PydanticCustomError

from gym_llm import pool
from gym_llm.core import ResponsesEnv
from gym_llm.envs.reasoning_gym import answers, sources
from gym_llm.episode import Episode, Verification
from gym_llm.errors import ConfigError, DefinitionError, did_you_mean
from gym_llm.items import Item, assistant_message, message_text
from gym_llm.tasks import Task

MAX_ANSWER = 100_000


class Generator(pydantic.BaseModel):
    """How a row was made, so that its dataset's scorer has the same configuration."""

    model_config = pydantic.ConfigDict(extra="allow", frozen=True)

    level: int | dict[str, int] | None = None
    config: dict[str, Any] = {}


class ReasoningTask(Task):
    """An entry of one of the library's datasets."""

    question: str
    answer: str | None
    metadata: dict[str, Any]
    generator: Generator = Generator()

    @property
    def name(self) -> str:
        """The dataset."""
        return str(self.metadata["source_dataset"])

    @pydantic.field_validator("metadata")
    @classmethod
    def _names_its_dataset(cls, value: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(value.get("source_dataset"), str):
            raise PydanticCustomError("metadata", "must name the dataset in source_dataset")
        return value


class ReasoningGym(ResponsesEnv):
    r"""Solve a task of any dataset of the reasoning-gym library; its own scorer judges the answer.

    Tasks:
        `question`, `answer` (null where a dataset has no oracle), and `metadata` with `source_dataset`, the
        dataset's name. `generator`: `level` and `config` of rows that were made here. Rows of NeMo Gym's
        reasoning_gym server load unchanged. Bundled: 12 entries made by the library (Apache-2.0). Unlimited: every
        dataset of the installed library, each task from a seed of 32 bits drawn for it alone, so that different
        seeds share no task. Needs the extra `reasoning-gym`.
    Tools:
        None.
    Reward:
        What the dataset's scorer gives for the answer, from 0 to 1, often with partial credit. The answer is the
        last `<answer>` element, else the last `\boxed{}`; without one it is 0, where NeMo Gym scores the whole
        text (`extraction="lenient"`). The scorer has the row's own configuration. Datasets without a scorer of
        their own pay for the exact answer only, not for a text that contains it (`substring_credit=True`);
        puzzle24 pays only for its own four numbers, game_of_life_halting not for any text, coin_flip and
        spell_backward not in full for parts, gsm_symbolic not for the wrong sign, no dataset for `nan`.
        An answer that makes a scorer raise earns 0; one that outruns
        `score_timeout` gives an error and no reward. Named rewards: `score`, the reward, and `format_ok`. The
        verification also says `task_name`, `extracted_answer`, `extraction` and `problem`.
    Episode end:
        The first message, or 4 turns.
    Known shortcuts:
        Some scorers give a little for any answer at all: 0.01 in several games, 0.05 in boxnet; time_intervals gives
        up to 0.9 for a number that is not far off. Scorers that run an
        answer as Python or sympy code get literals and arithmetic only; see `fences.py`.
    Version history:
        v0: first version.

    Args:
        dataset: A dataset's name, a mixture `{name: weight}` or `{name: {"weight": 1, "level": 0, "config": {}}}`,
            or whatever other environments take: the path of a JSONL file, rows, a selection.
        num_tasks: How many tasks a name or a mixture gives; 1000 by default.
        seed: Seed of those tasks; 0 by default.
        level: Level of the curriculum: a number for all attributes, or `{attribute: level}`.
        config: Settings of the dataset, for a single name.
        extraction: `strict`, or `lenient` to take an unmarked text for the answer.
        instruction: Whether to tell the model how to mark its answer, where the question does not.
        substring_credit: Whether the library's default scorer pays for a text that contains the answer.
        score_timeout: Seconds that a scorer may run.
        **settings: As for every environment: `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.
    """

    Task = ReasoningTask
    domain = "knowledge"
    needs = ("gym-llm[reasoning-gym]",)
    max_turns = 4
    reward_weights = {"score": 1.0, "format_ok": 0.0}  # noqa: RUF012

    def __init__(
        self, *, dataset: Any = None, num_tasks: int | None = None, seed: int | None = None, level: Any = None,
        config: dict[str, Any] | None = None, extraction: str = "strict", instruction: bool = True,
        substring_credit: bool = False, score_timeout: float = 10.0, **settings: Any,
    ) -> None:  # fmt: skip
        sources.require()
        if extraction not in ("strict", "lenient"):
            raise ConfigError(f"extraction={extraction!r}: the modes are 'strict' and 'lenient'")
        if not score_timeout > 0:
            raise ConfigError(f"score_timeout={score_timeout}: give seconds above 0")
        chosen = sources.settings(dataset, num_tasks=num_tasks, seed=seed, level=level, config=config)
        super().__init__(dataset=chosen, **settings)
        self.extraction, self.instruction = extraction, instruction
        self.substring_credit, self.score_timeout = substring_credit, score_timeout

    def begin(self, task: ReasoningTask) -> None:
        """Refuse a row that no scorer could judge, before a model is asked.

        Raises:
            ConfigError: The installed library has no such dataset.
        """
        if task.name not in sources.known():
            raise ConfigError(
                f"metadata.source_dataset={task.name!r} is none of the installed reasoning-gym's."
                f"{did_you_mean(task.name, sources.known())}"
            )

    def prompt(self, task: ReasoningTask) -> list[Item]:
        """Return the question, with how to mark the answer."""
        items = task.prompt
        text = "".join(map(message_text, items))
        if not self.instruction or "<answer>" in text or "\\boxed" in text:
            return items
        last = items[-1]
        content = last.get("content", "")
        if isinstance(content, str):
            return [*items[:-1], last | {"content": f"{content}\n\n{answers.INSTRUCTION}"}]
        return [*items[:-1], last | {"content": [*content, {"type": "input_text", "text": answers.INSTRUCTION}]}]

    async def verify(self, task: ReasoningTask, episode: Episode) -> Verification:
        """Find the answer and have the dataset's scorer judge it in a process that can be killed."""
        answer, where = answers.find(episode.last_message, whole=self.extraction == "lenient")
        score, problem = 0.0, None if answer else "no answer was given"
        if answer and len(answer) > MAX_ANSWER:
            problem = f"the answer has {len(answer)} characters, more than {MAX_ANSWER}"
        elif answer:
            entry = {"question": task.question, "answer": task.answer, "metadata": task.metadata}
            score, problem = await pool.default().acall(
                f"{sources.LIBRARY}:score", task.name, task.generator.level, task.generator.config, entry, answer,
                self.substring_credit, timeout=self.score_timeout,
            )  # fmt: skip
        bounded = min(max(score, 0.0), 1.0) if math.isfinite(score) else 0.0
        return Verification(
            rewards={"score": bounded, "format_ok": float(where in ("tag", "boxed"))}, task_name=task.name,
            extracted_answer=answer[:MAX_ANSWER] if answer is not None else None, extraction=where, problem=problem,
        )  # fmt: skip

    def solve(self, task: ReasoningTask) -> list[list[Item]]:
        """Give the entry's own answer."""
        if task.answer is None:
            raise DefinitionError(f"dataset {task.name!r} gives no reference answer")
        return [[assistant_message(f"<answer>{task.answer}</answer>")]]

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: Any) -> dict[str, Any]:
        """Make a row; see `sources.row` for the knobs."""
        made: dict[str, Any] = sources.row(rng, **knobs)
        return made
