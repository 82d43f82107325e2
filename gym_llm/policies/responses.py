"""The Responses API as the policies use it: what a create call may say, and what a usable response is.

Plain dicts on both sides: building the `openai` package's objects would cost ten times the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gym_llm.errors import ConfigError, did_you_mean
from gym_llm.items import Item, scrub
from gym_llm.policies import failures
from gym_llm.policies.failures import Failure
from gym_llm.policies.settings import Settings

CREATE_PARAMS = frozenset({
    "context_management", "conversation", "extra_body", "include", "instructions", "max_output_tokens",
    "max_tool_calls", "metadata", "moderation", "parallel_tool_calls", "previous_response_id", "prompt",
    "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "reasoning", "safety_identifier",
    "service_tier", "store", "temperature", "text", "tool_choice", "tools", "top_logprobs", "top_p", "truncation",
    "user",
})  # fmt: skip
"""What may be set for every call (OpenAI's reference, "Create a model response"); `extra_body` takes the rest."""

_REFUSED = {
    "stream": "answers are read whole",
    "background": "answers are waited for",
}


def checked_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the create parameters that a policy adds to every call, without those that are None.

    Raises:
        ConfigError: A name is unknown, or a value is not plain JSON.
    """
    for name in params:
        if name not in CREATE_PARAMS and not (name in _REFUSED and not params[name]):
            raise ConfigError(_unknown(name))
    given = {name: value for name, value in params.items() if value is not None and name not in _REFUSED}
    try:
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(given))
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        raise ConfigError(f"the policy's settings {sorted(given)} must be plain JSON: {error}") from None
    if not isinstance(plain.get("extra_body", {}), dict):
        raise ConfigError(f"extra_body={plain['extra_body']!r}: give a mapping of keys that only your server knows")
    return plain


def _unknown(name: str) -> str:
    if name in _REFUSED:
        return f"{name} cannot be used: {_REFUSED[name]}"
    near = did_you_mean(name, CREATE_PARAMS)
    return f"{name!r} is no setting of this policy.{near} Keys that only your server knows go in extra_body={{...}}"


def encoded(model: str, sampling: Mapping[str, Any], params: Mapping[str, Any], observation: list[Item]) -> bytes:
    """Return the body of a create call: the row's parameters, then the policy's, then model and input.

    Args:
        model: The model's name.
        sampling: What the policy adds, as `checked_params` returned it.
        params: What the row says; None stands for not saying it.
        observation: The input.

    Raises:
        ConfigError: The row asks for streaming or for a background response.
    """
    body = {name: value for name, value in params.items() if value is not None}
    body.update(sampling)
    for name, why in _REFUSED.items():
        if name in body and body.pop(name):
            raise ConfigError(f"responses_create_params: {name} cannot be used: {why}")
    if "extra_body" in body:
        body = {**(params.get("extra_body") or {}), **sampling.get("extra_body", {}), **body}
        del body["extra_body"]
    body["model"], body["input"] = model, observation
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:  # a lone surrogate in hand-made items
        return msgspec.json.encode(scrub(body, max_depth=1000))


def check(response: dict[str, Any], settings: Settings) -> Failure | None:
    """Return why a decoded body is no finished response, or None when it is one."""
    error = response.get("error")
    status = response.get("status")
    if error or status == "failed":
        return failures.from_error_object(error or "the response has status 'failed'", settings)
    if status not in ("completed", "incomplete"):
        if "choices" in response:
            what = "a chat completion, not a response: the server speaks another API than was asked for"
        else:
            what = f"not a finished response (status {str(status)[:40]!r})"
        return failures.unusable(f"the answer is {what}", settings)
    output = response.get("output")
    if not isinstance(output, list) or not all(type(item) is dict and "type" in item for item in output):
        return failures.unusable("the response has no list of output items", settings)
    return None
