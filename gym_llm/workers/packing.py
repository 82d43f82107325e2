"""What travels to a process that shares nothing with this one: functions by value, modules by name."""

from __future__ import annotations

import importlib
import io
import sys
import types
from typing import Any

import dill  # type: ignore[import-untyped]


def packed(value: Any) -> bytes:
    """Return a pickle by dill; lambdas, closures and what the program itself defines are in it.

    Modules that a function uses are imported there: dill would send what they hold.
    """
    buffer = io.BytesIO()
    pickler = dill.Pickler(buffer, dill.settings["protocol"], recurse=True)
    pickler.dispatch = type(pickler.dispatch)(pickler.dispatch)
    pickler.dispatch[types.ModuleType] = _save_module
    pickler.dump(value)
    return buffer.getvalue()


def _save_module(pickler: Any, module: types.ModuleType) -> None:
    if module.__name__ != "__main__" and sys.modules.get(module.__name__) is module:
        pickler.save_reduce(importlib.import_module, (module.__name__,), obj=module)
    else:
        dill.Pickler.dispatch[types.ModuleType](pickler, module)
