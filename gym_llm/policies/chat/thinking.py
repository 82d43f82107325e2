"""Reasoning written into text: `<think>` blocks cut out and put back, character by character.

Whitespace stays where it is, on either side, so that what is cut out and put back is the same text.
"""

from __future__ import annotations

from collections.abc import Iterable

OPEN, CLOSE = "<think>", "</think>"


def split_thinking(text: str, opened: bool = False) -> tuple[list[str], str]:
    r"""Return the blocks of a text and what remains without them.

    A block that is never closed reaches to the end: the generation was cut off inside it.

    Args:
        text: What the model wrote.
        opened: Whether the text begins inside a block, because the chat template wrote the opening tag.

    >>> split_thinking("<think>Two words.</think>\n\nHello there")
    (['Two words.'], '\n\nHello there')
    >>> split_thinking("Two words.</think>Hello there", opened=True)
    (['Two words.'], 'Hello there')
    >>> split_thinking("<think>Two wo")
    (['Two wo'], '')
    """
    if opened and not text.startswith(OPEN):
        text = OPEN + text
    start = text.find(OPEN)
    if start < 0:
        return [], text
    thoughts: list[str] = []
    rest: list[str] = []
    place = 0
    while start >= 0:
        rest.append(text[place:start])
        stop = text.find(CLOSE, start)
        if stop < 0:
            return [*thoughts, text[start + len(OPEN) :]], "".join(rest)
        thoughts.append(text[start + len(OPEN) : stop])
        place = stop + len(CLOSE)
        start = text.find(OPEN, place)
    rest.append(text[place:])
    return thoughts, "".join(rest)


def with_thinking(thoughts: Iterable[str], text: str) -> str:
    """Return a text with its blocks before it.

    >>> with_thinking(["Two words."], "Hello there")
    '<think>Two words.</think>Hello there'
    """
    return "".join(f"{OPEN}{thought}{CLOSE}" for thought in thoughts) + text
