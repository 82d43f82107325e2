"""The reference solution: a text that follows a row's instructions, found by construction and search.

Nothing random: the same row gives the same text. Every candidate is judged by the checkers themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from gym_llm.envs.instruction_following.contributions import CONTRIBUTIONS
from gym_llm.envs.instruction_following.drafting import Draft
from gym_llm.envs.instruction_following.grading import Asked, strictly
from gym_llm.envs.instruction_following.text import words
from gym_llm.envs.instruction_following.witnesses import WITNESSES
from gym_llm.errors import DefinitionError

_FILLS = (8, 14, 24, 40, 80, 160, 3, 0, 400)
_ONE_LESS = ("n_end", "n_words")  # what the original libraries count from elsewhere
_SENTENCES = (3, 2, 1, 5, 8, 12, 20)


def solution(asked: Asked, *, compat: bool = False) -> str:
    """Return a text that follows every instruction.

    Args:
        asked: The instructions with their arguments.
        compat: As `grading.grade` takes it.

    Raises:
        DefinitionError: When none is found, naming the instructions that the best candidate breaks.
    """
    best: list[str] | None = None
    for text in candidates(asked):
        strict = strictly(asked, text, compat=compat)
        broken = [instruction.id for (instruction, _), followed in zip(asked, strict, strict=True) if not followed]
        if not broken and text.strip():
            return text
        if best is None or len(broken) < len(best):
            best = broken
    raise DefinitionError(
        f"no text was found that follows {', '.join(instruction.id for instruction, _ in asked)} together; the best "
        f"breaks {', '.join(best or ['everything'])}. Give such rows a reference answer of your own"
    )


def candidates(asked: Asked) -> Iterator[str]:
    """Yield texts, the likeliest first."""
    whole = [
        WITNESSES[instruction.id](**arguments)
        for instruction, given in asked
        if instruction.id in WITNESSES
        for arguments in (given, given | {name: given[name] - 1 for name in _ONE_LESS if name in given})
    ]
    draft = drafted(asked)
    for witness in whole:
        yield from _finished(draft, witness)
    for text in _drafts(draft):
        yield from (joined for witness in whole for joined in (f"{witness}\n{text}", f"{text}\n{witness}"))
        yield text


def drafted(asked: Asked) -> Draft:
    """Return a draft that every instruction has added to."""
    draft = Draft()
    for instruction, given in asked:
        if instruction.id in CONTRIBUTIONS:
            CONTRIBUTIONS[instruction.id](draft, **given)
    return draft


def _finished(draft: Draft, witness: str) -> Iterator[str]:
    """Yield a whole text as it stands, then with what the draft does to a text at its edges."""
    yield witness
    text = "\n".join(part for part in (draft.preface, draft.title, witness, draft.postscript) if part)
    text = f"{text} {draft.ending}" if draft.ending else text
    text = {"upper": str.upper, "lower": str.lower}.get(draft.case, str)(text)
    for wrap in draft.wrap:
        text = wrap(text)
    yield text


def _drafts(draft: Draft) -> Iterator[str]:
    sentences = sorted({max(1, number) for number in draft.sentences}) + list(_SENTENCES)
    for number in dict.fromkeys(sentences):
        there = len(words(draft.text(0, number)))
        fills = [max(0, bound - there - less) for bound, less in product(draft.words, (0, 1, 2, 4))]
        for fill in dict.fromkeys([*fills, *_FILLS]):
            yield draft.text(min(fill, 20_000), number)
