r"""Comparing two answers with math-verify; runs in a process of the pool, whose deadline is the only clock.

It is imported there alone and imports nothing of this package. math-verify's own deadlines, which rest on SIGALRM,
are off. Memory is capped for the whole process.
"""

from __future__ import annotations

import logging
import resource
from typing import Any

from math_verify import ExprExtractionConfig, LatexExtractionConfig, grader, parse, parser, verify

_MAX_BYTES = 2 << 30
_TARGETS = (LatexExtractionConfig(), ExprExtractionConfig())

parser.TIMEOUT_WARNING_SHOWN = grader.TIMEOUT_WARNING_SHOWN = True
logging.getLogger("math_verify").setLevel(logging.CRITICAL)
_, _hard = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(
    resource.RLIMIT_AS, (_MAX_BYTES if _hard == resource.RLIM_INFINITY else min(_MAX_BYTES, _hard), _hard)
)


def equal(answer: str, expected: str) -> bool:
    """Return whether two answers are mathematically equal; False when either cannot be read."""
    try:
        wanted, given = _parsed(expected), _parsed(answer)
        return bool(wanted) and bool(given) and bool(verify(wanted, given, 6, timeout_seconds=None))
    except Exception:  # boundary: a model's text may break the parser in any way; it is then no answer
        return False


def _parsed(text: str) -> list[Any]:
    return list(parse(f"\\boxed{{{text}}}", _TARGETS, parsing_timeout=None))
