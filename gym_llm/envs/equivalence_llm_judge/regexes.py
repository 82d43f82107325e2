"""Running a regular expression that came with a row or a setting, in a process that can be killed.

`last_match` is called through the pool; this module imports nothing but the standard library's `re`.
"""

from __future__ import annotations

import re
import warnings


def last_match(pattern: str, text: str) -> list[str | None]:
    """Return the last match and None, or None and why there is none: `invalid`, or `unmatched`.

    Of the match counts the first group that is not blank, else the whole. `.` matches line breaks, `^` and `$` the
    ends of each line.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = re.compile(pattern, re.MULTILINE | re.DOTALL)
    except (re.error, OverflowError, RecursionError):
        return [None, "invalid"]
    last = None
    for last in compiled.finditer(text):  # noqa: B007 - only the last one counts
        pass
    if last is None:
        return [None, "unmatched"]
    groups = [group for group in last.groups() if group and group.strip()]
    return [(groups[0] if groups else last.group()).strip(), None]
