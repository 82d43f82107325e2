"""The environment: what a row holds, how an action with calls ends the episode, the reward."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import pydantic

from gym_llm import Episode, ResponsesEnv, Task, ToolCall, ToolError, Verification
from gym_llm.calls import parsed
from gym_llm.envs.xlam_fc import requests
from gym_llm.envs.xlam_fc.matching import Call, invented, matched
from gym_llm.errors import did_you_mean
from gym_llm.items import Item, assistant_message, function_call

MAX_SHOWN = 20


class ExpectedCall(pydantic.BaseModel):
    """A call that the model must make; arguments may stand as JSON text."""

    model_config = pydantic.ConfigDict(extra="allow", frozen=True)

    name: str
    arguments: dict[str, Any] = pydantic.Field(default_factory=dict)

    @pydantic.field_validator("arguments", mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError as error:
            raise ValueError(f"is no JSON: {error}") from None


class XlamFCTask(Task):
    """A request, the tools in `responses_create_params.tools`, and the calls that answer it."""

    expected_answers: list[ExpectedCall] = pydantic.Field(default_factory=list)


class XlamFC(ResponsesEnv):
    """Answer one request with the right function calls: one, several at once, or none when no tool fits.

    Tasks:
        `responses_create_params.tools`: the tools that this row offers. `expected_answers`: the calls, each with
        `name` and `arguments`; empty when no call is right. Rows of NeMo Gym's xlam_fc server load unchanged
        (arguments may be JSON text). Bundled: 12 rows made by the generator, Apache-2.0. Unlimited, from 28
        families of tools, with the knobs `kind` (`single`, `parallel`, `irrelevant`, `no_call`, `mixed`),
        `num_tools` and `num_calls`.
    Tools:
        Those of the row. They are not run: a call is read, recorded and answered `{"status": "recorded"}`.
    Reward:
        1.0 when every expected call was made, with its name and every expected argument, and no other call was;
        otherwise 0.0. Where no call is expected, a message without calls pays 1.0. Order does not matter. Unlike
        there: calls are assigned as well as they can be, where the first that fits was taken; true is not 1;
        arguments that are no JSON object match nothing (there they are read as no arguments); saying nothing at
        all pays nothing. Named rewards: `correct`, `strict` (correct, and no argument was invented: none beyond
        the expected that is not the tool's declared default) and `names_ok`. The reward is `correct`, or `strict`
        with `strict=True`. The verification also counts `invented_arguments`, `invalid_arguments` and
        `unknown_tools`.
    Episode end:
        The first action with a call or a message, or 4 turns.
    Known shortcuts:
        Where no call is right, any message pays: what it says is not judged.
    Version history:
        v0: first version.

    Args:
        strict: Pay only calls without invented arguments.
        **settings: As for every environment: `dataset`, `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.
    """

    Task = XlamFCTask
    domain = "agent"
    max_turns = 4
    reward_weights = {"correct": 1.0, "strict": 0.0, "names_ok": 0.0}  # noqa: RUF012
    known_shortcuts = dict.fromkeys(
        ("paid-echo", "paid-refusal", "paid-all-candidates"),
        "where no tool fits, the right answer is any message without a call, and what it says is not judged",
    )

    def __init__(self, *, strict: bool = False, **settings: Any) -> None:
        super().__init__(**settings)
        self.strict = strict

    def answer_call(self, call: ToolCall) -> str:
        """Read and record a call, which ends the episode: a row's tools are declarations without functions."""
        self.end_episode()
        arguments = parsed(call.raw_arguments)
        if not isinstance(arguments, dict):
            raise ToolError("the arguments are not a JSON object")
        call.arguments = arguments
        offered = [tool.get("name", "") for tool in self.task.create_params.get("tools", ())]
        if call.name not in offered:
            raise ToolError(f"unknown tool {call.name[:80]!r}.{did_you_mean(call.name[:80], sorted(offered))}")
        return '{"status": "recorded"}'

    def verify(self, task: XlamFCTask, episode: Episode) -> Verification:
        """Assign the calls to the expected ones; all must be taken on both sides."""
        made = [Call(call.name, call.arguments) for call in episode.calls]
        expected = [Call(call.name, call.arguments) for call in task.expected_answers]
        pairs = matched(made, expected)
        tools = {tool.get("name"): tool for tool in task.create_params.get("tools", ())}
        extra = [
            f"{made[place].name}.{key}" for number, place in pairs.items()
            for key in invented(made[place], expected[number], tools.get(made[place].name, {}))
        ]  # fmt: skip
        said = bool(made) or bool(episode.last_message.strip())
        correct = said and len(pairs) == len(expected) == len(made)
        names = said and Counter(call.name for call in made) == Counter(call.name for call in expected)
        strict = correct and not extra
        return Verification(
            float(strict if self.strict else correct),
            rewards={"correct": float(correct), "strict": float(strict), "names_ok": float(names)},
            num_expected=len(expected), num_predicted=len(made), num_correct=len(pairs),
            invented_arguments=len(extra), invented=extra[:MAX_SHOWN],
            invalid_arguments=sum(call.arguments is None for call in made),
            unknown_tools=sum(call.name not in tools for call in made),
            predicted_calls=[{"name": call.name, "arguments": call.arguments} for call in made[:MAX_SHOWN]],
        )  # fmt: skip

    def solve(self, task: XlamFCTask) -> list[list[Item]]:
        """Make the expected calls at once, or say that there is nothing to call."""
        if not task.expected_answers:
            return [[assistant_message("I have no tool for that.")]]
        return [[
            function_call(call.name, call.arguments, f"call_{number}")
            for number, call in enumerate(task.expected_answers)
        ]]  # fmt: skip

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: Any) -> dict[str, Any]:
        """Make a row; see `requests.row` for the knobs."""
        return requests.row(rng, **knobs)
