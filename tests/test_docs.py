"""The documentation tells the truth: its examples run and print what they say, and what is generated is current."""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs/providers").glob("*.md"))]
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
NOT_RUN = (
    "make ",
    "pip ",
    "policy=openai",
    "policy=chat",
    "policy=azure",
    "git ",
)  # installs, or needs a model of the reader's


def blocks(page: Path) -> list[tuple[str, str]]:
    return [(match[1], match[2]) for match in BLOCK.finditer(page.read_text())]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_examples_print_what_the_page_says(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "example"}
    printed = ""
    for kind, text in blocks(page):
        if kind == "python":
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(text, f"{page.name}", "exec", dont_inherit=True), names)
            printed += out.getvalue()
        elif kind == "text" and printed:
            assert printed == text, f"{page.name} shows another output than its example prints"
            printed = ""
    assert not printed, f"{page.name} does not show: {printed}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_shell_examples_run(page: Path, tmp_path: Path) -> None:
    for kind, text in blocks(page):
        if kind == "yaml" and (named := re.match(r"# (\S+\.yaml)\n", text)):
            (tmp_path / named[1]).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / named[1]).write_text(text)
        if kind != "console":
            continue
        for line in re.findall(r"(?m)^\$ (.*?)(?:\s+#.*)?$", text):
            if any(word in line for word in NOT_RUN):
                continue
            assert line.startswith("gym-llm "), f"{page.name}: {line!r} is not run by this test"
            line = line.replace("sandbox doctor", "sandbox doctor attacks=false")  # they have tests of their own
            command = line.replace("gym-llm", f"{sys.executable} -m gym_llm.cli", 1)
            done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, f"{page.name}: {line}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_generated_pages_are_current() -> None:
    done = subprocess.run([sys.executable, ROOT / "docs" / "generate.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
