"""Running a regular expression that came with a dataset row, in a process that can be killed.

`last_match` is called through the pool; this module imports nothing but the standard library's `re`.
"""

from __future__ import annotations

import re
import warnings


def last_match(pattern: str, text: str) -> list[str | None]:
    """Return the last match and None, or None and why there is none.

    The match is that of the pattern's group when it has one, else the whole. Letter case is ignored.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = re.compile(pattern, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        return [None, f"it is no valid regex: {error}"]
    if compiled.groups > 1:
        return [None, f"it has {compiled.groups} groups, where one or none is meant"]
    last = None
    for last in compiled.finditer(text):  # noqa: B007 - only the last one counts
        pass
    if last is None:
        return [None, "it does not match"]
    return [last.group(compiled.groups) or "", None]
