"""The environment: what a row holds, the reward and the reference solution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pydantic
from pydantic_core import PydanticCustomError

from gym_llm import Episode, ResponsesEnv, Task, Verification
from gym_llm.envs.mrcr import conversations, matching
from gym_llm.errors import ConfigError
from gym_llm.items import Item, assistant_message


class MRCRTask(Task):
    """A conversation, the prefix that is asked for and the message that is to follow it."""

    random_string_to_prepend: str = pydantic.Field(min_length=1)
    expected_answer: str
    n_needles: int
    n_tokens: int

    @property
    def needle(self) -> str:
        """The expected message without the prefix."""
        return self.expected_answer.removeprefix(self.random_string_to_prepend)

    @pydantic.field_validator("expected_answer")
    @classmethod
    def _holds_a_message(cls, value: str, info: pydantic.ValidationInfo) -> str:
        if not value.removeprefix(info.data.get("random_string_to_prepend", "")).strip():
            raise PydanticCustomError("expected_answer", "must hold a message behind the prefix")
        return value


class MRCR(ResponsesEnv):
    """Reproduce the n-th message of its kind from a long conversation, with a prefix before it.

    Tasks:
        `expected_answer`: the prefix and the message. `random_string_to_prepend`: the prefix. `n_needles`: how
        many messages of the same kind and topic there are. `n_tokens`: how long the conversation is. Rows of NeMo
        Gym's mrcr server load unchanged; an empty prefix or message is refused. Bundled: 6 rows made by the
        generator, Apache-2.0. Unlimited, with the knobs `num_needles`, `num_messages`, `num_sentences` and
        `num_tokens` (100 000 and more), which decides how many messages there are.
    Tools:
        None.
    Reward:
        0.0 unless the last message, stripped, begins with the prefix. Otherwise how like what follows is to the
        message, 0.0 to 1.0: the ratio of `difflib.SequenceMatcher` with `autojunk=False` (the default there drops
        frequent letters of long texts and underpays small slips), and white space at both ends does not matter.
        Work is bounded: what would be matched after that counts as different, so that two texts of 30 000
        characters take seconds at most. Named rewards: `ratio`, which is the reward, `prefix_ok` and `exact`. The
        verification also says `wrong_needle`, whether another message of the conversation was reproduced instead.
    Episode end:
        The first message, or 4 turns.
    Known shortcuts:
        Any text in the same letters is a little like the message, and another message of the same kind is more
        so: the prefix alone pays nothing, the prefix and some text 0.1 to 0.5. `min_ratio` sets a floor, `exact`
        says what is right.
    Version history:
        v0: first version.

    Args:
        min_ratio: Likeness below which nothing is paid, 0 to 1; 0.6 is out of reach of unrelated text.
        **settings: As for every environment: `dataset`, `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.
    """

    Task = MRCRTask
    domain = "long_context"
    max_turns = 4
    reward_weights = {"ratio": 1.0, "prefix_ok": 0.0, "exact": 0.0}  # noqa: RUF012

    def __init__(self, *, min_ratio: float = 0.0, **settings: Any) -> None:
        if not 0 <= min_ratio <= 1:
            raise ConfigError(f"min_ratio={min_ratio}: give 0 to 1")
        super().__init__(**settings)
        self.min_ratio = min_ratio

    def verify(self, task: MRCRTask, episode: Episode) -> Verification:
        """Look for the prefix, then measure how like the rest is to the expected message."""
        text, prefix = episode.last_message.strip(), task.random_string_to_prepend.strip()
        prefixed = text.startswith(prefix)
        said, needle = text.removeprefix(prefix).strip() if prefixed else "", task.needle.strip()
        ratio, whole = matching.ratio(said, needle)
        rewards = {"ratio": ratio, "prefix_ok": float(prefixed), "exact": float(said == needle)}
        return Verification(
            ratio if ratio >= self.min_ratio else 0.0, rewards=rewards, n_needles=task.n_needles,
            n_tokens=task.n_tokens, length_ratio=len(said) / len(needle), compared_whole=whole,
            wrong_needle=said != needle and said in _others(task),
        )  # fmt: skip

    def solve(self, task: MRCRTask) -> list[list[Item]]:
        """Say the prefix and the message."""
        return [[assistant_message(task.random_string_to_prepend + task.needle)]]

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: Any) -> dict[str, Any]:
        """Make a row; see `conversations.row` for the knobs."""
        return conversations.row(rng, **knobs)


def _others(task: MRCRTask) -> set[str]:
    """Return the conversation's earlier messages of the assistant's."""
    said = (item.get("content") for item in task.prompt if item.get("role") == "assistant")
    return {text.strip() for text in said if isinstance(text, str)}
