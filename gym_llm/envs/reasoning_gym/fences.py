"""What keeps a model's text from being run as code by reasoning-gym's scorers.

Nine scorers hand an answer to `eval` or to sympy's `parse_expr`, which evaluates it. They get stand-ins: literals
only, or arithmetic over numbers, one-letter variables and a few functions. Whatever a later version of the library
adds still meets an audit hook: no process, socket or written file while an answer is scored. It is no sandbox.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

MAX_CHARS, MAX_BRACKETS, MAX_EXPONENT, MAX_POWERS = 5_000, 100, 400, 2

LITERALS = (
    "algorithmic.string_insertion", "algorithmic.spiral_matrix", "algorithmic.binary_matrix",
    "algorithmic.number_sorting", "games.n_queens",
)  # fmt: skip
"""Modules whose `eval` reads an answer."""
PARSERS = ("games.puzzle24", "games.countdown")
"""Modules that import `parse_expr` by name."""
SYMPY = {
    "algebra.simple_integration": "sympy", "algebra.intermediate_integration": "sympy",
    "algebra.polynomial_multiplication": "sp",
}  # fmt: skip
"""Modules that call sympy's `parse_expr`, and what they call sympy."""

_FUNCTIONS = frozenset({
    "Abs", "acos", "asin", "atan", "cos", "cosh", "cot", "csc", "exp", "ln", "log", "sec", "sin", "sinh", "sqrt",
    "tan", "tanh",
})  # fmt: skip
_NODES = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.Constant, ast.Name, ast.Call, ast.Load,
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.UAdd, ast.USub,
)  # fmt: skip
_DENIED = (
    "os.chmod", "os.chown", "os.exec", "os.fork", "os.forkpty", "os.kill", "os.killpg", "os.link", "os.mkdir",
    "os.posix_spawn", "os.putenv", "os.remove", "os.rename", "os.rmdir", "os.spawn", "os.symlink", "os.system",
    "os.truncate", "os.unsetenv", "subprocess.Popen", "socket.bind", "socket.connect", "socket.sendto",
    "ctypes.dlopen", "shutil.rmtree", "shutil.move", "pty.spawn", "signal.pthread_kill",
)  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_scoring = False


class Refused(ValueError):
    """An answer that is no plain literal or arithmetic."""


def install() -> None:
    """Put the stand-ins into the library's modules, and the audit hook into this process; both stay."""
    for name in LITERALS:
        _module(name).eval = literal
    for name in PARSERS:
        module = _module(name)
        module.parse_expr = _fenced(module.parse_expr, powers=False)
    _module("games.puzzle24").parse_expr = _whole(_module("games.puzzle24").parse_expr)
    for name, alias in SYMPY.items():
        module = _module(name)
        setattr(module, alias, _forwarding(getattr(module, alias)))
    sys.addaudithook(_audit)


@contextlib.contextmanager
def scoring() -> Iterator[None]:
    """Deny processes, sockets and written files inside the block."""
    global _scoring  # noqa: PLW0603 - an audit hook has no other place to look
    _scoring = True
    try:
        yield
    finally:
        _scoring = False


def literal(text: str) -> Any:
    """Do what `eval` does with a Python literal; refuse everything else."""
    if text.count("[") + text.count("(") + text.count("{") > 20 * MAX_BRACKETS:
        raise Refused("too many brackets")
    return ast.literal_eval(text)


def checked(text: str, *, powers: bool = True) -> str:
    """Return a text that is arithmetic and nothing else: no attribute, string, index, keyword or unknown function.

    Raises:
        Refused: It is something else, or so large that it could not be evaluated.

    >>> checked("x**3/3 + sin(2*x) + C")
    'x**3/3 + sin(2*x) + C'
    """
    text = text.strip()
    if len(text) > MAX_CHARS or text.count("(") > MAX_BRACKETS:
        raise Refused("the expression is too long")
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Refused(f"no expression: {type(error).__name__}") from None
    for node in ast.walk(tree):
        if not isinstance(node, _NODES) or not _plain(node):
            raise Refused(f"{type(node).__name__} is not allowed in an answer")
        if isinstance(node, ast.Pow) and not powers:
            raise Refused("powers are not allowed in this game")
    _check_powers(tree, MAX_POWERS)
    return text


def _plain(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return type(node.value) in (int, float)
    if isinstance(node, ast.Name):
        return (len(node.id) == 1 and node.id.isalpha()) or node.id in _FUNCTIONS or node.id in ("pi", "oo")
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS and not node.keywords
    return True


def _check_powers(node: ast.AST, left: int) -> None:
    """Refuse towers of powers and large exponents."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        left -= 1
        if left < 0 or any(isinstance(inner, ast.Pow) for inner in ast.walk(node.right)):
            raise Refused("powers of powers")
        size = 1.0
        for inner in ast.walk(node.right):
            if isinstance(inner, ast.Constant) and inner.value:
                size *= max(abs(inner.value), 1 / abs(inner.value))  # type: ignore[arg-type]
        if size > MAX_EXPONENT:
            raise Refused(f"an exponent above {MAX_EXPONENT}")
    for child in ast.iter_child_nodes(node):
        _check_powers(child, left)


def _fenced(parse: Callable[..., Any], *, powers: bool = True) -> Callable[..., Any]:
    def parse_expr(text: str, *rest: Any, **named: Any) -> Any:
        return parse(checked(text, powers=powers), *rest, **named)

    return parse_expr


def _whole(parse: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse a value that is no whole number: puzzle24 would cut 24.5 down to 24."""

    def parse_expr(text: str) -> Any:
        value = parse(text)
        if not value.is_integer:
            raise Refused("no whole number")
        return value

    return parse_expr


def _forwarding(sympy: Any) -> SimpleNamespace:
    """Return a stand-in for sympy whose `parse_expr` is fenced."""
    return SimpleNamespace(**{**vars(sympy), "parse_expr": _fenced(sympy.parse_expr)})


def _audit(event: str, given: tuple[Any, ...]) -> None:
    if not _scoring:
        return
    if event in _DENIED:
        raise PermissionError(f"{event} while an answer is scored")
    if event == "open" and isinstance(given[2], int) and given[2] & _WRITING:
        raise PermissionError("a file is opened for writing while an answer is scored")


def _module(name: str) -> Any:
    return importlib.import_module(f"reasoning_gym.{name}")
