"""A stand-in for docker and apptainer: notes its command line, and runs the words in bubblewrap over an image's folder.

Understands the options that this package gives, and no others; pulls nothing, limits nothing.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

FLAGS = {"--rm", "--interactive", "--init", "--read-only", "--containall", "--cleanenv", "--no-home", "--no-privs",
         "--net", "--silent"}  # fmt: skip


def main(words: list[str]) -> None:
    home = Path(os.environ["HOME"])
    with (home / "calls.jsonl").open("a") as file:
        file.write(json.dumps([Path(sys.argv[0]).name, *words]) + "\n")
    verb = next(word for word in words if not word.startswith("-"))
    if verb not in ("run", "exec"):
        sys.exit(0)
    options: list[tuple[str, str]] = []
    words = words[words.index(verb) + 1 :]
    while words[0].startswith("-"):
        if words[0] in FLAGS:
            words = words[1:]
        else:
            options.append((words[0], words[1]))
            words = words[2:]
    image = home / "images" / words[0].removeprefix("docker://").replace("/", "_").replace(":", "_")
    if not image.is_dir():
        sys.stderr.write(f"Unable to find image '{words[0]}' locally: pull access denied\n")
        sys.exit(125)
    capabilities = [] if os.geteuid() else ["--cap-add", "ALL"]  # as an engine's daemon: every folder can be bound
    line = [
        "bwrap",
        "--unshare-pid",
        "--unshare-net",
        *capabilities,
        "--clearenv",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--tmpfs",
        "/tmp",
    ]
    line += ["--ro-bind", "/usr", "/usr", "--ro-bind", "/etc", "/etc"]
    for name in ("bin", "lib", "lib64"):
        line += ["--symlink", f"usr/{name}", f"/{name}"]
    for path in json.loads((home / "shown.json").read_text()):
        line += ["--ro-bind", path, path]
    line += ["--ro-bind", str(image / "testbed"), "/testbed", "--ro-bind", str(image / "opt"), "/opt/miniconda3"]
    for name, value in options:
        if name in ("--volume", "--bind"):
            source, target, mode = value.rsplit(":", 2)
            line += ["--bind" if mode == "rw" else "--ro-bind", source, target]
        if name == "--env":
            line += ["--setenv", *value.split("=", 1)]
        if name in ("--workdir", "--pwd"):
            line += ["--chdir", value]
    os.execvp("bwrap", [*line, *words[1:]])


if __name__ == "__main__":
    main(sys.argv[1:])
