"""Which Python runs inside, and which folders of the machine it needs to see."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gym_llm.errors import SandboxUnavailable

_ASK = (
    "import json, sys, sysconfig; print(json.dumps([sys.executable, sys.version_info[:2], sys.prefix, "
    "sys.base_prefix, *{sysconfig.get_path(n) for n in ('stdlib', 'platstdlib', 'purelib', 'platlib')}]))"
)
_OLDEST = (3, 9)
_PACKAGE = Path(__file__).parents[1]
_WAIT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python as the sandbox sees it.

    Attributes:
        executable: What is executed.
        folders: What it needs to read, beyond /usr; none lies in another.
        hidden: Folders within these that hold this package, whose bundled tasks come with their answers.
    """

    executable: str
    folders: tuple[str, ...]
    hidden: tuple[str, ...]


@cache
def find(python: str | None) -> Interpreter:
    """Return an interpreter by its path; the running one for None.

    Raises:
        SandboxUnavailable: It does not run, or is older than Python 3.9.
    """
    if python is None or python == sys.executable:
        names = ("stdlib", "platstdlib", "purelib", "platlib")
        paths = {sysconfig.get_path(name) for name in names} | {sys.prefix, sys.base_prefix}
        return _seen(sys.executable, paths)
    try:
        done = subprocess.run([python, "-I", "-c", _ASK], capture_output=True, timeout=_WAIT_SECONDS, check=True)
        executable, version, *folders = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise SandboxUnavailable(f"python={python!r}: this interpreter does not run: {error}") from error
    if tuple(version) < _OLDEST:
        raise SandboxUnavailable(f"python={python!r} is {version[0]}.{version[1]}; the sandbox needs 3.9 or newer")
    return _seen(executable, set(folders))


def _seen(executable: str, folders: set[str]) -> Interpreter:
    outside = sorted(folder for folder in folders if not Path(folder).is_relative_to("/usr"))
    apart = [
        folder for folder in outside
        if not any(folder != other and Path(folder).is_relative_to(other) for other in outside)
    ]  # fmt: skip
    installed = {_PACKAGE, *(Path(folder, "gym_llm") for folder in folders)}
    visible = [Path("/usr"), *map(Path, apart)]
    hidden = [path for path in installed if path.is_dir() and any(path.is_relative_to(root) for root in visible)]
    return Interpreter(executable, tuple(apart), tuple(sorted(map(str, hidden))))
