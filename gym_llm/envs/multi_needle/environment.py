"""The environment: what a row holds, the two tools, the reward and the reference solution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pydantic

from gym_llm import Episode, ResponsesEnv, Task, ToolCall, Verification, tool
from gym_llm.envs.multi_needle import tables
from gym_llm.items import Item, ModelJSONError, assistant_message, function_call, parse_model_json

MAX_SHOWN = 1000
SUBMIT, LOOK_UP = "extract_synonym_values", "get_synonym_value"


class NeedleTask(Task):
    """A table of terms in the prompt, and what is to be found in it."""

    expected_synonyms: list[str]
    expected_synonym_values: list[int] = pydantic.Field(min_length=1)
    minefield_label: str
    minefield_label_value: int


class MultiNeedle(ResponsesEnv):
    """Look up the value of every synonym of one term in a long table, and submit them in order.

    Tasks:
        `expected_synonyms` and their `expected_synonym_values`, in the table's order; `minefield_label`, the word
        in the question that is not to be looked up, and `minefield_label_value`. Rows of NeMo Gym's
        example_multi_step server load unchanged. Bundled: 6 rows made by the generator, Apache-2.0. Unlimited,
        with the knobs `num_terms`, `num_synonyms` and `distractors` (near misses of the term).
    Tools:
        `get_synonym_value(synonym)`: `{"synonym_value": ...}`, the sum of the text's Unicode code points.
        `extract_synonym_values(synonym_values)` submits: `{"success": true}`.
    Reward:
        1.0 when the values of the last submission are the expected ones, in order; otherwise 0.0. The
        verification also says `set_overlap` (share of the expected values that were submitted), `missing_values`,
        `extra_values`, `order_ok` (false when all values are there in another order) and whether the minefield
        was hit.
    Episode end:
        The first message without a call, or 32 turns. A submission does not end the episode: the last one counts.
    Known shortcuts:
        Values can be computed without the tool; `require_lookup=True` asks for the look-ups. Nothing has to be
        said after the submission.
    Version history:
        v0: first version.

    Args:
        require_lookup: Pay only when every submitted value was returned by `get_synonym_value` before.
        **settings: As for every environment: `dataset`, `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.
    """

    Task = NeedleTask
    domain = "instruction_following"
    max_turns = 32
    known_shortcuts = {"paid-calls-only": "the submission is a call, and the task asks for no message"}  # noqa: RUF012

    def __init__(self, *, require_lookup: bool = False, **settings: Any) -> None:
        super().__init__(**settings)
        self.require_lookup = require_lookup

    @tool
    def get_synonym_value(self, synonym: str) -> dict[str, int]:
        """Look up the value of a synonym.

        Args:
            synonym: The synonym, exactly as in the table.
        """
        return {"synonym_value": tables.value(synonym)}

    @tool
    def extract_synonym_values(self, synonym_values: list[int]) -> dict[str, bool]:
        """Submit the values of all synonyms.

        Args:
            synonym_values: The values, in the order of the table.
        """
        return {"success": True}

    def verify(self, task: NeedleTask, episode: Episode) -> Verification:
        """Compare the last submission with the expected values; a submission that cannot be read is empty."""
        values, looked_up, problem = _submission(episode.calls)
        expected = task.expected_synonym_values
        accuracy = values == expected
        overlap = sum(value in values for value in set(expected)) / len(expected)
        hit = task.minefield_label in values or task.minefield_label_value in values
        extra, missing = _without(values, expected), _without(expected, values)
        reward = accuracy and (looked_up or not self.require_lookup)
        return Verification(
            float(reward), parsed_synonym_values=values[:MAX_SHOWN], accuracy=accuracy, set_overlap=overlap,
            original_term_minefield_hit=hit, order_instruction_following_failure=not accuracy and overlap == 1.0,
            extra_values=extra[:MAX_SHOWN], missing_values=missing, order_ok=accuracy or bool(extra or missing),
            all_looked_up=looked_up, problem=problem,
        )  # fmt: skip

    def solve(self, task: NeedleTask) -> list[list[Item]]:
        """Look each synonym up in a turn of its own, submit, and say so."""
        look_ups = [
            [function_call(LOOK_UP, {"synonym": synonym}, f"call_{number}")]
            for number, synonym in enumerate(task.expected_synonyms)
        ]
        submit = function_call(SUBMIT, {"synonym_values": task.expected_synonym_values})
        return [*look_ups, [submit], [assistant_message("I submitted the values.")]]

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: Any) -> dict[str, Any]:
        """Make a row; see `tables.row` for the knobs."""
        return tables.row(rng, **knobs)


def _submission(calls: list[ToolCall]) -> tuple[list[Any], bool, str | None]:
    """Return the last submission's values, whether all were looked up before it, and what was wrong with it."""
    last = next((place for place in reversed(range(len(calls))) if calls[place].name == SUBMIT), None)
    if last is None:
        return [], False, "nothing was submitted"
    try:
        arguments = parse_model_json(calls[last].raw_arguments)
    except ModelJSONError as error:
        return [], False, f"the arguments are not valid JSON: {error}"
    values = arguments.get("synonym_values") if isinstance(arguments, dict) else None
    if not isinstance(values, list):
        return [], False, "the arguments have no list synonym_values"
    known = {
        tables.value(call.arguments["synonym"])
        for call in calls[:last] if call.name == LOOK_UP and call.arguments is not None and call.error is None
    }  # fmt: skip
    return values, all(isinstance(value, int | float) and value in known for value in values), None


def _without(values: list[Any], others: list[Any]) -> list[Any]:
    """Return the values that are left when each of the others is taken out once."""
    left = list(values)
    for other in others:
        if other in left:
            left.remove(other)
    return left
