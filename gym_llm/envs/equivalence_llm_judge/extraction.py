"""The part of a text that a regex names: the question in the prompt, the answer in the message."""

from __future__ import annotations

from dataclasses import dataclass

from gym_llm import pool
from gym_llm.errors import PoolTimeout

_FUNCTION = "gym_llm.envs.equivalence_llm_judge.regexes:last_match"


@dataclass(frozen=True, slots=True)
class Extraction:
    """What a regex found.

    Attributes:
        text: The part, or None when there is none.
        reason: How it was found, or why not.
    """

    text: str | None
    reason: str


async def extract(regex: str | None, text: str, timeout: float) -> Extraction:
    """Return the part of a text that a regex's last match names; the whole text for no regex, or an invalid one.

    Args:
        regex: The regex.
        text: The text.
        timeout: Seconds that it may run; then it names nothing.
    """
    if not text.strip():
        return Extraction(None, "the message is empty")
    if regex is None:
        return Extraction(text, "the whole message")
    try:
        match, problem = await pool.default().acall(_FUNCTION, regex, text, timeout=timeout)
    except PoolTimeout:
        return Extraction(None, f"the regex ran longer than {timeout:g} seconds")
    if problem == "invalid":
        return Extraction(text, "the whole message: the regex is invalid")
    if not match:
        return Extraction(None, "the regex does not match" if problem else "the regex matches nothing but white space")
    return Extraction(match, "the last match of the regex")
