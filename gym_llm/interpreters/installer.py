"""Running uv, or venv and pip where there is no uv, and telling why when they fail.

Indexes, mirrors, credentials and offline mode are theirs to configure (UV_*, PIP_*, their files), not set here.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from gym_llm.errors import ConfigError
from gym_llm.interpreters.notice import Notice
from gym_llm.interpreters.probe import clean_environ
from gym_llm.interpreters.requirements import name

_TAIL_LINES = 40
_POLL_SECONDS = 0.02
_UV_SECONDS = 30.0


def find_uv() -> list[str] | None:
    """Return the command for uv: the program on PATH, else the installed module, else None."""
    program = shutil.which("uv")
    if program and _runs([program]):
        return [program]
    return [sys.executable, "-m", "uv"] if importlib.util.find_spec("uv") else None


class Installer:
    """Makes one virtual environment and installs into it.

    Args:
        folder: Where the environment lies.
        lock: Descriptor of the locked file that guards the folder. What is started inherits it, so that the lock
            outlives this process, if it is killed, for as long as something still writes into the folder.
        notice: Tells a person who waits.
    """

    def __init__(self, folder: Path, lock: int, notice: Notice) -> None:
        self._folder, self._lock, self._notice = folder, lock, notice
        self._uv = find_uv()

    def create(self, base: str, *, with_pip: bool) -> None:
        """Create the virtual environment of a base interpreter; pip is put into it only where uv is missing."""
        if self._uv:
            self._run([*self._uv, "venv", "--python", base, "--no-python-downloads", str(self._folder)], ())
        else:
            self._run([base, "-m", "venv", *([] if with_pip else ["--without-pip"]), str(self._folder)], ())

    def install(self, requirements: Sequence[str], constraints: Sequence[str] = (), target: Path | None = None) -> None:
        """Install requirements, within constraints, into the environment or into a plain folder.

        Raises:
            ConfigError: The installer failed; shows the end of its output and the requirements that it names.
        """
        words = [*self._pip(), *self._file("-r", "requirements", requirements)]
        if constraints:
            words += self._file("-c", "constraints", constraints)
        if self._uv:  # environments of other authors depend on gym-llm: theirs is this one, not one of an index
            words += self._file("--override", "overrides", ["gym-llm ; python_version < '0'"])
        if target:
            words += ["--target", str(target)]
        self._run(words, requirements)

    def check(self, python: Path) -> None:
        """Import gym_llm in the environment, as its workers will.

        Raises:
            ConfigError: It cannot be imported.
        """
        self._run([str(python), "-P", "-c", "import gym_llm"], (), "cannot import gym_llm beside what was asked for")

    def _pip(self) -> list[str]:
        python = str(self._folder / "bin" / "python")
        if self._uv:
            return [*self._uv, "pip", "install", "--no-progress", "--python", python]
        return [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar=off"]

    def _file(self, option: str, stem: str, lines: Sequence[str]) -> list[str]:
        path = self._folder / f"{stem}.txt"
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        return [option, str(path)]

    def _run(self, words: list[str], requirements: Sequence[str], failed: str = "could not be built") -> None:
        """Run a command to its end and raise with its output if it fails."""
        environ = {**clean_environ(), "NO_COLOR": "1"}
        with tempfile.TemporaryFile() as output:
            try:
                process = subprocess.Popen(
                    words, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                    pass_fds=[self._lock],
                )  # fmt: skip
            except OSError as error:
                raise ConfigError(f"{self._notice.title}: {words[0]} cannot be run: {error}") from error
            try:
                while process.poll() is None:
                    self._notice.tick()
                    time.sleep(_POLL_SECONDS)
            finally:
                _end(process)
            if process.returncode:
                said = _tail(output)
                raise ConfigError(f"{self._notice.title} {failed}{_blamed(requirements, said)}:\n{said}")


def _runs(uv: list[str]) -> bool:
    """Whether it works: a version manager's shim may stand for a uv that is not there."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        subprocess.run([*uv, "--version"], capture_output=True, timeout=_UV_SECONDS, check=True)
        return True
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill and reap it if it still runs: the user pressed Ctrl-C."""
    if process.poll() is None:
        process.kill()
        process.wait()


def _tail(output: BinaryIO) -> str:
    output.seek(0, os.SEEK_SET)
    return "\n".join(output.read().decode("utf-8", "replace").rstrip().splitlines()[-_TAIL_LINES:])


def _blamed(requirements: Sequence[str], output: str) -> str:
    """Say which requirements the output names; all of them if it names none."""
    if not requirements:
        return ""
    patterns = {one: re.sub(r"[-_.]+", "[-_.]+", name(one)) for one in requirements}
    named = [one for one, like in patterns.items() if re.search(rf"(?i)(?<![\w-]){like}(?![\w-])", output)]
    return " because of " + ", ".join(named or requirements)
