"""The registry of instructions: an id, how a prompt says it, its arguments and the function that checks a text.

The wording is the function's docstring and the arguments' model its signature. What each instruction asks for stands in
`instructions/`; nothing is checked here.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_type_hints

import pydantic

from gym_llm.errors import did_you_mean

Checker = Callable[..., bool]
_ARGUMENT = re.compile(r"\{(\w+)\}")

IFEVAL = "IFEval, Zhou et al. 2023, arXiv 2311.07911"
IF_RLVR = "IF-RLVR training constraints, Pyatkin et al. 2025, arXiv 2507.02833"
IFBENCH = "IFBench test constraints, Pyatkin et al. 2025, arXiv 2507.02833"


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _stripped(value: str) -> str:
    return value.strip()


Count = Annotated[int, pydantic.Field(ge=0, le=1_000_000)]
Position = Annotated[int, pydantic.Field(ge=1, le=1_000_000)]
Percentage = Annotated[float, pydantic.Field(ge=0, le=100)]
Word = Annotated[
    str, pydantic.BeforeValidator(_first), pydantic.AfterValidator(_stripped), pydantic.Field(min_length=1)
]
Words = Annotated[list[Word], pydantic.BeforeValidator(_listed), pydantic.Field(min_length=1)]
Letter = Annotated[str, pydantic.AfterValidator(_stripped), pydantic.Field(min_length=1, max_length=1)]
Text = Annotated[str, pydantic.Field(min_length=1)]
Relation = Literal["less than", "at least"]


class ArgumentError(ValueError):
    """Arguments of an instruction that cannot be used; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One kind of instruction.

    Attributes:
        id: `family:name`, as in the data sets.
        wording: How a prompt says it, with the arguments in braces.
        source: The paper that it comes from.
        check: Whether a text follows it: `check(text, **arguments)`.
        model: The arguments.
    """

    id: str
    wording: str
    source: str
    check: Checker
    model: type[pydantic.BaseModel]

    def arguments(self, given: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return the checked arguments; nulls and names of other instructions' arguments are left out.

        Raises:
            ArgumentError: When one is missing or of no use. Nothing is ever drawn at random in its place.
        """
        present = {name: value for name, value in (given or {}).items() if value is not None}
        try:
            checked = self.model.model_validate(present)
        except pydantic.ValidationError as error:
            problem = error.errors(include_url=False)[0]
            name = ".".join(map(str, problem["loc"]))
            if problem["type"] == "missing":
                cure = did_you_mean(name, present.keys() - self.model.model_fields.keys())
                raise ArgumentError(f"{self.id} needs the argument {name!r}.{cure}") from None
            shown = f" (got {problem['input']!r:.80})"
            raise ArgumentError(f"{self.id}: {name + ': ' if name else ''}{problem['msg']}{shown}") from None
        return {name: getattr(checked, name) for name in type(checked).model_fields}

    def describe(self, arguments: Mapping[str, Any]) -> str:
        """Return the sentence that a prompt says it with."""
        return _ARGUMENT.sub(
            lambda found: _shown(arguments[found[1]]) if found[1] in arguments else found[0], self.wording
        )


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


INSTRUCTIONS: dict[str, Instruction] = {}
PUBLISHED: dict[str, Checker] = {}
"""The original libraries' checks, by id, where this package's own differ; `compat=True` uses them."""


def _declare(source: str, instruction_id: str) -> Callable[[Checker], Checker]:
    def declare(check: Checker) -> Checker:
        wording = " ".join((check.__doc__ or "").split())
        hints = get_type_hints(check, include_extras=True)
        parameters = list(inspect.signature(check).parameters.values())[1:]
        fields: dict[str, Any] = {
            parameter.name: (
                hints[parameter.name],
                ... if parameter.default is inspect.Parameter.empty else parameter.default,
            )
            for parameter in parameters
        }
        name = "".join(map(str.title, check.__name__.split("_")))
        INSTRUCTIONS[instruction_id] = Instruction(
            instruction_id, wording, source, check, pydantic.create_model(name, **fields)
        )
        return check

    return declare


def as_published(*instruction_ids: str) -> Callable[[Checker], Checker]:
    """Declare how the original library checks instructions that this package checks otherwise."""

    def declare(check: Checker) -> Checker:
        PUBLISHED.update(dict.fromkeys(instruction_ids, check))
        return check

    return declare


def ifeval(instruction_id: str) -> Callable[[Checker], Checker]:
    """Declare an instruction of IFEval."""
    return _declare(IFEVAL, instruction_id)


def if_rlvr(instruction_id: str) -> Callable[[Checker], Checker]:
    """Declare an instruction of the IF-RLVR training set."""
    return _declare(IF_RLVR, instruction_id)


def ifbench(instruction_id: str) -> Callable[[Checker], Checker]:
    """Declare an instruction of IFBench."""
    return _declare(IFBENCH, instruction_id)


def holds(number: float, relation: Relation, bound: float) -> bool:
    """Whether a number is in a relation to a bound.

    >>> holds(3, "less than", 3), holds(3, "at least", 3)
    (False, True)
    """
    return number < bound if relation == "less than" else number >= bound
