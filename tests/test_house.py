"""The house: what importing costs, which names are public, what a wheel holds, and rules that no tool checks."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import gym_llm

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gym_llm"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SOURCES = sorted(PACKAGE.rglob("*.py"))

PUBLIC = {
    "Episode", "GymLLMError", "Pool", "ResponsesEnv", "Task", "ToolCall", "ToolError", "Verification", "acollect",
    "check", "collect", "env_ids", "items", "make_vec", "policies", "spaces", "tool", "vector", "wrappers",
}  # fmt: skip
HEAVY = {"aiohttp", "hydra", "httpx", "multiprocess", "omegaconf", "openai", "pandas", "torch", "tqdm", "yaml"}


def imported_by(statement: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has after a statement."""
    code = (
        "import contextlib, io, json, sys\n"
        f"with contextlib.redirect_stdout(io.StringIO()):\n    {statement}\n"
        "print(json.dumps([name.partition('.')[0] for name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(json.loads(done.stdout))


def test_import_is_light():
    assert not imported_by("import gym_llm") & HEAVY


def test_import_brings_only_the_declared_five():
    declared = "import gymnasium, numpy, msgspec, greenlet, annotated_types; from pydantic import BaseModel"
    beyond = imported_by("import gym_llm") - imported_by(declared)
    assert {name for name in beyond if name not in sys.stdlib_module_names and name[0] != "_"} <= {"gym_llm"}


@pytest.mark.parametrize("words", [["--help"], ["list", "--help"], ["list"]], ids=" ".join)
def test_overview_and_list_leave_servers_and_hydra_alone(words):
    loaded = imported_by(f"from gym_llm.cli import main; assert not main({words})")
    assert not loaded & (HEAVY - {"yaml"})


def test_exported_names_are_exact_and_resolve():
    assert set(gym_llm.__all__) == PUBLIC
    for name in PUBLIC:
        assert getattr(gym_llm, name) is not None


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        gym_llm.no_such_name  # noqa: B018


def test_licence_is_apache():
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert PROJECT["project"]["license"] == "Apache-2.0"


def test_version_stands_once():
    assert "version" in PROJECT["project"]["dynamic"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", gym_llm.__version__)
    assert f"## {gym_llm.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def broad(handler: ast.ExceptHandler) -> bool:
    """Return whether a handler takes every error and does not raise it again."""
    named = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)} if handler.type else set()
    takes_all = handler.type is None or bool(named & {"Exception", "BaseException"})
    return takes_all and not (isinstance(handler.body[-1], ast.Raise) and handler.body[-1].exc is None)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_broad_except_names_its_boundary(path):
    text = path.read_text("utf-8")
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ExceptHandler) and broad(node):
            assert "boundary:" in lines[node.lineno - 1], f"{path.name}:{node.lineno}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_opens_by_saying_what_it_is(path):
    head = path.read_text("utf-8")
    opening = re.match(r'r?"""(.+?)"""', head, re.DOTALL)
    assert opening, f"{path.name} has no docstring"
    tree = path.name == "errors.py"  # draws the tree of errors at its top
    assert tree or opening[1].count("\n") <= 8


def test_no_room_without_a_purpose():
    refused = re.compile(r"(utils?|helpers?|common|misc|.*manager|base_.*)\.py")
    assert not [path for path in SOURCES if refused.fullmatch(path.name)]


def test_wheel_holds_data_and_types(tmp_path):
    pytest.importorskip("hatchling", reason="the build backend is a development tool")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("gym_llm-*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("gym_llm/")}
    skipped = {".pyc"}
    wanted = {
        str(path.relative_to(ROOT)) for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in skipped
    }
    assert held == wanted
    assert {"gym_llm/py.typed", "gym_llm/configs/collect.yaml", "gym_llm/cli/templates/environment.py.txt"} <= held
