"""Runs `solution.py` as the main module. Sent into the sandbox; knows nothing of the expected output."""

import sys


def main() -> None:
    """Prepare the main module as if this had never been, and run the program in it."""
    system, scope, run = sys, sys.modules["__main__"].__dict__, exec
    with open("prelude.py", "rb") as file:  # noqa: PTH123 (pathlib is not imported, for speed)
        prelude = compile(file.read(), "prelude.py", "exec", dont_inherit=True)
    with open("solution.py", "rb") as file:  # noqa: PTH123
        code = compile(file.read(), "solution.py", "exec", dont_inherit=True)
    for name in [name for name in scope if not name.startswith("__")]:
        del scope[name]
    run(prelude, scope)
    scope["__doc__"], scope["__file__"] = None, "solution.py"
    system.argv[:] = ["solution.py"]
    system.setrecursionlimit(50_000)
    try:  # noqa: SIM105 (contextlib is not imported, for speed)
        run(code, scope)
    except SystemExit:  # whatever its status: what counts is what was printed
        pass


if __name__ == "__main__":
    main()
