"""A row: a schema, the format of the answer, and perhaps what the answer should say."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import pydantic
from pydantic_core import PydanticCustomError

from gym_llm.tasks import Task

DIMENSIONS = (
    "schema_type", "response_mode", "problem_type", "schema_repr", "source_format", "num_turns", "source_record_id",
    "tool_schema_mode", "tool_choice", "parallel_tool_calls", "source_schema_type", "num_tools", "num_distractors",
    "has_distractors", "instruction_layout", "instruction_detail_level", "system_instruction_style",
    "tool_name_style", "distractor_style", "tool_union_mode",
)  # fmt: skip
"""Fields that the verification repeats, to group rewards by."""


class StructuredTask(Task):
    """A document to be written in a format under a schema."""

    schema_str: str
    schema_type: Literal["json", "yaml", "xml", "toml", "csv"] = "json"
    response_mode: Literal["text", "tool_call"] = "text"
    tool_name: str | None = pydantic.Field(default=None, validate_default=True)
    tool_payload_key: str | None = None
    strict: bool = False
    gold: Any = None

    @property
    def dimensions(self) -> dict[str, Any]:
        """The row's values of the fields that rewards are grouped by."""
        values = self.model_dump()
        return {name: values[name] for name in DIMENSIONS if values.get(name) is not None}

    @pydantic.field_validator("schema_str")
    @classmethod
    def _is_a_schema(cls, value: str) -> str:
        if reason := _problem(value):
            raise PydanticCustomError("schema_str", "must be a JSON Schema: {reason}", {"reason": reason})
        return value

    @pydantic.field_validator("tool_name")
    @classmethod
    def _is_there_when_needed(cls, value: str | None, info: pydantic.ValidationInfo) -> str | None:
        if info.data.get("response_mode") == "tool_call" and not value:
            raise PydanticCustomError("tool_name", "must be given when response_mode is tool_call")
        return value


@lru_cache(maxsize=1024)
def _problem(schema_str: str) -> str | None:
    from gym_llm.envs.structured_outputs.grading import schema_problem  # brings jsonschema

    return schema_problem(schema_str)
