"""Who an interpreter is: asked of the running one directly, of another one by running `facts.py` in it.

It does not look for interpreters: see `search.py`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from gym_llm.errors import ConfigError
from gym_llm.interpreters import facts

OLDEST = (3, 11)
PACKAGE = Path(__file__).resolve().parents[1]  # the folder of gym_llm, wherever it was imported from
_SECONDS = 60.0
_SCRIPT = Path(facts.__file__)
_INHERITED = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "UV_PYTHON", "__PYVENV_LAUNCHER__")


class Python(msgspec.Struct, frozen=True):
    """One interpreter.

    Attributes:
        executable: Its path, as it names it itself.
        base: Real path of the interpreter that its virtual environment was made from, or its own.
        prefix: Its environment's folder.
        version: As in `3.12.1`.
        implementation: As in `cpython`.
        abi: What its compiled packages are built for, as in `cpython-312-x86_64-linux-gnu`.
        platform: As in `linux-x86_64`.
        sites: Folders on its search path that hold packages, in order.
        package: Real folder of the gym_llm that it would import, if any.
        lacks: Those of `facts.NEEDS` that it cannot import.
    """

    executable: str
    base: str
    prefix: str
    version: str
    implementation: str
    abi: str
    platform: str
    sites: tuple[str, ...]
    package: str | None
    lacks: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """Whether it imports this very gym_llm, with all that a worker needs."""
        return self.package == str(PACKAGE) and not self.lacks

    def is_environment_of(self, other: Python) -> bool:
        """Whether both are one and the same environment of one interpreter."""
        return (self.prefix, self.base) == (other.prefix, other.base)

    def runs_packages_of(self, other: Python) -> bool:
        """Whether compiled packages installed for the other interpreter work in this one."""
        return minor(self.version) == minor(other.version) and self.built_for == other.built_for

    @property
    def built_for(self) -> tuple[str, str, str]:
        """Its implementation, ABI and platform."""
        return self.implementation, self.abi, self.platform


def minor(version: str) -> tuple[int, int]:
    """Return the first two numbers of a version.

    >>> minor("3.12.1")
    (3, 12)
    """
    first, second = version.split(".")[:2]
    return int(first), int(second)


def this() -> Python:
    """Describe the running interpreter."""
    return msgspec.convert(facts.facts(), Python)


def probe(executable: str | os.PathLike[str]) -> Python:
    """Describe another interpreter by running it once.

    Raises:
        ConfigError: It cannot be run, is no Python, or is older than this package supports.
    """
    if os.fspath(executable) == sys.executable:
        return this()
    try:
        done = subprocess.run(
            [os.fspath(executable), "-B", "-c", _SCRIPT.read_text("utf-8")], cwd="/", env=clean_environ(),
            stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=True,
        )  # fmt: skip
        found = msgspec.json.decode(done.stdout.splitlines()[-1], type=Python)
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip() or f"exit status {error.returncode}"
        raise ConfigError(f"{executable} is not a usable Python >= {_oldest()}: {said[-2000:]}") from error
    except (OSError, subprocess.TimeoutExpired, IndexError, msgspec.DecodeError) as error:
        raise ConfigError(f"{executable} is not a usable Python >= {_oldest()}: {error}") from error
    if minor(found.version) < OLDEST:
        raise ConfigError(f"{executable} is Python {found.version}; gym_llm needs {_oldest()} or later")
    return found


def clean_environ() -> dict[str, str]:
    """Return this process's environment variables without those that lead another Python astray."""
    return {name: value for name, value in os.environ.items() if name not in _INHERITED}


def _oldest() -> str:
    return ".".join(map(str, OLDEST))
