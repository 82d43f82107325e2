"""Running one tool call inside an episode, so that whatever the model wrote ends as an answer.

The one place where a tool's failure is turned into text for the model. Which tools there are is said in
`tools.py`; what happens after the calls is the core's.
"""

from __future__ import annotations

import asyncio
import inspect
import traceback
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Any

import msgspec

from gym_llm import bridge
from gym_llm.episode import ToolCall
from gym_llm.errors import ToolError, did_you_mean
from gym_llm.items import ModelJSONError, parse_model_json, scrub_text
from gym_llm.tools import Tool, answer


def run(
    call: ToolCall, env: object, tools: Mapping[str, Tool], offered: Collection[str], timeout: float,
    max_chars: int, answer_call: Callable[[ToolCall], Any] | None = None,
) -> dict[str, Any] | None:  # fmt: skip
    """Run a call and write its answer into it.

    Args:
        call: The call; `output`, `arguments` and `error` are filled in.
        env: What method tools are bound to.
        tools: The environment's tools by name.
        offered: Names of the tools that the task offers.
        timeout: Seconds that an awaiting tool may take.
        max_chars: Longest answer, in characters.
        answer_call: Answers the calls that are of none of these tools; without it they are refused.

    Returns:
        When the tool crashed, a report for the author: `tool`, `type`, `message`, `traceback`.
    """
    crash = None
    try:
        tool = tools.get(call.name) if call.name in offered else None
        if tool is not None:
            arguments = call.arguments = tool.checked(parsed(call.raw_arguments))
            result = tool.function(env, **arguments) if tool.method else tool.function(**arguments)
        elif answer_call is not None:
            result = answer_call(call)
        else:
            raise unknown(call.name, tools, offered)
        if inspect.isawaitable(result):
            result = _awaited(call.name, result, timeout)
        call.output = _capped(answer(result), max_chars)
    except ToolError as error:
        _fail(call, str(error))
    except (Exception, SystemExit) as error:  # boundary: a crash of environment code is answered, and reported
        _fail(call, f"{call.name} failed: {type(error).__name__}")
        crash = {
            "tool": call.name, "type": type(error).__name__, "message": scrub_text(str(error)),
            "traceback": scrub_text("".join(traceback.format_exception(error))),
        }  # fmt: skip
    return crash


def refuse(call: ToolCall, reason: str) -> None:
    """Answer a call that is not run."""
    _fail(call, reason)


def unknown(name: str, tools: Iterable[str], offered: Collection[str]) -> ToolError:
    """Return what the model is told when it calls a tool that there is not."""
    known = [known for known in tools if known in offered]
    shown = f"The tools are {', '.join(known)}." if known else "There are no tools."
    return ToolError(f"unknown tool {name[:80]!r}.{did_you_mean(name[:80], known)} {shown}")


def parsed(arguments: str) -> Any:
    """Return a call's arguments as data; an empty text stands for none.

    Raises:
        ToolError: They are no JSON.
    """
    try:
        return parse_model_json(arguments) if arguments.strip() else {}
    except ModelJSONError as error:
        raise ToolError(f"the arguments are not valid JSON: {error}") from None


def _awaited(name: str, result: Awaitable[Any], timeout: float) -> Any:
    try:
        return bridge.wait(_limited(result, timeout))
    except TimeoutError:
        raise ToolError(f"{name} did not answer within {timeout:g} seconds") from None


async def _limited(awaitable: Any, timeout: float) -> Any:
    async with asyncio.timeout(timeout):
        return await awaitable


def _capped(output: Any, max_chars: int) -> Any:
    if not isinstance(output, str) or len(output) <= max_chars:
        return output
    return f"{output[:max_chars]}\n(cut: {max_chars} of {len(output)} characters)"


def _fail(call: ToolCall, reason: str) -> None:
    call.error = scrub_text(reason)
    call.output = msgspec.json.encode({"error": call.error}).decode()
