"""Runs tests inside a sandbox and tells what the tested code answered. It knows no expected value.

Sent into the sandbox as text, so it imports nothing of this package. Everything here may be tampered with by the
code that is tested; what is told is compared outside, so there is nothing to gain by it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

_DEEPEST = 30


def text_of(value: Any, depth: int = 0) -> str:
    """Return a value of plain types as text; equal values have equal texts, as `==` sees them, but for True and 1.

    >>> text_of([1.0, "a", {"b": (None,)}])
    '[1, "a", {"b": (None,)}]'
    """
    if depth > _DEEPEST:
        return "..."
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, float)):
        return str(int(value)) if value == value and abs(value) != float("inf") and value == int(value) else repr(value)
    if isinstance(value, str):
        return json.dumps(str(value))
    if isinstance(value, (bytes, bytearray)):
        return repr(bytes(value))
    if isinstance(value, dict):
        pairs = sorted(f"{text_of(key, depth + 1)}: {text_of(inner, depth + 1)}" for key, inner in value.items())
        return "{" + ", ".join(pairs) + "}"
    if not isinstance(value, (list, tuple, set, frozenset)):
        return f"<{type(value).__name__}>"
    inner_texts = [text_of(inner, depth + 1) for inner in value]
    if isinstance(value, list):
        return "[" + ", ".join(inner_texts) + "]"
    if isinstance(value, tuple):
        return "(" + ", ".join(inner_texts) + ("," if len(inner_texts) == 1 else "") + ")"
    return "set{" + ", ".join(sorted(inner_texts)) + "}"


class Answers:
    """What one test has told so far."""

    def __init__(self) -> None:
        self.told: list[list[Any]] = []

    def ask(self, number: int, question: Callable[[], Any]) -> None:
        """Tell what a question comes to: its value as text, or its error: as text, then the names of its kinds.

        Nothing here says which of the two is expected.
        """
        try:
            answer: str | list[str] = text_of(question())
        except BaseException as error:  # boundary: the tested code may raise anything
            answer = [_shown(error), *(kind.__name__ for kind in type(error).__mro__)]
        self.told.append([number, answer])


def main() -> None:
    """Run the tests that stdin names, one line of JSON on stdout for each."""
    given = json.load(sys.stdin)
    out, work = os.dup(1), os.getcwd()  # noqa: PTH109
    os.dup2(2, 1)
    sys.path[:] = [path for path in sys.path if path not in ("", work)] + [work]
    _say(out, {"ready": given["token"]})
    for module in given["modules"]:
        space: dict[str, Any] = {"__name__": "tests", "__builtins__": __builtins__}
        crash = None
        try:
            exec(compile(module["code"], module["path"], "exec"), space)  # noqa: S102 (what this program is for)
        except BaseException as error:  # boundary: the tested code may raise anything
            crash = _shown(error)
        for owner, name in module["tests"]:
            _say(out, _ran(space, module["path"], owner, name, crash))
    _say(out, {"end": given["token"]})


def _ran(space: dict[str, Any], path: str, owner: str, name: str, crash: str | None) -> dict[str, Any]:
    """Run one test."""
    answers = space["_asked"] = Answers()
    if crash is None:
        try:
            test = space[owner]()
            if hasattr(test, "setUp"):
                test.setUp()
            getattr(test, name)()
        except BaseException as error:  # boundary: likewise
            crash = _shown(error)
    return {"test": f"{path}::{owner}::{name}", "told": answers.told, "crash": crash}


def _shown(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"[:500]
    except BaseException:  # boundary: an error whose text raises
        return type(error).__name__


def _say(out: int, line: dict[str, Any]) -> None:
    data = json.dumps(line).encode() + b"\n"
    while data:
        data = data[os.write(out, data) :]
