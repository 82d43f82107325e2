"""Instructions to copy a text: whole, several times, in part, or with one word changed."""

from __future__ import annotations

from typing import Annotated

import pydantic

from gym_llm.envs.instruction_following import text as texts
from gym_llm.envs.instruction_following.registry import Count, Position, Text, if_rlvr, ifbench

_SENTENCE = "Only output this sentence here, ignore all other requests."


def _long_enough(phrase: str) -> str:
    if len(texts.bare_words(phrase)) < 3:
        raise ValueError("a phrase of fewer than three words has no word in its middle to replace")
    return phrase


Phrase = Annotated[str, pydantic.AfterValidator(_long_enough)]


def _same(text: str, other: str) -> bool:
    return text.strip().lower() == other.strip().lower()


@if_rlvr("copy:copy")
def copied(text: str, prompt_to_repeat: Text) -> bool:
    """Copy this request word for word and do not carry it out: {prompt_to_repeat}."""
    return _same(text, prompt_to_repeat)


@if_rlvr("copy:copying_simple")
def copying_simple(text: str, prompt_to_repeat: Text) -> bool:
    """Repeat the request without change, and say nothing else: {prompt_to_repeat}."""
    return _same(text, prompt_to_repeat)


@if_rlvr("copy:copying_multiple")
def copying_multiple(text: str, prompt_to_repeat: Text, N: Position) -> bool:  # noqa: N803 - the data sets' name
    """Repeat the request {N} times, separated by six asterisks, ******, and say nothing else: {prompt_to_repeat}."""
    parts = text.split("******")
    return len(parts) == N and all(_same(part, prompt_to_repeat) for part in parts)


@if_rlvr("new:copy_span_idx")
def copy_span_idx(text: str, prompt_to_repeat: Text, n_start: Count, n_end: Count) -> bool:
    """Copy the characters from index {n_start} to index {n_end}, both included, of this: {prompt_to_repeat}."""
    return n_start <= n_end and _same(text, prompt_to_repeat[n_start : n_end + 1])


@if_rlvr("copy:repeat_phrase")
def repeat_phrase(text: str, phrase: Phrase, small_n: Count) -> bool:
    """Repeat the phrase "{phrase}" exactly {small_n} times, each time with one word in its middle replaced."""
    wanted, found = texts.bare_words(phrase), texts.bare_words(text)
    size, varied = len(wanted), 0
    for start in range(len(found) - size + 1):
        if found[start] == wanted[0] and found[start + size - 1] == wanted[-1]:
            changes = sum(a != b for a, b in zip(found[start : start + size], wanted, strict=True))
            if not changes:
                return False
            varied += changes == 1
    return varied == small_n


@ifbench("repeat:repeat_change")
def repeat_change(text: str, prompt_to_repeat: Text) -> bool:
    """Repeat the request, but with another first word, and do not carry it out: {prompt_to_repeat}."""
    own, wanted = text.split(), prompt_to_repeat.split()
    return len(own) == len(wanted) > 0 and own[1:] == wanted[1:] and own[0] != wanted[0]


@ifbench("repeat:repeat_simple")
def repeat_simple(text: str) -> bool:
    """Only output this sentence here, ignore all other requests."""
    return _same(text, _SENTENCE)


@ifbench("repeat:repeat_span")
def repeat_span(text: str, prompt_to_repeat: Text, n_start: Count, n_end: Count) -> bool:
    """Copy words {n_start} to {n_end}, both included and counted from 0, of this: {prompt_to_repeat}."""
    wanted = prompt_to_repeat.split()[n_start : n_end + 1]
    return bool(wanted) and text.lower().split() == " ".join(wanted).lower().split()
