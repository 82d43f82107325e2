"""Token data of an episode: does each prompt begin with the tokens seen so far?

A trainer that lays the turns of an episode end to end needs that. It fails when a chat template rewrites the past,
as by leaving out earlier reasoning, or when text is tokenized anew. Nothing is repaired here, it is only found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from gym_llm.items import Item


def prefix_breaks(actions: Iterable[Sequence[Item]]) -> list[dict[str, int]] | None:
    """Return where prompts do not begin with the prompt and generation before them.

    Args:
        actions: The items of each turn's action. Turns without token data are passed over.

    Returns:
        For each break `turn` (from 0), `position` (of the first token that differs, or where the prompt ends) and
        `seen` (how many tokens it should begin with); None when no turn has token data.

    >>> turn = {"prompt_token_ids": [1, 2], "generation_token_ids": [3]}
    >>> prefix_breaks([[turn], [{"prompt_token_ids": [1, 2, 9, 4], "generation_token_ids": []}]])
    [{'turn': 1, 'position': 2, 'seen': 3}]
    """
    breaks: list[dict[str, int]] | None = None
    seen: list[int] = []
    for turn, action in enumerate(actions):
        data = _token_data(action)
        if data is None:
            continue
        prompt, generated = data
        breaks = [] if breaks is None else breaks
        if prompt[: len(seen)] != seen:
            breaks.append({"turn": turn, "position": _first_difference(prompt, seen), "seen": len(seen)})
        seen = [*prompt, *generated]
    return breaks


def _token_data(action: Sequence[Item]) -> tuple[list[int], list[int]] | None:
    """Return the prompt and generated ids of a model call; they stand on one of its items, mostly the last."""
    for item in reversed(action):
        prompt: Any = item.get("prompt_token_ids")
        generated: Any = item.get("generation_token_ids")
        if prompt is not None and generated is not None:
            return prompt, generated
    return None


def _first_difference(prompt: list[int], seen: list[int]) -> int:
    pairs = enumerate(zip(prompt, seen, strict=False))
    return next((place for place, (now, before) in pairs if now != before), min(len(prompt), len(seen)))
