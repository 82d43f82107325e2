"""A row: which instructions, with which arguments. Everything is checked when the row is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pydantic
from pydantic_core import PydanticCustomError

from gym_llm.envs.instruction_following import instructions as _declared  # noqa: F401 - fills the registry
from gym_llm.envs.instruction_following.registry import INSTRUCTIONS, ArgumentError, Instruction
from gym_llm.errors import did_you_mean
from gym_llm.tasks import Task

_FIELDS = ("instruction_id_list", "kwargs", "prompt", "grading_mode")


class InstructionMetadata(pydantic.BaseModel):  # type: ignore[no-redef]  # the plugin's own `**kwargs` and the field
    """What the verifier reads. The kwargs stand beside the ids; null is none, a null argument is left out."""

    model_config = pydantic.ConfigDict(extra="allow", frozen=True)

    instruction_id_list: list[str] = pydantic.Field(min_length=1)
    kwargs: list[dict[str, Any] | None]
    prompt: str
    grading_mode: Literal["binary", "fraction"] = "binary"

    @pydantic.field_validator("instruction_id_list")
    @classmethod
    def _are_known(cls, ids: list[str]) -> list[str]:
        for instruction_id in ids:
            if instruction_id not in INSTRUCTIONS:
                cure = did_you_mean(instruction_id, INSTRUCTIONS)
                raise _problem("instruction_id", f"there is no instruction {instruction_id!r}.{cure}")
        return ids

    @pydantic.field_validator("kwargs")
    @classmethod
    def _fit(cls, kwargs: list[dict[str, Any] | None], info: pydantic.ValidationInfo) -> list[dict[str, Any] | None]:
        ids = info.data.get("instruction_id_list")
        if ids is None:
            return kwargs
        if len(kwargs) != len(ids):
            raise _problem("kwargs", f"{len(kwargs)} entries stand beside {len(ids)} instructions")
        for instruction_id, given in zip(ids, kwargs, strict=True):
            try:
                INSTRUCTIONS[instruction_id].arguments(given)
            except ArgumentError as error:
                raise _problem("kwargs", str(error)) from None
        return kwargs

    @property
    def instructions(self) -> list[tuple[Instruction, dict[str, Any]]]:
        """The instructions with their checked arguments."""
        pairs = zip(self.instruction_id_list, self.kwargs, strict=True)
        return [(INSTRUCTIONS[key], INSTRUCTIONS[key].arguments(given)) for key, given in pairs]

    @property
    def names(self) -> list[str]:
        """The ids; one that comes again is numbered (`punctuation:no_comma#2`)."""
        ids = self.instruction_id_list
        earlier = [ids[:place].count(key) for place, key in enumerate(ids)]
        return [f"{key}#{number + 1}" if number else key for key, number in zip(ids, earlier, strict=True)]


class InstructionFollowingTask(Task):
    """A prompt with instructions whose following can be checked."""

    verifier_metadata: InstructionMetadata

    @pydantic.model_validator(mode="before")
    @classmethod
    def _from_the_top_level(cls, row: Any) -> Any:
        """Take the four fields from the row's top level, where older rows have them."""
        if not isinstance(row, Mapping):
            return row
        given = row.get("verifier_metadata")
        older = {name: row[name] for name in _FIELDS if row.get(name) is not None}
        if not older or not (given is None or isinstance(given, Mapping)):
            return row
        return {**row, "verifier_metadata": {**older, **(given or {})}}


def _problem(kind: str, reason: str) -> PydanticCustomError:
    return PydanticCustomError(kind, "{reason}", {"reason": reason})
