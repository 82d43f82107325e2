"""Mutation operators: small changes of a module, each of the kind that people make by mistake.

Each gives replacements of a piece of source text; nothing else of the file changes, comments least of all.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator

from gym_llm.envs.mini_swe.repositories import Bug

Change = tuple[ast.AST, ast.AST | None]
OPERATORS: dict[str, Callable[[ast.AST], Iterator[Change]]] = {}
_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv,
}  # fmt: skip
_NAMES = {
    "min": "max", "max": "min", "any": "all", "all": "any", "startswith": "endswith", "endswith": "startswith",
    "strip": "lstrip", "rstrip": "lstrip", "lstrip": "rstrip", "partition": "rpartition", "rpartition": "partition",
    "ljust": "rjust", "rjust": "ljust", "find": "rfind", "lower": "upper", "upper": "lower", "keys": "values",
}  # fmt: skip


def operator(function: Callable[[ast.AST], Iterator[Change]]) -> Callable[[ast.AST], Iterator[Change]]:
    """Add an operator to the table."""
    OPERATORS[function.__name__.replace("_", "-")] = function
    return function


def mutations(path: str, text: str) -> Iterator[Bug]:
    """Yield every change of a module that the operators know, in the order of the text.

    >>> [bug.new for bug in mutations("a.py", "x = a < b")]
    ['a <= b']
    """
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    tree = ast.parse(text)
    docstrings = {
        id(node.body[0].value) for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and isinstance(node.body[0], ast.Expr)
    }  # fmt: skip
    seen = set()
    for node in ast.walk(tree):
        for name, function in OPERATORS.items():
            for old, new in function(node):
                if id(old) in docstrings:
                    continue
                bug = _cut(path, text, starts, name, old, new)
                if bug is not None and (bug.start, bug.old, bug.new) not in seen:
                    seen.add((bug.start, bug.old, bug.new))
                    yield bug


def _cut(path: str, text: str, starts: list[int], name: str, old: ast.AST, new: ast.AST | None) -> Bug | None:
    """Return a change as text; a statement that goes leaves with its lines."""
    first, last = old.lineno - 1, old.end_lineno - 1  # type: ignore[attr-defined]
    if new is None:
        start, stop = starts[first], starts[last + 1]
        return Bug(path=path, start=start, old=text[start:stop], new="", operator=name)
    lines = text.splitlines(keepends=True)
    columns = (
        len(lines[first].encode()[: old.col_offset].decode()),  # type: ignore[attr-defined]
        len(lines[last].encode()[: old.end_col_offset].decode()),  # type: ignore[attr-defined]
    )
    start, stop = starts[first] + columns[0], starts[last] + columns[1]
    shown = ast.unparse(new)
    if text[start:stop] == shown:
        return None
    return Bug(path=path, start=start, old=text[start:stop], new=shown, operator=name)


def _with(node: ast.AST, **changes: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed


@operator
def comparison(node: ast.AST) -> Iterator[Change]:
    """A comparison that is off by equality, or the wrong way round."""
    if isinstance(node, ast.Compare):
        for place, sign in enumerate(node.ops):
            if type(sign) in _COMPARISONS:
                signs = [*node.ops]
                signs[place] = _COMPARISONS[type(sign)]()
                yield node, _with(node, ops=signs)


@operator
def off_by_one(node: ast.AST) -> Iterator[Change]:
    """A whole number that is one too many or too few."""
    if isinstance(node, ast.Constant) and type(node.value) is int and abs(node.value) < 10:
        for step in (1, -1):
            if node.value + step >= 0:
                yield node, ast.Constant(node.value + step)


@operator
def arithmetic(node: ast.AST) -> Iterator[Change]:
    """The wrong sign between two operands."""
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        yield node, _with(node, op=_ARITHMETIC[type(node.op)]())
    if isinstance(node, ast.AugAssign) and type(node.op) in _ARITHMETIC:
        yield node, _with(node, op=_ARITHMETIC[type(node.op)]())


@operator
def logic(node: ast.AST) -> Iterator[Change]:
    """`and` for `or`, a forgotten `not`."""
    if isinstance(node, ast.BoolOp):
        yield node, _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node, node.operand


@operator
def forgotten_condition(node: ast.AST) -> Iterator[Change]:
    """One part of a condition left out."""
    if isinstance(node, ast.BoolOp):
        for place in range(len(node.values)):
            left = [value for number, value in enumerate(node.values) if number != place]
            yield node, left[0] if len(left) == 1 else _with(node, values=left)


@operator
def swapped_arguments(node: ast.AST) -> Iterator[Change]:
    """Two arguments in each other's place."""
    if isinstance(node, ast.Call):
        for place in range(len(node.args) - 1):
            args = [*node.args]
            args[place], args[place + 1] = args[place + 1], args[place]
            yield node, _with(node, args=args)


@operator
def forgotten_keyword(node: ast.AST) -> Iterator[Change]:
    """A keyword argument left out."""
    if isinstance(node, ast.Call):
        for keyword in node.keywords:
            yield node, _with(node, keywords=[other for other in node.keywords if other is not keyword])


@operator
def dropped_branch(node: ast.AST) -> Iterator[Change]:
    """An `if` without `else` that is missing altogether."""
    for body in _bodies(node):
        for inner in body:
            if isinstance(inner, ast.If) and not inner.orelse and len(body) > 1 and _on_lines_of_its_own(inner, body):
                yield inner, None


@operator
def dropped_statement(node: ast.AST) -> Iterator[Change]:
    """A call or an assignment in place that is missing."""
    for body in _bodies(node):
        for inner in body:
            call = isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Call)
            if (call or isinstance(inner, ast.AugAssign | ast.Continue)) and len(body) > 1:
                yield inner, None


@operator
def wrong_default(node: ast.AST) -> Iterator[Change]:
    """Another default of a parameter."""
    if isinstance(node, ast.FunctionDef):
        for default in (*node.args.defaults, *(value for value in node.args.kw_defaults if value)):
            if isinstance(default, ast.Constant) and isinstance(default.value, bool):
                yield default, ast.Constant(not default.value)


@operator
def wrong_function(node: ast.AST) -> Iterator[Change]:
    """A near relation of the function that is meant."""
    if isinstance(node, ast.Call):
        called = node.func
        if isinstance(called, ast.Name) and called.id in _NAMES:
            yield called, ast.Name(_NAMES[called.id])
        if isinstance(called, ast.Attribute) and called.attr in _NAMES:
            yield called, _with(called, attr=_NAMES[called.attr])


@operator
def wrong_exit(node: ast.AST) -> Iterator[Change]:
    """`break` for `continue`, and the other way round."""
    if isinstance(node, ast.Break):
        yield node, ast.Continue()
    if isinstance(node, ast.Continue):
        yield node, ast.Break()


def _bodies(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse"):
        body = getattr(node, name, None)
        if isinstance(body, list):
            yield body


def _on_lines_of_its_own(node: ast.stmt, body: list[ast.stmt]) -> bool:
    """Return whether no `elif` begins it: that has the column of its `if`'s word, not of a statement."""
    return node.col_offset == body[0].col_offset
