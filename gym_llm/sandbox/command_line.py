"""The bubblewrap command line: the outer wall, in which the zygote lives. Every run then gets an inner one.

There is no `--die-with-parent`: it would tie the zygote to the *thread* that started it. The zygote ends with its
control socket instead, which no thread's end closes and every death of its host does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from gym_llm.sandbox.interpreter import Interpreter

INSIDE_ID = 1000
_INSIDE = Path(__file__).with_name("inside")
_MOUNTED_INSIDE = "/opt/gym-llm/gym_llm/sandbox/inside"
_DEVICES = {  # /dev/full reads as zeros, too, and cannot be mapped: mapped zeros are memory that no limit sees
    "null": "null", "zero": "full", "full": "full", "random": "random", "urandom": "urandom",
}  # fmt: skip
_DEVICE_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "shm": "/sandbox/shm"}
_TOP_FOLDERS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_SETTINGS = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/ssl/openssl.cnf", "/etc/mime.types")
_SMALL = "1048576"
ENVIRONMENT = {
    "HOME": "/sandbox/tmp", "TMPDIR": "/sandbox/tmp", "LANG": "C.UTF-8", "USER": "sandbox", "LOGNAME": "sandbox",
    "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "PYTHONNOUSERSITE": "1",
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NUMEXPR_NUM_THREADS": "1",
}  # fmt: skip
_ZYGOTE = (
    "import sys; sys.path.insert(0, '/opt/gym-llm'); from gym_llm.sandbox.inside import zygote; zygote.main({}, {})"
)


def bubblewrap(
    bwrap: str, interpreter: Interpreter, *, read_only: Sequence[str], spaces: str | None, control: int,
    preload: Sequence[str], names: Mapping[str, int],
) -> list[str]:  # fmt: skip
    """Return the words that start a zygote.

    Args:
        bwrap: Path of bubblewrap.
        interpreter: The Python of the zygote.
        read_only: Further folders to show.
        spaces: The folder of workspaces; None for a zygote that knows none.
        control: Descriptor of the control socket.
        preload: Modules to import before the first run.
        names: Descriptors from which /etc/passwd and /etc/group are read, by path.
    """
    words = [bwrap, "--unshare-all", "--as-pid-1", "--new-session", "--clearenv", "--cap-drop", "ALL"]
    words += ["--uid", str(INSIDE_ID), "--gid", str(INSIDE_ID), "--hostname", "sandbox"]
    bin_folder = str(Path(interpreter.executable).parent)
    environment = {**ENVIRONMENT, "PATH": f"{bin_folder}:/usr/local/bin:/usr/bin:/bin"}
    words += [word for name, value in environment.items() for word in ("--setenv", name, value)]
    words += ["--ro-bind", "/usr", "/usr"]
    for name in _TOP_FOLDERS:
        top = Path("/", name)
        words += ["--symlink", str(top.readlink()), str(top)] if top.is_symlink() else _shown([str(top)])
    for path, fd in names.items():
        words += ["--perms", "0444", "--ro-bind-data", str(fd), path]
    words += _shown([*_SETTINGS, *interpreter.folders, *read_only])
    for folder in interpreter.hidden:
        words += ["--size", _SMALL, "--tmpfs", folder, "--remount-ro", folder]
    words += ["--ro-bind", str(_INSIDE), _MOUNTED_INSIDE, "--proc", "/proc", "--size", _SMALL, "--tmpfs", "/dev"]
    words += [word for name, device in _DEVICES.items() for word in ("--dev-bind", f"/dev/{device}", f"/dev/{name}")]
    words += [word for name, target in _DEVICE_LINKS.items() for word in ("--symlink", target, f"/dev/{name}")]
    words += ["--remount-ro", "/dev", "--dir", "/sandbox"]
    for folder in ("/tmp", "/var/tmp"):  # else `walls.py` does it for each run
        if not any(path.startswith(f"{folder}/") for path in (*interpreter.folders, *read_only)):
            words += ["--dir", str(Path(folder).parent), "--symlink", "/sandbox/tmp", folder]
    if spaces:
        words += ["--bind", spaces, "/spaces"]
    words += ["--remount-ro", "/", "--chdir", "/"]
    return [*words, interpreter.executable, "-s", "-c", _ZYGOTE.format(control, list(preload))]


def shown_paths(interpreter: Interpreter, read_only: Sequence[str], spaces: str | None) -> list[str]:
    """Return the folders of the host that bubblewrap must be able to read."""
    return [*map(os.path.realpath, [*interpreter.folders, *read_only, str(_INSIDE)]), *([spaces] if spaces else [])]


def _shown(paths: Sequence[str]) -> list[str]:
    """Bind what exists, at the path by which it was named."""
    return [word for path in paths if Path(path).exists() for word in ("--ro-bind", os.path.realpath(path), path)]
