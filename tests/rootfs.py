"""Writes to stdout, as a tar, a small root for containers: this machine's Python, pytest, a shell, git, a repository.

Nothing is fetched. The repository lies in /testbed, and Python also where SWE-bench's images have theirs.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from importlib import metadata
from pathlib import Path

PROGRAMS = (
    "bash", "sh", "cat", "cp", "date", "echo", "env", "git", "grep", "head", "id", "ls", "ln", "mkdir", "mount", "mv",
    "printf", "rm", "sed", "seq", "sleep", "sort", "tail", "touch", "true", "wc",
)  # fmt: skip
PACKAGES = ("pytest", "pluggy", "iniconfig", "packaging", "pygments")
_UNNEEDED = {
    "test",
    "tests",
    "idlelib",
    "lib2to3",
    "tkinter",
    "turtledemo",
    "ensurepip",
    "config",
    "site-packages",
    "dist-packages",
}
_VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}"
_PASSWD = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"
REPOSITORY = {
    "acme/__init__.py": "",
    "acme/numbers.py": "def add(a, b):\n    return int(a) + int(b)\n\n\ndef double(a):\n    return 2 * a\n",
    "tests/test_numbers.py": "from acme.numbers import double\n\n\ndef test_double():\n    assert double(2) == 4\n",
    "pytest.ini": "[pytest]\n",
}
_GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@b.invalid", "-c", "init.defaultBranch=main"]


class Root:
    """A tar of a root, being written."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._names: set[str] = set()

    def text(self, path: str, content: str, kind: bytes = tarfile.REGTYPE, mode: int = 0o644) -> None:
        """Add a file, or a link to `content`, or a folder."""
        entry = tarfile.TarInfo(path.lstrip("/"))
        entry.type, entry.mode = kind, mode
        data = content.encode() if kind == tarfile.REGTYPE else b""
        entry.size, entry.linkname = len(data), content if kind == tarfile.SYMTYPE else ""
        self._names.add(entry.name)
        self._tar.addfile(entry, io.BytesIO(data))

    def copy(self, source: str, path: str) -> None:
        """Add a file or a folder of this machine, once, as root's."""
        name = path.lstrip("/")
        if name not in self._names:
            self._names.add(name)
            self._tar.add(os.path.realpath(source), name, filter=_as_roots)

    def program(self, source: str, path: str) -> None:
        """Add a program with the libraries that it loads, each at its own place."""
        self.copy(source, path)
        for library in libraries(source):
            self.library(library)

    def library(self, path: str) -> None:
        """Add a shared library, where the loader finds it."""
        folder = str(Path(path).parent.resolve())
        self.copy(path, f"{folder if folder.startswith(('/usr/lib', '/lib')) else '/usr/lib'}/{Path(path).name}")


def libraries(program: str) -> list[str]:
    """Return the shared libraries of a program."""
    found = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return re.findall(r"(/\S+) \(0x", found)


def _as_roots(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if entry.name.startswith(f"usr/local/lib/{_VERSION}/") and _UNNEEDED & {
        part.partition("-3")[0] for part in entry.name.split("/")
    }:
        return None
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mode |= 0o555 if entry.isdir() else 0o444
    return entry


def write(root: Root) -> None:
    """Write all of it."""
    for name in ("bin", "sbin", "lib", "lib64"):
        if Path("/", name).is_symlink():
            root.text(name, f"usr/{name}", tarfile.SYMTYPE)
    for folder in ("dev", "etc", "home", "proc", "root", "run", "sys", "var"):
        root.text(folder, "", tarfile.DIRTYPE, 0o755)
    root.text("tmp", "", tarfile.DIRTYPE, 0o1777)
    root.text("etc/passwd", _PASSWD)
    for name in PROGRAMS:
        if found := shutil.which(name, path="/usr/local/bin:/usr/bin:/bin"):
            root.program(found, f"usr/bin/{name}")
    _python(root)
    _repository(root)


def _python(root: Root) -> None:
    home = Path(sysconfig.get_paths()["stdlib"])
    executable = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    root.program(executable, f"usr/local/bin/{_VERSION}")
    root.copy(str(home), f"usr/local/lib/{_VERSION}")
    for module in (home / "lib-dynload").glob("*.so"):
        for library in libraries(str(module)):
            root.library(library)
    for name in PACKAGES:
        package = metadata.distribution(name)
        for top in {file.parts[0] for file in package.files or ()} - {".."}:
            root.copy(str(package.locate_file(top)), f"usr/lib/python3/packages/{top}")
    root.text(f"usr/local/lib/{_VERSION}/site-packages/packages.pth", "/usr/lib/python3/packages\n")
    for path in ("usr/local/bin/python", "usr/local/bin/python3", "opt/miniconda3/bin/python"):
        root.text(path, f"/usr/local/bin/{_VERSION}", tarfile.SYMTYPE)


def _repository(root: Root) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for path, content in REPOSITORY.items():
            file = Path(folder, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, "utf-8")
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "first"]):
            subprocess.run([*_GIT, *words], cwd=folder, check=True, stdin=subprocess.DEVNULL)
        root.copy(folder, "testbed")


if __name__ == "__main__":
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as stream:
        write(Root(stream))
