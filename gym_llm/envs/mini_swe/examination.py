"""Tests whose verdict is made outside the sandbox: assertions are taken apart, what they expect stays here.

A test file is written for `unittest`. Before it is sent inside, each assertion becomes the question what its expression
comes to: the tested process holds no expected value and no verdict, nor does it know where an error is expected, so
neither patched asserts nor `os._exit(0)` nor forged reports pass a test whose answers the code does not compute.
"""

from __future__ import annotations

import ast
import inspect
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gym_llm.envs.mini_swe import asking
from gym_llm.errors import DefinitionError, VerifierError
from gym_llm.items import ModelJSONError, parse_model_json
from gym_llm.sandbox import Limits, Sandbox

LIMITS = Limits(cpu=5.0, wall=20.0, processes=8)
CANARY = "canary.py::Canary::test_that_must_fail"
_CANARY_CODE = "class Canary:\n    def test_that_must_fail(self):\n        _asked.ask(0, lambda: 0)\n"
_CONSTANT_ASSERTS: dict[str, Any] = {"assertTrue": True, "assertFalse": False, "assertIsNone": None}


@dataclass(frozen=True, slots=True)
class Probe:
    """One assertion: what is asked, and what is expected.

    Attributes:
        asked: The expression, or the statements that must raise, as source.
        expected: `asking.text_of` of the value, or the name of the error.
        raises: Whether an error is expected.
        place: Number of the statement of the test that it is.
    """

    asked: str
    expected: str
    raises: bool
    place: int

    def met(self, answer: Any) -> bool:
        """Return whether an answer from inside is the expected one."""
        return (isinstance(answer, list) and self.expected in answer[1:]) if self.raises else answer == self.expected


@dataclass(frozen=True, slots=True)
class Suite:
    """Tests ready to be asked.

    Attributes:
        modules: What is sent inside.
        probes: The assertions of each test, by its id `path::Class::test`.
        sources: Each test as it stands in its file, with the module's imports and its `setUp`.
    """

    modules: list[dict[str, Any]]
    probes: dict[str, list[Probe]]
    sources: dict[str, TestSource]


@dataclass(frozen=True, slots=True)
class TestSource:
    """Where an example for an issue can be taken from."""

    imports: Sequence[ast.stmt]
    set_up: list[ast.stmt]
    body: list[ast.stmt]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an examination found.

    Attributes:
        passed: Whether each test passed, by id; every expected id is there.
        wrong: The first answer of each failed test that was not the expected one: number of the probe and answer.
        crashes: What failed tests raised.
        complete: Whether the process came to its end; `os._exit`, a crash or a limit stop it earlier.
        reason: How the process ended.
    """

    passed: dict[str, bool]
    wrong: dict[str, tuple[int, Any]] = field(default_factory=dict)
    crashes: dict[str, str] = field(default_factory=dict)
    complete: bool = True
    reason: str = "exit"


def read_tests(files: Mapping[str, str]) -> Suite:
    """Take test files apart.

    Raises:
        DefinitionError: A test asserts what cannot be judged outside.
    """
    modules, probes, sources = [], {}, {}
    for path, text in sorted(files.items()):
        tree = ast.parse(text)
        imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        imports = [node for node in imports if ast.unparse(node) != "import unittest"]
        names = []
        for owner in (node for node in tree.body if isinstance(node, ast.ClassDef)):
            methods = [node for node in owner.body if isinstance(node, ast.FunctionDef)]
            set_up = next((method.body for method in methods if method.name == "setUp"), [])
            owner.bases = []
            for method in (method for method in methods if method.name.startswith("test")):
                test = f"{path}::{owner.name}::{method.name}"
                names.append([owner.name, method.name])
                sources[test] = TestSource(imports, set_up, method.body)
                probes[test], method.body = _taken_apart(method.body, test)
        kept = [node for node in tree.body if ast.unparse(node) != "import unittest" and not isinstance(node, ast.If)]
        code = ast.unparse(ast.Module(kept, []))
        modules.append({"path": path, "code": code, "tests": names})
    return Suite(modules, probes, sources)


async def examine(
    box: Sandbox, files: Mapping[str, bytes], suite: Suite, limits: Limits | None = None
) -> Outcome:  # fmt: skip
    """Run a suite on files, in a fresh sandbox.

    Raises:
        SandboxError: The sandbox failed.
        VerifierError: The run ended before the tested code was loaded: nothing is known about it.
    """
    token, secret = secrets.token_hex(16), secrets.token_hex(16)  # the second is what the canary never says
    canary = {"path": "canary.py", "code": _CANARY_CODE, "tests": [["Canary", "test_that_must_fail"]]}
    given = {"token": token, "modules": [canary, *suite.modules]}
    program = f"{inspect.getsource(asking)}\nmain()\n"
    result = await box.arun(program=program, stdin=json.dumps(given), files=files, limits=limits or LIMITS)
    lines = [_parsed(line) for line in result.stdout.split(b"\n") if line.strip()]
    if not lines or lines[0] != {"ready": token} or result.reason == "lost":
        told = result.stderr_text[-300:].strip()
        raise VerifierError(f"the tests could not be started ({result.reason}): {told}")
    found = _judged(lines[1:], suite)
    canary_told = next((line.get("told") for line in lines if line.get("test") == CANARY), None)
    if canary_told is not None and canary_told == [[0, secret]]:
        raise VerifierError("the test that must fail passed")
    return Outcome(*found, complete=lines[-1] == {"end": token}, reason=result.reason)


def _parsed(line: bytes) -> dict[str, Any]:
    """Return a line from inside; what is no JSON object counts as nothing said."""
    try:
        found = parse_model_json(line.decode("utf-8", "replace"))
    except ModelJSONError:
        return {}
    return found if isinstance(found, dict) else {}


def _judged(
    lines: list[dict[str, Any]], suite: Suite
) -> tuple[dict[str, bool], dict[str, tuple[int, Any]], dict[str, str]]:
    """Compare what was told. A test that told nothing, or was told about twice, failed."""
    told: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        told.setdefault(str(line.get("test")), []).append(line)
    passed, wrong, crashes = {}, {}, {}
    for test, probes in suite.probes.items():
        reports = told.get(test, [])
        report = reports[0] if len(reports) == 1 else {"crash": f"reported {len(reports)} times"}
        answers = report.get("told") if isinstance(report.get("told"), list) else []
        given = [answer for answer in answers or [] if isinstance(answer, list) and len(answer) == 2]
        missed = next(
            (number for number, probe in enumerate(probes)
             if number >= len(given) or given[number][0] != number or not probe.met(given[number][1])), None,
        )  # fmt: skip
        if missed is not None and missed < len(given):
            wrong[test] = (missed, given[missed][1])
        if report.get("crash") is not None:
            crashes[test] = str(report["crash"])
        passed[test] = missed is None and len(given) == len(probes) and report.get("crash") is None
    return passed, wrong, crashes


def _taken_apart(body: list[ast.stmt], test: str) -> tuple[list[Probe], list[ast.stmt]]:
    probes: list[Probe] = []
    changed: list[ast.stmt] = []
    for place, node in enumerate(body):
        found = probe_of(node, place)
        if found is None:
            if "self.assert" in ast.unparse(node):
                raise DefinitionError(f"{test}: {ast.unparse(node)!r} cannot be judged outside the sandbox")
            changed.append(node)
            continue
        number = len(probes)
        probes.append(found)
        changed += ast.parse(f"_asked.ask({number}, lambda: {found.asked})").body
    return probes, changed


def probe_of(node: ast.stmt, place: int) -> Probe | None:
    """Return what a statement asserts, None when it is no assertion that can be judged outside."""
    if isinstance(node, ast.With) and len(node.items) == 1:
        raises = node.items[0].context_expr
        if not (len(node.body) == 1 and isinstance(node.body[0], ast.Expr)):
            return None
        if isinstance(raises, ast.Call) and ast.unparse(raises.func) == "self.assertRaises" and len(raises.args) == 1:
            return Probe(ast.unparse(node.body[0]), ast.unparse(raises.args[0]), True, place)
        return None
    call = node.value if isinstance(node, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or not call.args:
        return None
    asked, name = ast.unparse(call.args[0]), call.func.attr
    if name in _CONSTANT_ASSERTS:
        asked = asked if name == "assertIsNone" else f"bool({asked})"
        return Probe(asked, asking.text_of(_CONSTANT_ASSERTS[name]), False, place)
    if name != "assertEqual" or len(call.args) != 2:
        return None
    try:
        return Probe(asked, asking.text_of(ast.literal_eval(call.args[1])), False, place)
    except ValueError:
        return None
