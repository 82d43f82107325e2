"""The limits of one process, by `setrlimit`. Also a script that sets them and executes a command.

It imports nothing of this package, so that it runs where the package is not.
"""

from __future__ import annotations

import json
import math
import os
import resource
import sys
from typing import Any

_NO_END = 1 << 62
_AN_AGE = 1 << 30  # seconds; the kernel counts them as nanoseconds, which have no room for many more
_UNSWAPPABLE = 64 << 10
_MAIN_STACK = 64 << 20
_NO_CORE = 1  # too small for a file, and the kernel's sign to start no program for it either, which 0 is not


def limit(limits: dict[str, Any], others: int | None) -> None:
    """Set the limits of a program's first process; they are inherited and cannot be raised.

    Args:
        limits: The run's limits.
        others: How many processes of the same user there are beside it; None sets no limit on processes, where
            the whole machine would count.
    """
    cpu = math.ceil(min(limits["cpu"], _AN_AGE))
    for which, most in {
        resource.RLIMIT_CPU: cpu,
        resource.RLIMIT_AS: limits["address_space"],
        resource.RLIMIT_FSIZE: limits["file_size"],
        resource.RLIMIT_NOFILE: limits["open_files"],
        **({} if others is None else {resource.RLIMIT_NPROC: limits["processes"] + others}),
        resource.RLIMIT_STACK: _MAIN_STACK,
        resource.RLIMIT_CORE: _NO_CORE,
        resource.RLIMIT_MEMLOCK: _UNSWAPPABLE,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_SIGPENDING: 256,
    }.items():
        ceiling = resource.getrlimit(which)[1]
        cap = int(min(most, _NO_END if ceiling == resource.RLIM_INFINITY else ceiling))
        resource.setrlimit(which, (cap, cap))


if __name__ == "__main__":
    limit(json.loads(sys.argv[1]), None)
    try:
        os.execvp(sys.argv[2], sys.argv[2:])
    except OSError as error:
        sys.stderr.write(f"{sys.argv[2]}: {error.strerror}\n")
        sys.exit(127 if isinstance(error, FileNotFoundError) else 126)
