r"""Finding the answer in a model's text: the last `<answer>` element, else the last `\boxed{}`. Linear in its length.

It judges no answer.
"""

from __future__ import annotations

INSTRUCTION = (
    "Your reply must end with </answer>. Put your final answer, and nothing else, between an opening <answer> and that."
)
_OPEN, _CLOSE, _BOX = "<answer>", "</answer>", "\\boxed{"


def find(text: str, *, whole: bool = False) -> tuple[str | None, str]:
    r"""Return the answer and where it was found: `tag`, `boxed`, `text` or `none`.

    Args:
        text: What the model said.
        whole: Take the whole text for the answer when nothing is marked.

    >>> find(r"<answer>3</answer> or <answer> 4 </answer>")
    ('4', 'tag')
    >>> find(r"So \boxed{\frac{1}{2}}.")
    ('\\frac{1}{2}', 'boxed')
    >>> find("4")
    (None, 'none')
    """
    end = text.rfind(_CLOSE)
    start = text.rfind(_OPEN, 0, end) if end >= 0 else -1
    if start >= 0:
        return text[start + len(_OPEN) : end].strip(), "tag"
    if (content := _last_box(text)) is not None:
        return content.strip(), "boxed"
    return (text.strip(), "text") if whole else (None, "none")


def _last_box(text: str) -> str | None:
    """Return what the last box holds, its braces balanced; None without one that is closed."""
    start = text.rfind(_BOX)
    if start < 0:
        return None
    start += len(_BOX)
    depth = 1
    for place in range(start, len(text)):
        depth += (text[place] == "{") - (text[place] == "}")
        if depth == 0:
            return text[start:place]
    return None
