"""The worker's script: answers calls until its parent is gone.

Run by path in a fresh interpreter, it imports the standard library only and nothing of its package, so that it
starts in some 20 ms. Its parent's side is `process.py`.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, BinaryIO

MAX_REPLY = 1 << 28
_PR_SET_PDEATHSIG, _SIGKILL = 1, 9


def main(descriptor: int, parent: int) -> None:
    """Answer the frames on a socket: first the module search path, then functions to load, or calls."""
    os.set_inheritable(descriptor, False)
    die_with_parent(parent)
    channel = open(descriptor, "r+b", buffering=0)  # noqa: SIM115 - a descriptor, held to the end
    sys.path[:] = json.loads(read_frame(channel))
    functions: dict[str, Callable[..., Any]] = {}
    while True:
        request = json.loads(read_frame(channel))
        try:
            reply = [True, answer(request, functions)]
            data = json.dumps(reply, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
            if len(data) > MAX_REPLY:
                raise ValueError(f"the result has {len(data)} bytes of JSON, more than {MAX_REPLY}")
        except BaseException as error:  # boundary: told to the parent as text
            data = json.dumps([False, *described(error)]).encode("utf-8", "replace")
        write_frame(channel, data)


def answer(request: Any, functions: dict[str, Callable[..., Any]]) -> Any:
    """Load the function that a text names, or call one with its arguments."""
    if isinstance(request, str):
        functions[request] = load(request)
        return None
    name, arguments = request
    return functions[name](*arguments)


def load(name: str) -> Callable[..., Any]:
    """Return the function `"package.module:function"`, its module loaded without its packages if it can be."""
    module_name, _, path = name.partition(":")
    try:
        found: Any = sys.modules.get(module_name) or alone(module_name)
    except ImportError:
        sys.modules.pop(module_name, None)
        found = importlib.import_module(module_name)
    for part in path.split("."):
        found = getattr(found, part)
    if not callable(found):
        raise TypeError(f"{name} is no function: name it 'package.module:function'")
    return found  # type: ignore[no-any-return]


def alone(name: str) -> ModuleType:
    """Import a module without running the `__init__` of the packages that it is in.

    Raises:
        ImportError: It cannot be found or imported that way.
    """
    search: Any = None
    spec = None
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        spec = found_spec(".".join(parts[:depth]), search)
        search = spec.submodule_search_locations
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def found_spec(name: str, search: Any) -> Any:
    """Ask the import system's finders where a module is."""
    for finder in sys.meta_path:
        spec = finder.find_spec(name, search)
        if spec is not None:
            return spec
    raise ImportError(f"no module named {name!r}")


def described(error: BaseException) -> list[str]:
    """Return an exception's type, text and traceback."""
    import traceback  # 5 ms of start-up that only failures need

    try:
        text = str(error)
    except BaseException:  # boundary: an exception that cannot even say what it is
        text = "(no text)"
    return [type(error).__name__, text[:10_000], "".join(traceback.format_tb(error.__traceback__))[-10_000:]]


def die_with_parent(parent: int) -> None:
    """Ask Linux to kill this process when the thread that started it ends; elsewhere the socket's end does it."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def read_frame(channel: BinaryIO) -> bytearray:
    """Read one frame; leave when the parent is gone."""
    return read_exactly(channel, int.from_bytes(read_exactly(channel, 8), "big"))


def read_exactly(channel: BinaryIO, size: int) -> bytearray:
    """Read so many bytes; leave when the parent is gone."""
    data = bytearray(size)
    view, have = memoryview(data), 0
    while have < size:
        count = channel.readinto(view[have:])  # type: ignore[attr-defined]
        if not count:
            os._exit(0)
        have += count
    return data


def write_frame(channel: BinaryIO, data: bytes) -> None:
    """Write one frame; leave when the parent is gone."""
    view = memoryview(len(data).to_bytes(8, "big") + data)
    try:
        while view:
            view = view[channel.write(view) :]
    except OSError:
        os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
