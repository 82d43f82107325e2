"""Token data of a model call: asked for, read from every place that servers put it, and held against each other.

Prompt ids, generated ids and their log probabilities, all three or an error: ids are never made from text here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from gym_llm.errors import ModelError
from gym_llm.items import Item
from gym_llm.policies import failures
from gym_llm.policies.chat.conversion import TOKEN_KEYS
from gym_llm.policies.failures import Failure
from gym_llm.policies.settings import Settings

T = TypeVar("T")
_PREFIX = "token_id:"


def ask_for_tokens(body: dict[str, Any], completions: bool = False) -> None:
    """Add to a request what makes a server send its token ids (vLLM's names).

    Args:
        body: The request.
        completions: Whether it is one of `/completions`, where `logprobs` is a number.
    """
    if completions:
        body.setdefault("logprobs", 0)
    else:
        body["logprobs"] = True
        body.setdefault("top_logprobs", 0)
    body["return_tokens_as_token_ids"] = body["return_token_ids"] = True


def prompt_ids(answer: Mapping[str, Any]) -> list[int] | None:
    """Return the prompt ids that a completion carries, or None: then the server has to be asked for them.

    Raises:
        ModelError: They are no list of whole numbers.
    """
    found = answer.get("prompt_token_ids")
    if found is None:
        found = answer["choices"][0].get("prompt_token_ids")
    return None if found is None else _checked(found, list[int])


def generation(answer: Mapping[str, Any]) -> tuple[list[int], list[float]]:
    """Return the generated ids and their log probabilities.

    Raises:
        ModelError: One of them is missing or malformed, or the places that name them disagree.
    """
    choice = answer["choices"][0]
    named, probabilities = _log_probs(choice.get("logprobs"))
    ids = choice.get("token_ids")
    if ids is None:
        ids = [_token_id(token) for token in named]
    elif named and named[0].startswith(_PREFIX) and [_token_id(token) for token in named] != ids:
        raise _mismatch("token_ids and the ids in logprobs differ")
    if len(_checked(ids, list[int])) != len(probabilities):
        raise _mismatch(f"{len(ids)} generated ids and {len(probabilities)} log probabilities")
    return ids, probabilities


def attach(output: list[Item], prompt: list[int], ids: list[int], probabilities: list[float]) -> None:
    """Put the token data of a model call on its last output item."""
    output[-1] |= dict(zip(TOKEN_KEYS, (prompt, ids, probabilities), strict=True))


def tokenize(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request that asks vLLM's `/tokenize` for the prompt ids of a request."""
    if "prompt" in body:
        return {"model": body["model"], "prompt": body["prompt"]}
    names = ("model", "messages", "tools", "chat_template_kwargs")
    return {name: body[name] for name in names if name in body} | {"add_generation_prompt": True}


def check_tokens(answer: dict[str, Any], settings: Settings) -> Failure | None:
    """Return why a decoded body is no answer of `/tokenize`, or None when it is one."""
    try:
        msgspec.convert(answer.get("tokens"), list[int])
    except msgspec.ValidationError:
        return failures.unusable("/tokenize gave no list of token ids", settings)
    return None


def check_prompt(ids: list[int], answer: Mapping[str, Any]) -> list[int]:
    """Return prompt ids that came from another request, held against the completion's own count.

    Raises:
        ModelError: They are not as many as the completion counted.
    """
    counted = (answer.get("usage") or {}).get("prompt_tokens")
    if counted is not None and counted != len(ids):
        raise _mismatch(f"/tokenize gave {len(ids)} prompt ids, the completion counted {counted}")
    return ids


def prefix(items: list[Item]) -> list[int] | None:
    """Return the tokens that a conversation is known to begin with: the last call's prompt and generation."""
    for item in reversed(items):
        if item.get("generation_token_ids") is not None and item.get("prompt_token_ids") is not None:
            return [*item["prompt_token_ids"], *item["generation_token_ids"]]
    return None


class _Token(Struct):
    token: str
    logprob: float


class _Chat(Struct):
    content: list[_Token]


class _Completions(Struct):
    tokens: list[str]
    token_logprobs: list[float]


def _log_probs(said: Any) -> tuple[list[str], list[float]]:
    """Return tokens and log probabilities in the form of either API."""
    if not isinstance(said, dict) or (said.get("content") is None and said.get("token_logprobs") is None):
        raise _mismatch("the server sent no log probabilities")
    if "token_logprobs" in said:
        flat = _checked(said, _Completions)
        return flat.tokens, flat.token_logprobs
    entries = _checked(said, _Chat).content
    return [entry.token for entry in entries], [entry.logprob for entry in entries]


def _token_id(token: str) -> int:
    number = token.removeprefix(_PREFIX)
    if number == token or not number.isdecimal():
        raise _mismatch("the server sent no token ids (vLLM does, other servers need not)")
    return int(number)


def _checked(value: Any, kind: type[T]) -> T:
    """Return a value that has the shape it should have."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _mismatch(f"malformed token data: {error}") from None


def _mismatch(what: str) -> ModelError:
    return ModelError(f"return_token_ids: {what}; no token data can be trusted here", kind="invalid_response")
