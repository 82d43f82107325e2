r"""The last `\boxed{...}` of a text, and what is wrapped around a letter inside it.

Linear in the text's length, whatever a model writes. Which letter it is, `extraction.py` says.
"""

from __future__ import annotations

import operator
import re
from itertools import accumulate

_OPENING = "\\boxed{"
_STEPS = bytes({0x7B: 1, 0x7D: 255}.get(code, 0) for code in range(256))
_WRAPPER = re.compile(
    r"\\(?:text|textbf|textit|textrm|textsf|texttt|textnormal|emph|underline|mbox|operatorname|boldsymbol|bm"
    r"|mathrm|mathbf|mathit|mathsf|mathtt|mathnormal)\{"
)
_MAX_WRAPPERS = 32


class NoBox(ValueError):
    """There is no box that can be read; the message says why."""


def last_box(text: str) -> str:
    r"""Return what stands in the last `\boxed{...}`, braces counted.

    Raises:
        NoBox: There is none, or the last one is not closed (an earlier one does not count then).

    >>> last_box(r"\boxed{A} or rather \boxed{\text{B}}")
    '\\text{B}'
    """
    start = text.rfind(_OPENING)
    if start < 0:
        raise NoBox("there is no \\boxed{}")
    start += len(_OPENING)
    # One signed byte for each character, summed in C: 5 MB of braces take a tenth of a second.
    steps = text[start:].encode("latin-1", "replace").translate(_STEPS)
    try:
        length = operator.indexOf(accumulate(memoryview(steps).cast("b"), initial=1), 0)
    except ValueError:
        raise NoBox("the last \\boxed{ is not closed") from None
    return text[start : start + length - 1]


def unwrapped(text: str) -> str:
    r"""Return the text without the `\text{...}`, `\mathbf{...}` and the like that are around the whole of it.

    >>> unwrapped(r" \textbf{ \text{B} } ")
    'B'
    """
    text = text.strip()
    for _ in range(_MAX_WRAPPERS):
        opening = _WRAPPER.match(text)
        if opening is None or not text.endswith("}"):
            break
        text = text[opening.end() : -1].strip()
    return text
