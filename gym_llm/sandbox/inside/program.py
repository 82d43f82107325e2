"""Runs a program as the module `__main__` of an interpreter that was forked instead of started."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
from types import ModuleType
from typing import Any

PATH = "/sandbox/program.py"
_CRASHED, _UNFLUSHED = 1, 120


def run(path: str, arguments: list[str], environment: dict[str, str]) -> int:
    """Run a file and return the exit status that `python FILE` would have had."""
    os.environ.update(environment)
    main = fresh_interpreter(path, arguments)
    status = 0
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            code = compile(file.read(), path, "exec", dont_inherit=True)
        exec(code, main.__dict__)  # noqa: S102 (what this process is for)
    except SystemExit as error:
        status = exit_status(error)
    except BaseException as error:  # boundary: told as the interpreter tells it
        status = _CRASHED
        _report(error)
    return _finished(status)


def fresh_interpreter(path: str, arguments: list[str]) -> ModuleType:
    """Return a new `__main__`, with the standard streams of this process."""
    open_streams()
    sys.argv = [path, *arguments]
    sys.path.insert(0, os.getcwd())  # noqa: PTH109
    main = ModuleType("__main__")
    main.__file__ = path
    main.__dict__["__builtins__"] = sys.modules["builtins"]
    sys.modules["__main__"] = main
    return main


def open_streams() -> None:
    """Open the standard streams anew."""
    sys.stdin, sys.stdout, sys.stderr = (
        open(0, encoding="utf-8", errors="surrogateescape", closefd=False),  # noqa: SIM115
        open(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False),  # noqa: SIM115
        open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False),  # noqa: SIM115
    )  # fmt: skip
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]


def exit_status(error: SystemExit) -> int:
    """Return the exit status that a `SystemExit` asks for; a text goes to stderr."""
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return int(error.code) & 0xFF
    with contextlib.suppress(BaseException):
        sys.stderr.write(f"{error.code}\n")
    return 1


def _report(error: BaseException) -> None:
    """Show an error without the frames of this module."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    with contextlib.suppress(BaseException):
        sys.excepthook(type(error), error.with_traceback(trace), trace)


def _finished(status: int) -> int:
    """Do what the interpreter does at its end: threads, exit functions, buffers."""
    for step in (_join_threads, atexit._run_exitfuncs):
        try:
            step()
        except SystemExit as error:
            status = exit_status(error)
        except BaseException as error:  # boundary: as at the interpreter's end
            _report(error)
    status = _flushed(status)  # before the names go that a stream of the program's own may need
    main: Any = sys.modules.get("__main__")
    with contextlib.suppress(BaseException):
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
        main.__dict__.clear()
    return _flushed(status)


def _flushed(status: int) -> int:
    for stream in (getattr(sys, "stdout", None), getattr(sys, "stderr", None)):
        try:
            if stream is not None:
                stream.flush()
        except BaseException:  # boundary: the program may have put anything there
            status = status or _UNFLUSHED
    return status


def _join_threads() -> None:
    threading._shutdown()  # type: ignore[attr-defined]
