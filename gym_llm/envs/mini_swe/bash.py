"""One command of the agent's: a fresh shell, its output cut in the middle, its end told."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from gym_llm.errors import SandboxError, ToolError
from gym_llm.sandbox import Limits, Sandbox, SandboxResult, Workspace

LONGEST_COMMAND = 100_000
SHOWN = 12_000
_STARTED = 'printf "%s\\n" "$1"; exec bash -c "$0" 2>&1'
_KILLED = {
    "cpu": "used more than {cpu:g} seconds of CPU", "wall": "ran longer than {wall:g} seconds",
    "memory": "used too much memory", "output": "wrote too much", "disk": "filled the disk",
}  # fmt: skip


async def run(
    box: Sandbox, space: Workspace, command: str, limits: Limits, environment: Mapping[str, str]
) -> tuple[str, SandboxResult]:
    """Run a command and return its output, stdout and stderr as they came, and its result.

    Raises:
        ToolError: It cannot be handed to a shell.
        SandboxError: The shell was never started, or lost.
    """
    try:
        data = command.encode()
    except UnicodeEncodeError:
        raise ToolError("the command is not valid text") from None
    if len(data) > LONGEST_COMMAND or "\0" in command:
        raise ToolError(f"the command has a NUL character, or more than {LONGEST_COMMAND} bytes; use create for files")
    mark = secrets.token_hex(8)
    words = ["bash", "-c", _STARTED, command, mark]
    result = await box.arun(words, workspace=space, limits=limits, environment=environment)
    started, _, output = result.stdout.partition(b"\n")
    if started != mark.encode() or result.reason == "lost":
        raise SandboxError(f"the command could not be started ({result.reason}): {result.stderr_text[-500:].strip()}")
    return output.decode("utf-8", "replace"), result


def told(output: str, result: SandboxResult, limits: Limits) -> str:
    """Return what the model reads."""
    text = cut(output)
    if text and not text.endswith("\n"):
        text += "\n"
    if result.reason in _KILLED:
        return f"{text}(killed: it {_KILLED[result.reason].format(cpu=limits.cpu, wall=limits.wall)})"
    status = f"exit status {result.exit_status}" if result.signal is None else f"ended by signal {result.signal}"
    return f"{text}({status})"


def cut(text: str, most: int = SHOWN) -> str:
    r"""Return a text with its middle left out when it is too long.

    >>> cut("abcdefghij", 4)
    'ab\n[... 6 characters left out ...]\nij'
    """
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"
