"""Procedural rows: instructions that can be followed together, and the prompt that asks for them.

That a set is compatible is proved, not looked up: `solving` has to find a text that follows it, or another is drawn.
Instructions that say the same of a text twice are kept apart by `EXCLUSIVE`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gym_llm.envs.instruction_following import arguments, grading, solving
from gym_llm.envs.instruction_following import instructions as _declared  # noqa: F401 - fills the registry
from gym_llm.envs.instruction_following.contributions import CONTRIBUTIONS
from gym_llm.envs.instruction_following.registry import IF_RLVR, IFBENCH, IFEVAL, INSTRUCTIONS, Instruction
from gym_llm.envs.instruction_following.witnesses import WITNESSES
from gym_llm.errors import ConfigError, DefinitionError
from gym_llm.items import message

_SOURCES = {"ifeval": IFEVAL, "if_rlvr": IF_RLVR, "ifbench": IFBENCH}
_ATTEMPTS = 200
_REFUSAL = "I am sorry, but I cannot help with that."
EXCLUSIVE = (
    {"change_case:english_capital", "change_case:english_lowercase", "format:title_case", "language:response_language",
     "change_case:capital_word_frequency", "count:lowercase_counting"},
    {"length_constraints:number_paragraphs", "paragraphs:paragraphs", "paragraphs:paragraphs2",
     "length_constraints:nth_paragraph_first_word"},
    {"length_constraints:number_words", "count:word_count_range", "letters:letter_counting"},
    {"first_word:first_word_sent", "first_word:first_word_answer", "combination:repeat_prompt", "words:start_verb",
     "detectable_format:constrained_response"},
    {"last_word:last_word_sent", "last_word:last_word_answer", "startend:end_checker",
     "detectable_content:postscript"},
    {"keywords:letter_frequency", "letters:letter_counting2"},
    {"keywords:keyword_specific_position", "words:keywords_specific_position", "sentence:keyword"},
    {"detectable_format:json_format", "combination:two_responses", "startend:quotation"},
)  # fmt: skip
"""Of each set at most one instruction is drawn."""

_Asked = list[tuple[Instruction, dict[str, Any]]]


def row(
    rng: np.random.Generator, *, num_instructions: int | None = None, sources: str = "ifeval,if_rlvr,ifbench",
    grading_mode: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return a row.

    Args:
        rng: Source of randomness.
        num_instructions: 1 to 5; drawn from 1 to 4 when left out. Of the instructions that settle a whole text
            there is never more than one, and then nothing else.
        sources: Which of `ifeval`, `if_rlvr` and `ifbench`, separated by commas.
        grading_mode: `binary` or `fraction`; drawn when left out.

    Raises:
        ConfigError: For a knob out of range.
    """
    number = num_instructions or int(rng.integers(1, 5))
    named = [name.strip() for name in sources.split(",")]
    if not 1 <= number <= 5 or grading_mode not in (None, "binary", "fraction") or not set(named) <= _SOURCES.keys():
        raise ConfigError(
            f"num_instructions={num_instructions}, sources={sources!r}, grading_mode={grading_mode!r}: give 1 to 5, "
            f"some of {', '.join(_SOURCES)}, and binary or fraction"
        )
    pool = [found for found in INSTRUCTIONS.values() if found.source in {_SOURCES[name] for name in named}]
    for _ in range(_ATTEMPTS):
        if asked := _drawn(rng, pool, number):
            topic = arguments.TOPICS[int(rng.integers(len(arguments.TOPICS)))]
            mode = grading_mode or ("binary", "fraction")[int(rng.integers(2))]
            prompt = _prompt(rng, topic, asked)
            if not any(all(grading.grade(asked, text).strict) for text in (prompt, _REFUSAL)):
                return _row(int(rng.integers(1 << 31)), prompt, asked, mode)
    raise DefinitionError(f"no set of {number} instructions was found in {_ATTEMPTS} attempts")


def _drawn(rng: np.random.Generator, pool: list[Instruction], number: int) -> _Asked | None:
    """Return instructions with arguments that one text can follow, or None for a draw that came to nothing."""
    together = [found for found in pool if number == 1 or found.id in CONTRIBUTIONS]
    if len(together) < number:
        return None
    chosen = [together[int(place)] for place in rng.choice(len(together), size=number, replace=False)]
    ids = {found.id for found in chosen}
    if any(len(ids & group) > 1 for group in EXCLUSIVE):
        return None
    asked = []
    for found in chosen:
        given = arguments.drawn(rng, found.id, list(found.model.model_fields))
        asked.append((found, found.arguments(given)))
    try:
        solving.solution(asked)
    except DefinitionError:
        return None
    return asked


def _prompt(rng: np.random.Generator, topic: str, asked: _Asked) -> str:
    lines = [found.describe(given) for found, given in asked]
    if any(found.id in WITNESSES for found, _ in asked):
        return "\n".join(lines)
    opening = ("Write about {}.", "Please write a text on this: {}.", "I would like to read something about {}.")
    return opening[int(rng.integers(len(opening)))].format(topic) + "\n" + "\n".join(f"- {line}" for line in lines)


def _row(number: int, prompt: str, asked: _Asked, grading_mode: str) -> dict[str, Any]:
    return {
        "id": number,
        "responses_create_params": {"input": [message(prompt)]},
        "verifier_metadata": {
            "instruction_id_list": [found.id for found, _ in asked],
            "kwargs": [given for _, given in asked],
            "prompt": prompt,
            "grading_mode": grading_mode,
        },
    }
