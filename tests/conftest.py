"""Container engines for tests: stand-ins on PATH that note their words, and the real ones of this machine."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gym_llm.errors import SandboxUnavailable
from gym_llm.sandbox import open_sandbox
from gym_llm.sandbox.interpreter import find

PYTHON = '#!/bin/sh\nPYTEST_DISABLE_PLUGIN_AUTOLOAD=1 exec {} "$@"\n'


class Engines:
    """Stand-ins for docker, podman and apptainer; see `recorded_engine.py`."""

    def __init__(self, home: Path) -> None:
        self.home, self.programs, self.images = home, home / "bin", home / "images"
        self.programs.mkdir()
        text = f"#!{sys.executable} -IS\n" + Path(__file__).with_name("recorded_engine.py").read_text("utf-8")
        for name in ("docker", "podman", "apptainer"):
            self._write(self.programs / name, text)
        shown = [folder for folder in find(None).folders if stat.S_ISDIR(Path(folder).stat().st_mode)]
        (home / "shown.json").write_text(json.dumps(shown), "utf-8")

    def image(self, name: str) -> Path:
        """Make an image with a Python, and return its folder."""
        folder = self.images / name.replace("/", "_").replace(":", "_")
        for python in ("python", "python3"):
            self._write(folder / "opt" / "bin" / python, PYTHON.format(sys.executable))
        return folder

    @property
    def calls(self) -> list[list[str]]:
        """The name and the words of each call."""
        return [json.loads(line) for line in (self.home / "calls.jsonl").read_text("utf-8").splitlines()]

    def _write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        path.chmod(0o755)


@pytest.fixture
def engines(tmp_path, monkeypatch):
    """Put the stand-ins on PATH."""
    made = Engines(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{made.programs}:/usr/local/bin:/usr/bin:/bin")
    return made


IMAGE = f"localhost/gym-llm-test-{os.environ.get('PYTEST_XDIST_TESTRUNUID', os.getpid())}"


@pytest.fixture(scope="session", params=["podman", "docker"])
def real_engine(request, tmp_path_factory):
    """Give the name of an engine that runs containers here, and an image for it; see `rootfs.py`."""
    name = request.param
    if not shutil.which(name) or subprocess.run([name, "info"], capture_output=True, check=False).returncode:
        pytest.skip(f"no {name} runs here")
    shared = (
        tmp_path_factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else tmp_path_factory.mktemp("e")
    )
    with _image(name, shared / f"users-of-{name}"), _runtime(name, shared):
        yield name, IMAGE


@contextlib.contextmanager
def _image(engine: str, users: Path) -> Iterator[None]:
    """Keep the image for as long as a process of this test run uses it."""
    for change in (1, -1):
        with users.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            count = int(file.read() or 0) + change
            if (change, count) == (1, 1):
                root = subprocess.Popen(
                    [sys.executable, str(Path(__file__).with_name("rootfs.py"))], stdout=subprocess.PIPE
                )
                subprocess.run([engine, "import", "-", IMAGE], stdin=root.stdout, capture_output=True, check=True)
                assert root.communicate() == (b"", None)
                assert root.returncode == 0
            elif count == 0:
                subprocess.run([engine, "rmi", "--force", IMAGE], capture_output=True, check=True)
            file.truncate(0)
            file.write(str(count))
        if change == 1:
            yield


@contextlib.contextmanager
def _runtime(engine: str, folder: Path) -> Iterator[None]:
    """Have podman take a runtime that runs here."""
    try:
        open_sandbox(engine, image=IMAGE).close()
    except SandboxUnavailable as error:
        with pytest.MonkeyPatch.context() as patch:
            settings = folder / "containers.conf"
            settings.write_text('[engine]\nruntime = "runc"\n')
            patch.setenv("CONTAINERS_CONF", str(settings))
            try:
                open_sandbox(engine, image=IMAGE).close()
            except SandboxUnavailable:
                if os.environ.get("CI"):  # there it is installed: a skip would hide that it does not work
                    raise error from None
                pytest.skip(f"{engine} runs no containers here: {error}")
            yield
    else:
        yield
