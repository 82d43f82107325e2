"""Finding the program in a model's text: the last fenced block that can be one. It runs nothing."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass, field

_FENCE = re.compile(r"(?P<indent>\s*)```+[ \t]*(?P<language>[\w+#.-]*)")
_INLINE_OPENING = re.compile(r"[^`]*```(?P<language>[A-Za-z][\w+#.-]*)[ \t]*")
_PYTHON = frozenset({"python", "py", "python3", "py3"})
_MAX_BLOCKS = 50
_MAX_PARSED = 200_000
_DOES_SOMETHING = (
    ast.Call, ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.For, ast.While, ast.AsyncFunctionDef,
)  # fmt: skip


@dataclass(slots=True)
class Block:
    """A fenced block: its language as written, what is before its fence, its lines."""

    language: str
    indent: str = ""
    lines: list[str] = field(default_factory=list)

    @property
    def code(self) -> str:
        """The text between the fences; where all of it is set in as its fence is, without that."""
        set_in = all(line.startswith(self.indent) or not line.strip() for line in self.lines)
        return "\n".join(line.removeprefix(self.indent) for line in self.lines) if set_in else "\n".join(self.lines)


def program(text: str) -> str:
    r"""Return the program in a text; empty when there is none.

    It is the last block that is tagged as Python, or has no tag and parses as a program that does something: what
    stands in an example of output is none. Where no block is of that kind it is the last one that is not empty.

    >>> program("So:\n```python\nprint(1)\n```\nIt prints\n```\n1\n```\nas `1`, not ``` 1.")
    'print(1)'
    """
    found = [block for block in blocks(text) if block.code.strip()][-_MAX_BLOCKS:]
    for block in reversed(found):
        if block.language.lower() in _PYTHON and _is_program(block.code) is not False:
            return block.code
        if not block.language and _is_program(block.code):
            return block.code
    return found[-1].code if found else ""


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a text in order. A fence begins its line; one left open ends with the text."""
    found: list[Block] = []
    current: Block | None = None
    for line in text.split("\n"):
        line = line.removesuffix("\r")
        fence = _FENCE.match(line)
        if current is not None and not fence:
            current.lines.append(line)
        elif current is not None and fence and not fence["language"]:
            current = None
        elif fence or (fence := _INLINE_OPENING.fullmatch(line)):
            current = Block(fence["language"], fence.groupdict().get("indent", ""))
            found.append(current)
    return found


def _is_program(code: str) -> bool | None:
    """Return whether code parses and does something; None when it does not parse."""
    if len(code) > _MAX_PARSED:
        return True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return any(isinstance(node, _DOES_SOMETHING) for node in ast.walk(tree))
