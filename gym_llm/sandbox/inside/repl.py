"""A Python session: code comes as frames over a descriptor of its own, runs in one module's namespace, is answered.

What the code prints goes to stdout and stderr as usual. Frames are four bytes of length, then JSON; a session can
lie in them about nothing but itself.
"""

from __future__ import annotations

import ast
import json
import linecache
import os
import sys
import traceback
from typing import Any

from gym_llm.sandbox.inside.program import fresh_interpreter, open_streams

_MOST_TEXT = 100_000
_CUT = "... (cut, {} characters in all)"


def serve(reading: int, writing: int) -> int:
    """Answer until the other end closes; returns the exit status."""
    main = fresh_interpreter("", [])
    del main.__file__
    number = 0
    while True:
        request = _receive(reading)
        if request is None:
            return 0
        number += 1
        reply = execute(request["code"], main.__dict__, f"<cell {number}>")
        reply["id"] = request["id"]
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except BaseException:  # boundary: the code may have put anything there
            open_streams()
        _send(writing, reply)


def execute(source: str, names: dict[str, Any], filename: str) -> dict[str, Any]:
    """Run code; returns the text of its last expression's value, if it has one, and the traceback, if it failed."""
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    try:
        tree = ast.parse(source, filename)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, filename, "exec", dont_inherit=True), names)  # noqa: S102 (what this process is for)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), filename, "eval", dont_inherit=True), names)  # noqa: S307
            if value is not None:
                names["_"] = value
                return {"result": _cut(repr(value)), "error": None}
    except BaseException as error:  # boundary: a session outlives its errors, SystemExit and interrupts too
        return {"result": None, "error": _told(error)}
    return {"result": None, "error": None}


def _told(error: BaseException) -> str:
    """Return a traceback that begins with the session's own code."""
    trace = error.__traceback__
    while trace is not None and not trace.tb_frame.f_code.co_filename.startswith("<cell "):
        trace = trace.tb_next
    try:
        return _cut("".join(traceback.format_exception(type(error), error.with_traceback(trace), trace)))
    except BaseException as worse:  # boundary: an exception may be made so that it cannot be shown
        return f"{type(error).__name__} (its text raised {type(worse).__name__})\n"


def _cut(text: str) -> str:
    text = str.encode(text, "utf-8", "backslashreplace").decode()
    return text if len(text) <= _MOST_TEXT else text[:_MOST_TEXT] + _CUT.format(len(text))


def _receive(fd: int) -> dict[str, Any] | None:
    head = _read(fd, 4)
    body = _read(fd, int.from_bytes(head, "little")) if head else b""
    return json.loads(body) if body else None


def _read(fd: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = os.read(fd, size - len(data))
        if not more:
            return b""
        data += more
    return data


def _send(fd: int, reply: dict[str, Any]) -> None:
    body = json.dumps(reply).encode()
    data = len(body).to_bytes(4, "little") + body
    while data:
        data = data[os.write(fd, data) :]
