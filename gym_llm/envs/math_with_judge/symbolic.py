r"""Comparing two answers with math-verify; runs in a process of the pool, whose deadline is the only clock.

It is imported there alone and imports nothing of this package. math-verify's own deadlines, which rest on SIGALRM,
are off. Memory is capped while a comparison runs.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator, Sequence
from typing import Any

from math_verify import ExprExtractionConfig, LatexExtractionConfig, grader, parse, parser, verify

MAX_BYTES = 2 << 30
_PRECISION = 6
_MAX_SHOWN = 2000
_HARMLESS = ("17", "\\frac{1}{2}", "x")
_PERCENT = re.compile(r"(?:\\boxed\{)?\s*([+-]?\d{1,30}(?:\.\d{1,30})?)\s*\\?%\s*\}?")

parser.TIMEOUT_WARNING_SHOWN = grader.TIMEOUT_WARNING_SHOWN = True
logging.getLogger("math_verify").setLevel(logging.CRITICAL)


def compared(gold: str, answer: str, boxed: bool) -> dict[str, Any]:
    """Compare an answer with the expected one.

    Args:
        gold: The expected answer.
        answer: The answer, or a text that holds one.
        boxed: Whether it is the content of a box.

    Returns:
        `readable`: whether the expected answer is mathematics; `equal`; `extracted`: the answer as it was read.
    """
    with _capped():
        wanted = _parsed(f"\\boxed{{{gold}}}", (LatexExtractionConfig(),))
        if not wanted:
            return {"readable": False, "equal": False, "extracted": None}
        try:
            read = _parsed(
                f"\\boxed{{{answer}}}" if boxed else answer, (ExprExtractionConfig(), LatexExtractionConfig())
            )
            equal = bool(read) and bool(verify(wanted, read, _PRECISION, timeout_seconds=None))
            extracted = str(read[0])[:_MAX_SHOWN] if read else None
        except Exception:  # boundary: a model's text may break the parser in any way; it is then no answer
            return {"readable": True, "equal": False, "extracted": None}
    return {"readable": True, "equal": equal, "extracted": extracted}


def compared_with_numbers(gold: str) -> None:
    """Compare an expected answer with numbers that do no harm, to see whether it can be compared at all."""
    with _capped():
        wanted = _parsed(f"\\boxed{{{gold}}}", (LatexExtractionConfig(),))
        for number in _HARMLESS:
            verify(
                wanted, _parsed(f"\\boxed{{{number}}}", (LatexExtractionConfig(),)), _PRECISION, timeout_seconds=None
            )


def _parsed(text: str, targets: Sequence[Any]) -> list[Any]:
    percent = _PERCENT.fullmatch(text)
    if percent:  # some releases of the LaTeX parser fail on every percentage
        text, targets = f"{percent[1]}%", (ExprExtractionConfig(),)
    return list(parse(text, targets, parsing_timeout=None))


@contextlib.contextmanager
def _capped() -> Iterator[None]:
    """Let this process have no more than so much memory: powers of powers become errors, not a full machine."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    cap = MAX_BYTES if hard == resource.RLIM_INFINITY else min(MAX_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_AS, (cap, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
