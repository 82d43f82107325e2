"""The environment: which text or call is the payload, the reward and the reference solution."""

from __future__ import annotations

from typing import Any

import numpy as np

from gym_llm import pool
from gym_llm.core import ResponsesEnv
from gym_llm.envs.structured_outputs import documents
from gym_llm.envs.structured_outputs.parsing import MAX_CHARS, MAX_DEPTH
from gym_llm.envs.structured_outputs.task import StructuredTask
from gym_llm.envs.structured_outputs.writing import write
from gym_llm.episode import Episode, ToolCall, Verification
from gym_llm.errors import ConfigError, DefinitionError
from gym_llm.items import Item, ModelJSONError, assistant_message, function_call, message_text, parse_model_json


class StructuredOutputs(ResponsesEnv):
    """Write a document in JSON, YAML, XML, TOML or CSV, or call a tool, so that a schema is satisfied.

    Tasks:
        `schema_str`: a JSON Schema as text; `schema_type`: json (default), yaml, xml, toml or csv;
        `response_mode`: `text` (default) or `tool_call`, then with `tool_name` and perhaps `tool_payload_key`. Rows
        of NeMo Gym's structured_outputs server load unchanged. Ours may add `gold`, what the document should say,
        and `strict`. Bundled: 12 rows made by the generator, Apache-2.0. Unlimited, with the knobs `format`,
        `num_fields`, `nested` and `response_mode`.
    Tools:
        None of its own; in tool mode the row's, whose first call is the answer and is not run.
    Reward:
        1.0 when the payload can be read, satisfies the schema, has no text around it and, where the row has
        `gold`, says just that; else 0.0. Named rewards: `correct`, which is the reward, `parse_ok`,
        `schema_ok`, `no_extra_text`, `content` (F1 of fields against `gold`; 1 without) and `grounded` (share
        of texts and numbers that occur in the prompt as whole words). The verification also says `error_type`,
        `error_message` and the row's own metadata. The schema counts as it is shown, formats included, where
        NeMo Gym makes every property required and forbids others (`strict=True`); only a schema that is invalid
        otherwise is made strict. XML document types, texts over 200,000 characters, nesting beyond 64, NaN,
        infinities, numbers of more than 4,300 digits, names that stand twice in a JSON object and CSV rows
        longer than their header are not read, nor paid as NeMo Gym may. A schema's regex that runs past
        `grade_timeout` gives an error and no reward.
    Episode end:
        The first message; in tool mode also the first action with a call; or 4 turns.
    Known shortcuts:
        Rows without `gold` pay for any content that satisfies the schema, also for empty texts and zeros;
        `grounded=True` asks that all of it occurs in the prompt.
    Version history:
        v0: first version.

    Args:
        strict: Whether all properties are required and no others allowed; overrides the rows' own.
        tolerate_fences: Whether a payload may stand in one fenced block, without other text.
        xml_coerce_types: Whether texts in XML become numbers and booleans where the schema asks for them.
        formats: Whether `format` in a schema is checked (dates, addresses).
        content: `exact`, `f1` to pay the F1 of fields, or `off` to leave `gold` aside.
        grounded: Pay only when every text and number occurs in the prompt.
        grade_timeout: Seconds that grading may take.
        **settings: As for every environment: `dataset`, `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.
    """

    Task = StructuredTask
    domain = "instruction_following"
    max_turns = 4
    reward_weights = {  # noqa: RUF012
        "correct": 1.0, "parse_ok": 0.0, "schema_ok": 0.0, "no_extra_text": 0.0, "content": 0.0, "grounded": 0.0,
    }  # fmt: skip

    def __init__(
        self, *, strict: bool | None = None, tolerate_fences: bool = False, xml_coerce_types: bool = True,
        formats: bool = True, content: str = "exact", grounded: bool = False, grade_timeout: float = 10.0,
        **settings: Any,
    ) -> None:  # fmt: skip
        if content not in ("exact", "f1", "off"):
            raise ConfigError(f"content={content!r}: give 'exact', 'f1' or 'off'")
        if not grade_timeout > 0:
            raise ConfigError(f"grade_timeout={grade_timeout}: give seconds above 0")
        super().__init__(**settings)
        self.strict, self.tolerate_fences, self.xml_coerce_types = strict, tolerate_fences, xml_coerce_types
        self.formats, self.content, self.grounded, self.grade_timeout = formats, content, grounded, grade_timeout

    def answer_call(self, call: ToolCall) -> Any:
        """Take a call of tool mode as it is: it is the answer, and nothing runs."""
        if self.task.response_mode != "tool_call":
            return super().answer_call(call)
        self.end_episode()
        return "received"

    async def verify(self, task: StructuredTask, episode: Episode) -> Verification:
        """Find the payload and have it judged in a process that can be killed."""
        kind, problem, text = "json", None, "".join(episode.messages)
        if task.response_mode == "tool_call":
            text, problem = _payload(task, episode.calls)
        else:
            kind = task.schema_type
        if problem:
            return self._verification(task, {"error_type": problem[0], "error_message": problem[1][:200]})
        found = await pool.default().acall(
            "gym_llm.envs.structured_outputs.grading:grade", text, kind, task.schema_str,
            task.strict if self.strict is None else self.strict, self.tolerate_fences, self.xml_coerce_types,
            self.formats, None if self.content == "off" else task.gold,
            "\n".join(message_text(item) for item in task.prompt), timeout=self.grade_timeout,
        )  # fmt: skip
        return self._verification(task, found)

    def _verification(self, task: StructuredTask, found: dict[str, Any]) -> Verification:
        content = found.get("content")
        parts = {name: float(found.get(name, False)) for name in ("parse_ok", "schema_ok", "no_extra_text")}
        correct = min(parts.values())
        if content is not None:
            correct *= content if self.content == "f1" else float(content == 1.0)
        grounded = float(found.get("grounded", 0.0))
        if self.grounded and grounded < 1.0:
            correct = 0.0
        read = 1.0 if content is None and parts["parse_ok"] else content or 0.0
        return Verification(
            rewards={"correct": correct, **parts, "content": read, "grounded": grounded},
            error_type=found.get("error_type"), error_message=found.get("error_message"), **task.dimensions,
        )  # fmt: skip

    def solve(self, task: StructuredTask) -> list[list[Item]]:
        """Write what the row says the document should say."""
        if task.gold is None:
            raise DefinitionError("this row has no gold: only rows that say what the document holds can be solved")
        if task.response_mode == "text":
            return [[assistant_message(write(task.schema_type, task.gold))]]
        key = task.tool_payload_key
        return [[function_call(str(task.tool_name), {key: task.gold} if key else task.gold)]]

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: Any) -> dict[str, Any]:
        """Make a row; see `documents.row` for the knobs."""
        return documents.row(rng, **knobs)


def _payload(task: StructuredTask, calls: list[ToolCall]) -> tuple[str, tuple[str, str] | None]:
    """Return the payload of the one call as JSON text, or the kind of what is wrong and a sentence."""
    if not calls:
        return "", ("missing_tool_call", "there is no tool call")
    if len(calls) > 1:
        return "", ("multiple_tool_calls", f"there are {len(calls)} tool calls")
    text, key = calls[0].raw_arguments, task.tool_payload_key
    if calls[0].name != task.tool_name:
        return "", ("wrong_tool_name", f"{calls[0].name[:80]!r} was called, not {task.tool_name!r}")
    try:
        arguments = parse_model_json(text, max_chars=MAX_CHARS, max_depth=MAX_DEPTH)
    except ModelJSONError as error:
        return "", ("tool_arguments_parse_error", str(error))
    if key is None:
        return write("json", arguments), None
    if not isinstance(arguments, dict) or key not in arguments:
        return "", ("missing_tool_payload_key", f"the arguments have no {key!r}")
    return write("json", arguments[key]), None
