"""A stand-in for docker, podman and apptainer: notes its command line, and runs the words in bubblewrap.

Under $HOME lie `calls.jsonl`, `images` (folders that are mounted over a root of this machine's /usr) and `shown.json`
(folders of this machine to show). It refuses what the engine refuses that it stands in for; pulls nothing, limits
nothing. `test_engines.py` asks real engines the same.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

FLAGS = {
    "docker": {"--rm", "--read-only"},
    "podman": {"--rm", "--read-only", "--read-only-tmpfs=false"},
    "apptainer": {"--containall", "--cleanenv", "--no-home", "--no-privs", "--net", "--no-init"},
}  # fmt: skip
_SHARED = {
    "--name", "--pull", "--log-driver", "--workdir", "--network", "--ipc", "--cap-drop", "--security-opt",
    "--hostname", "--oom-score-adj", "--pids-limit", "--memory", "--memory-swap", "--shm-size", "--ulimit",
    "--tmpfs", "--user", "--volume", "--env",
}  # fmt: skip
OPTIONS = {
    "docker": _SHARED, "podman": _SHARED | {"--userns"},
    "apptainer": {"--bind", "--env", "--network", "--pwd", "--scratch"},
}  # fmt: skip
_TMPFS = {"rw", "ro", "exec", "noexec", "nosuid", "nodev", "mode", "size"}
TMPFS = {"docker": _TMPFS | {"nr_inodes", "uid", "gid"}, "podman": _TMPFS | {"notmpcopyup"}}
_REFUSED = 125


def main(engine: str, words: list[str]) -> None:
    home = Path(os.environ["HOME"])
    with (home / "calls.jsonl").open("a") as file:
        file.write(json.dumps([engine, *words]) + "\n")
    verb = next(word for word in words if not word.startswith("-"))
    if verb not in ("run", "exec"):
        sys.exit(0)
    options, (name, *command) = read(engine, words[words.index(verb) + 1 :])
    image = home / "images" / name.removeprefix("docker://").replace("/", "_").replace(":", "_")
    if not image.is_dir():
        refuse(f"Unable to find image '{name}' locally: pull access denied")
    if not command or not (image / "opt" / "bin" / Path(command[0]).name).exists():
        refuse(f"exec: {command[:1]}: executable file not found in $PATH")
    os.execvp("bwrap", [*line(home, image, options), *command])


def read(engine: str, words: list[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the options and the words after them."""
    options: list[tuple[str, str]] = []
    while words[0].startswith("-"):
        if words[0] in FLAGS[engine]:
            words = words[1:]
        elif words[0] in OPTIONS[engine]:
            options.append((words[0], words[1]))
            words = words[2:]
        else:
            refuse(f"unknown flag: {words[0]}")
    if ("--userns", "keep-id") in options and os.geteuid() == 0:
        refuse("keep-id is only supported in rootless mode")
    for name, value in options:
        for option in value.partition(":")[2].split(",") if name == "--tmpfs" else ():
            if option.partition("=")[0] not in TMPFS[engine]:
                refuse(f'unknown mount option "{option}": invalid mount option')
    return options, words


def refuse(why: str) -> None:
    sys.stderr.write(f"Error: {why}\n")
    sys.exit(_REFUSED)


def line(home: Path, image: Path, options: list[tuple[str, str]]) -> list[str]:
    """Return bubblewrap's words."""
    path = "/opt/miniconda3/bin:/usr/local/bin:/usr/bin:/bin"
    words = ["bwrap", "--as-pid-1", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--clearenv", "--proc", "/proc"]
    words += ["--dev", "/dev", "--setenv", "PATH", path]
    words += ["--ro-bind", "/usr", "/usr", "--ro-bind", "/etc", "/etc"]
    for name in ("bin", "lib", "lib64"):
        words += ["--symlink", f"usr/{name}", f"/{name}"]
    for name, value in options:
        if name in ("--tmpfs", "--scratch"):
            words += ["--perms", "1777", "--tmpfs", value.partition(":")[0]]
    shown = home / "shown.json"
    for folder in json.loads(shown.read_text()) if shown.exists() else ():  # perhaps below /tmp
        words += [*above(folder), "--ro-bind", folder, folder]
    for folder, target in (("testbed", "/testbed"), ("opt", "/opt/miniconda3")):
        words += [*above(target), "--ro-bind", str(image / folder), target] if (image / folder).exists() else []
    inner: list[str] = []
    for name, value in options:
        if name in ("--volume", "--bind"):
            source, target, mode = value.rsplit(":", 2)
            words += [*above(target), "--bind" if mode == "rw" else "--ro-bind", source, target]
        if name == "--env":
            words += ["--setenv", *value.split("=", 1)]
        if name in ("--workdir", "--pwd"):
            words += ["--chdir", value]
        if name == "--user" and os.geteuid() == 0:  # as an engine's daemon: binds what it likes, then leaves root
            user = value.partition(":")[0]
            inner = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    return [*words, *(["--cap-add", "ALL"] if inner or os.geteuid() else []), "--", *inner]


def above(path: str) -> list[str]:
    """Make the folders above a path, for anyone to enter."""
    return [word for folder in reversed(Path(path).parents[:-1]) for word in ("--dir", str(folder))]


if __name__ == "__main__":
    main(Path(sys.argv[0]).name, sys.argv[1:])
