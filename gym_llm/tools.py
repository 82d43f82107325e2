"""Tools: typed, documented functions that a model may call.

`@tool` derives everything from the function: the schema that the model sees, the checking of its arguments and
the text of its answers. Running a call inside an episode, with its failures, is in `calls.py`.
"""

from __future__ import annotations

import inspect
import itertools
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar, overload

import msgspec
import pydantic

from gym_llm.errors import DefinitionError, ToolError
from gym_llm.items import scrub, scrub_text

F = TypeVar("F", bound=Callable[..., Any])
_ATTRIBUTE = "__gym_llm_tool__"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SECTION = re.compile(r"^\s*(Args|Arguments|Parameters|Returns|Raises|Yields|Example|Examples|Note|Notes):\s*$")
_ENTRY = re.compile(r"^\s*\*{0,2}(\w+)\s*(?:\([^)]*\))?:\s*(.*)$")


@dataclass(frozen=True, slots=True, eq=False)
class Tool:
    """One tool, derived from a function.

    Attributes:
        name: What the model calls.
        description: What the model reads.
        parameters: JSON Schema of the arguments.
        strict: Whether `parameters` satisfies the rules of OpenAI's strict mode.
        function: The function.
        method: Whether its first parameter is the environment.
        arguments: Checks the arguments; None when `parameters` was given explicitly.
        nullable: Parameters for which null stands for their default.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    strict: bool
    function: Callable[..., Any]
    method: bool
    arguments: type[pydantic.BaseModel] | None
    nullable: frozenset[str]

    def declaration(self) -> dict[str, Any]:
        """Return the tool as a Responses create call declares it."""
        return {
            "type": "function", "name": self.name, "description": self.description,
            "parameters": self.parameters, "strict": self.strict,
        }  # fmt: skip

    def checked(self, arguments: Any) -> dict[str, Any]:
        """Return the arguments by parameter name, checked against the schema.

        Types are read as pydantic's lax mode reads them: `"2"` and `2.0` are integers, `5` is no string.

        Raises:
            ToolError: Saying which argument is wrong and why; for the model.
        """
        if not isinstance(arguments, dict):
            raise ToolError(f"invalid arguments for {self.name}: expected a JSON object")
        if self.arguments is None:
            return _checked_by_schema(self, arguments)
        given = {k: v for k, v in arguments.items() if not (v is None and k in self.nullable)}
        try:
            model = self.arguments.model_validate(given)
        except pydantic.ValidationError as error:
            raise ToolError(f"invalid arguments for {self.name}: {_reasons(error)}") from None
        return {name: getattr(model, name) for name in type(model).model_fields}


@overload
def tool(function: F, /) -> F: ...
@overload
def tool(*, name: str | None = None, description: str | None = None,
         parameters: dict[str, Any] | None = None) -> Callable[[F], F]: ...  # fmt: skip
def tool(
    function: F | None = None, /, *, name: str | None = None, description: str | None = None,
    parameters: dict[str, Any] | None = None,
) -> F | Callable[[F], F]:  # fmt: skip
    """Make a function or method a tool. Sync or async; still callable as before.

    The schema comes from the type hints and the Google-style docstring. Parameters with a default accept null
    for it, as strict mode asks for every parameter. A returned string is the answer; other plain data is
    answered as JSON.

    Args:
        function: The function, when used without parentheses.
        name: Name for the model; the function's own by default.
        description: Description for the model; the docstring's text before its sections by default.
        parameters: An explicit JSON Schema instead of the derived one.

    Raises:
        DefinitionError: At definition time, when docstring or type hints are missing.

    >>> @tool
    ... def add(a: int, b: int = 1) -> int:
    ...     '''Add two numbers.
    ...
    ...     Args:
    ...         a: The first number.
    ...     '''
    ...     return a + b
    >>> add(2)
    3
    >>> tool_of(add).parameters["properties"]["a"]
    {'type': 'integer', 'description': 'The first number.'}
    """
    frame = sys._getframe(1)

    def decorate(target: F) -> F:
        made = _made(target, name or target.__name__, description, parameters, dict(frame.f_locals))
        setattr(target, _ATTRIBUTE, made)
        return target

    return decorate if function is None else decorate(function)


def tool_of(function: Callable[..., Any]) -> Tool:
    """Return the `Tool` that `@tool` made of a function."""
    found = getattr(function, _ATTRIBUTE, None)
    if not isinstance(found, Tool):
        raise DefinitionError(f"{function!r} is no tool: decorate it with @tool")
    return found


def tools_of(owner: type) -> dict[str, Tool]:
    """Return the tools of a class by name, inherited ones first, in order of definition."""
    found: dict[str, Tool] = {}
    for base in reversed(owner.__mro__):
        for attribute, value in vars(base).items():
            made = getattr(getattr(owner, attribute, value), _ATTRIBUTE, None)
            if isinstance(made, Tool):
                found[made.name] = made
    return found


def answer(result: Any) -> Any:
    """Return a tool's result as the `output` of a `function_call_output`: a string, or input content parts."""
    if isinstance(result, str):
        return scrub_text(result)
    if isinstance(result, list) and result and all(_is_part(part) for part in result):
        return scrub(result)
    try:
        return msgspec.json.encode(result).decode()
    except (TypeError, ValueError, RecursionError):
        return msgspec.json.encode(scrub(result)).decode()


def _is_part(value: Any) -> bool:
    return isinstance(value, dict) and str(value.get("type")).startswith("input_")


def _made(
    function: Callable[..., Any], name: str, description: str | None,
    parameters: dict[str, Any] | None, scope: dict[str, Any],
) -> Tool:  # fmt: skip
    if not _NAME.fullmatch(name):
        raise DefinitionError(f"tool name {name!r}: use 1 to 64 letters, digits, _ and -")
    text, documented = _docstring(function)
    description = description or text
    if not description:
        raise DefinitionError(f"tool {name!r} has no docstring: it is what the model reads; write one")
    method = next(iter(inspect.signature(function).parameters), "") == "self"
    if parameters is not None:
        return Tool(name, description, parameters, _is_strict(parameters), function, method, None, frozenset())
    fields = dict(_fields(function, name, documented, scope))
    arguments = pydantic.create_model(name, __config__=pydantic.ConfigDict(extra="forbid"), **fields)
    try:
        schema = arguments.model_json_schema()
    except pydantic.errors.PydanticInvalidForJsonSchema as error:
        raise DefinitionError(f"tool {name!r}: a parameter has no JSON Schema: {error}") from None
    defaults = {key: field.default for key, field in arguments.model_fields.items() if not field.is_required()}
    schema = _simplified(schema)
    nullable = {key for key in defaults if not _accepts_null(schema["properties"][key])}
    for key, default in defaults.items():
        schema["properties"][key] = _optional(schema["properties"][key], default, key in nullable)
    return Tool(name, description, schema, _is_strict(schema), function, method, arguments, frozenset(nullable))


def _fields(
    function: Callable[..., Any], name: str, documented: dict[str, str], scope: dict[str, Any]
) -> Iterator[tuple[str, Any]]:
    try:
        signature = inspect.signature(function, eval_str=True, locals=scope)
    except NameError as error:
        raise DefinitionError(f"tool {name!r}: {error} in its type hints") from None
    for index, (key, parameter) in enumerate(signature.parameters.items()):
        if index == 0 and key == "self":
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise DefinitionError(f"tool {name!r}: parameter {key!r} must be an ordinary one")
        if parameter.annotation is parameter.empty:
            raise DefinitionError(f"tool {name!r}: parameter {key!r} has no type hint")
        default = ... if parameter.default is parameter.empty else parameter.default
        yield key, (parameter.annotation, pydantic.Field(default, description=documented.get(key)))
    if unknown := documented.keys() - signature.parameters.keys():
        raise DefinitionError(f"tool {name!r}: its docstring describes {sorted(unknown)}, which it does not take")


def _docstring(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """Split a Google-style docstring into its text and the descriptions under Args."""
    lines = (inspect.getdoc(function) or "").splitlines()
    starts = [index for index, line in enumerate(lines) if _SECTION.match(line)]
    text = "\n".join(lines[: starts[0]] if starts else lines).strip()
    documented: dict[str, str] = {}
    for start, stop in itertools.pairwise([*starts, len(lines)]):
        if lines[start].strip() in ("Args:", "Arguments:", "Parameters:"):
            documented |= _entries(lines[start + 1 : stop])
    return text, documented


def _entries(lines: list[str]) -> dict[str, str]:
    filled = [line for line in lines if line.strip()]
    indent = min((len(line) - len(line.lstrip()) for line in filled), default=0)
    entries: dict[str, str] = {}
    last = ""
    for line in filled:
        match = _ENTRY.match(line)
        if match and len(line) - len(line.lstrip()) == indent:
            last = match[1]
            entries[last] = match[2].strip()
        elif last:
            entries[last] += " " + line.strip()
    return entries


def _simplified(schema: Any) -> Any:
    """Drop titles and defaults; close and require every object that declares its properties."""
    if isinstance(schema, list):
        return [_simplified(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    named = {"properties", "$defs"}
    cleaned = {
        key: {k: _simplified(v) for k, v in inner.items()} if key in named else _simplified(inner)
        for key, inner in sorted(schema.items(), key=lambda entry: entry[0] != "type")
        if key not in ("title", "default")
    }
    if cleaned.get("type") == "object" and cleaned.get("additionalProperties", False) is False:
        cleaned.setdefault("properties", {})
        cleaned["required"] = list(cleaned["properties"])
        cleaned["additionalProperties"] = False
    return cleaned


def _accepts_null(schema: dict[str, Any]) -> bool:
    return schema.get("type") == "null" or any(_accepts_null(option) for option in schema.get("anyOf", ()))


def _optional(schema: dict[str, Any], default: Any, add_null: bool) -> dict[str, Any]:
    shown = repr(default) if isinstance(default, str) else msgspec.json.encode(default).decode()
    description = f"{schema.pop('description', '')} Default: {shown}.".strip()
    if add_null:
        schema = {"anyOf": [*schema["anyOf"], {"type": "null"}]} if list(schema) == ["anyOf"] else {
            "anyOf": [schema, {"type": "null"}]
        }  # fmt: skip
    return schema | {"description": description}


def _is_strict(schema: Any) -> bool:
    """Whether every object in the schema is closed and requires all its properties."""
    if isinstance(schema, list):
        return all(_is_strict(inner) for inner in schema)
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object":
        closed = schema.get("additionalProperties") is False
        if not closed or set(schema.get("required", ())) != set(schema.get("properties", ())):
            return False
    return all(_is_strict(inner) for inner in schema.values())


def _reasons(error: pydantic.ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    shown = [f"{'.'.join(map(str, p['loc'])) or 'arguments'}: {p['msg']}"[:300] for p in problems[:5]]
    return "; ".join(shown)


def _checked_by_schema(made: Tool, arguments: dict[str, Any]) -> dict[str, Any]:
    import jsonschema  # only environments with an explicit schema pay for it

    problem = next(jsonschema.Draft202012Validator(made.parameters).iter_errors(arguments), None)
    if problem is not None:
        where = ".".join(map(str, problem.absolute_path)) or "arguments"
        raise ToolError(f"invalid arguments for {made.name}: {where}: {problem.message[:300]}")
    return arguments
