"""The entry of a worker that another interpreter runs: `python -m gym_llm.workers.main SOCKET PAGE PARENT`.

First come the folder of the driver's program, searched last for modules, and the factory of the handler.
"""

from __future__ import annotations

import socket
import sys
from typing import Any

import dill  # type: ignore[import-untyped]

from gym_llm.workers.page import Page
from gym_llm.workers.serve import serve


def main() -> None:
    """Read the handler's factory from the socket, and serve."""
    fd, page, parent = map(int, sys.argv[1:4])
    sock = socket.socket(fileno=fd)
    sys.path += _value(sock)
    serve(sock, Page(page), _value(sock), parent)


def _value(sock: socket.socket) -> Any:
    size = int.from_bytes(_exactly(sock, 4), "little")
    return dill.loads(_exactly(sock, size))  # noqa: S301 - the driver is trusted


def _exactly(sock: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        part = sock.recv(min(size, 1 << 20))
        if not part:
            sys.exit(0)
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


if __name__ == "__main__":
    main()
