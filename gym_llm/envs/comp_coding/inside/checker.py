"""Runs the task's own checker on one output; its exit status says what it found. Sent into the sandbox."""

import sys
import traceback

ACCEPTED, REFUSED, FAILED = 0, 1, 3


def main() -> int:
    """Run `checker.py` with the paths of input, output and expected output as its arguments."""
    sys.argv[:] = ["checker.py", "input.txt", "output.txt", "expected.txt"]
    try:
        with open("checker.py", "rb") as file:  # noqa: PTH123
            code = compile(file.read(), "checker.py", "exec", dont_inherit=True)
        exec(code, {"__name__": "__main__", "__file__": "checker.py"})  # noqa: S102 (what this process is for)
    except SystemExit as error:
        if error.code is None or error.code == 0:
            return ACCEPTED
        return REFUSED if isinstance(error.code, str) or error.code == 1 else FAILED
    except BaseException:  # boundary: a checker that fails has not refused
        traceback.print_exc()
        return FAILED
    return ACCEPTED


if __name__ == "__main__":
    sys.exit(main())
