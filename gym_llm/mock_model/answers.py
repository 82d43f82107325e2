"""What the mock model answers: callables from a request to output items.

An answerer sees every conversation as Responses items, whichever API it came by. It does no I/O and runs in
the server's event loop, so it has to be quick. Answers from environments' `solve` are in `solve.py`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from gym_llm.errors import ConfigError, ModelError
from gym_llm.items import Item, assistant_message, function_call
from gym_llm.mock_model.config import MockModelConfig
from gym_llm.mock_model.conversation import essence, turn_number
from gym_llm.mock_model.model_call import Answer, Answerer, Request
from gym_llm.mock_model.solve import SolveAnswers


class FixedAnswers:
    """The same text, always.

    >>> FixedAnswers("Yes.")(Request([], [], {}, "responses", 1))[0]["role"]
    'assistant'
    """

    def __init__(self, text: str) -> None:
        self._output = [assistant_message(text)]

    def __call__(self, request: Request) -> Sequence[Item]:
        """Return the message."""
        return self._output


class ScriptAnswers:
    """Turn t of every conversation is answered by action t; the turn is counted in the conversation itself.

    Args:
        script: One action per turn: a text, a list of items, an `Answer`, or a mapping with its fields.
    """

    def __init__(self, script: Sequence[str | Sequence[Item] | dict[str, Any] | Answer]) -> None:
        self._answers = [_as_answer(action) for action in script]
        self._actions = [answer.output for answer in self._answers]

    def __call__(self, request: Request) -> Answer:
        """Return the turn's answer; a conversation longer than the script is refused."""
        turn = turn_number(self._actions, request.input)
        if turn >= len(self._answers):
            raise ModelError(
                f"The mock model's script has {len(self._answers)} actions and turn {turn} (from 0) was asked for. "
                "Add actions to `script`, or lower max_turns.",
                kind="bad_request", status=400,
            )  # fmt: skip
        return self._answers[turn]


def _as_answer(action: str | Sequence[Item] | dict[str, Any] | Answer) -> Answer:
    if isinstance(action, Answer):
        return action
    if isinstance(action, str):
        return Answer([assistant_message(action)])
    if not isinstance(action, dict):
        return Answer(action)
    unknown = sorted(set(action) - {"output", "status", "reason", "usage"})
    if unknown or not isinstance(action.get("output"), str | list):
        raise ConfigError(f"script: an action needs `output` (text or items) and knows no {unknown}")
    incomplete = action.get("status") == "incomplete"
    reason = action.get("reason", "max_output_tokens" if incomplete else None)
    return Answer(_as_answer(action["output"]).output, reason, action.get("usage"))


class EchoAnswers:
    """The text of the last item of the conversation."""

    def __call__(self, request: Request) -> Sequence[Item]:
        """Return the message."""
        return [assistant_message(essence(request.input[-1])[1] if request.input else "")]


class RandomAnswers:
    """Random words, or a call of a random tool with random (mostly wrong) arguments.

    Args:
        seed: Each answer is drawn from the seed and the request's number.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __call__(self, request: Request) -> Sequence[Item]:
        """Return one message or one call."""
        rng = random.Random(f"answers {self._seed} {request.number}")
        names = [tool["name"] for tool in request.tools if isinstance(tool.get("name"), str)]
        words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=rng.randint(1, 8))) for _ in range(9)]
        if names and rng.random() < 0.5:
            return [function_call(rng.choice(names), {words[0]: words[1]}, f"call_{request.number}")]
        return [assistant_message(" ".join(words))]


def build_answerer(config: MockModelConfig) -> Answerer:
    """Return the answerer that a configuration asks for."""
    kind = config.answers or ("solve" if config.solve else "script" if config.script else "fixed")
    if kind == "solve":
        return SolveAnswers([(source.id, source.kwargs) for source in config.solve], config.solve_seed)
    if kind == "script":
        return ScriptAnswers(config.script)
    if kind == "echo":
        return EchoAnswers()
    return RandomAnswers(config.seed) if kind == "random" else FixedAnswers(config.text)
