"""Probes of the tools: that they answer in time, that their schemas hold, that they do not crash."""

from __future__ import annotations

import jsonschema

from gym_llm import sampling
from gym_llm.conformance.basics import sampled_calls
from gym_llm.conformance.player import shown
from gym_llm.conformance.probes import Skipped, probe
from gym_llm.conformance.subject import Subject
from gym_llm.errors import ToolError

_SAMPLES = 30


@probe(cure="Give every parameter a type whose schema is closed; OpenAI's strict mode refuses open objects.")
def strict_schemas(subject: Subject) -> str | None:
    """The tools' schemas are valid, and fit OpenAI's strict mode."""
    tools = subject.env_class.tools
    if not tools:
        raise Skipped("it has no tools")
    for tool in tools.values():
        try:
            jsonschema.Draft202012Validator.check_schema(tool.parameters)
        except jsonschema.SchemaError as error:
            return f"tool {tool.name!r} has no valid JSON Schema: {error.message[:200]}"
        if not tool.strict:
            return f"tool {tool.name!r} has a schema that strict mode refuses: {shown(tool.parameters)}"
    return None


@probe(cure="Let the schema say what the tool's checking asks: enum, minimum, maximum, a model for nested objects.")
def schema_arguments(subject: Subject) -> str | None:
    """Arguments that satisfy a tool's schema are accepted by its checking."""
    tools = subject.env_class.tools
    if not tools:
        raise Skipped("it has no tools")
    rng = subject.rng(3)
    for tool in tools.values():
        for _ in range(_SAMPLES):
            arguments = sampling.value(rng, tool.parameters)
            try:
                tool.checked(arguments)
            except ToolError as error:
                return f"tool {tool.name!r} refuses {shown(arguments)}: {error}"
    return None


@probe(cure="Raise gym_llm.ToolError with a text for the model; anything else is a crash.")
def tool_crashes(subject: Subject) -> str | None:
    """Tools do not crash on arguments that satisfy their schema."""
    player = subject.player()
    if not subject.env_class.tools:
        raise Skipped("it has no tools")
    for call in sampled_calls(subject, player, _SAMPLES):
        for crash in player.course.last.get("crashes", ()):
            return f"{call.name}({call.raw_arguments:.200}) raised {crash['type']}: {crash['message']:.200}"
    return None
