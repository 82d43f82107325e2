"""`ChatCompletionsPolicy`: a model behind Chat Completions, as vLLM and most other servers speak it.

It turns an observation into a chat request and the completion into a response. The rules are in the modules beside
this one; retries, pauses and limits are the endpoint's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import msgspec
import numpy as np
from pydantic import SecretStr

from gym_llm.errors import ConfigError, ModelError
from gym_llm.items import Item
from gym_llm.policies.chat import capture, completion, request
from gym_llm.policies.chat.conversion import chat_messages
from gym_llm.policies.chat.options import Options, TokenHistory
from gym_llm.policies.chat.request import Body, Fields
from gym_llm.policies.chat.rules import ReasoningHistory
from gym_llm.policies.chat.templates import for_completions
from gym_llm.policies.connections import Connections
from gym_llm.policies.endings import ENDINGS, ended
from gym_llm.policies.endpoint import Answer
from gym_llm.policies.policy import Act, Policy
from gym_llm.policies.sampled import OPEN, SampledPolicy, laid_over
from gym_llm.policies.served import ServedPolicy

MAX_BODY = 32 * 1024 * 1024
EPISODE_SEED = "episode"

Params = Mapping[str, Any]


class ChatCompletionsPolicy(ServedPolicy):
    """A policy that calls a model by the Chat Completions API.

    Args:
        model: The model's name.
        base_url: Address of the API; `OPENAI_BASE_URL` or OpenAI's own when left out.
        api_key: The key, for this process only: specs, pickles and records do not hold it.
        api_key_env: The environment variable to read the key from when none is given; None for no key.
        completions: For base models: True calls `/completions` with the conversation as plain text; `module:name`
            names a function of (messages, tools) that writes the prompt.
        reasoning_history: How past reasoning is sent: `think_tags` before the text, the field
            `reasoning_content`, `interleaved` (that and `reasoning`), or `drop`.
        parse_reasoning: Whether `<think>` blocks of answers become `reasoning` items.
        think_opened: Whether the chat template opens the block, so that answers begin inside it.
        replace_developer_role_with_system: For templates that know no `developer`.
        keep_strict: Whether tools keep `strict`.
        return_token_ids: Ask for token ids and log probabilities (vLLM's way), and fail without them.
        token_history: What goes back of them: `drop`, `messages` (on each past message) or `required_prefix`.
        version_header: HTTP header in which the server names the version of its weights.
        max_in_flight: Requests in flight at most, over all episodes of one event loop.
        timeout: Seconds for one attempt, answer included.
        max_attempts: Attempts per request; only failures that may pass are tried again.
        max_body: Bytes of an answer at most.
        **sampling: For every call, over the row's: names of either API (`temperature`, `max_output_tokens`,
            `seed`, `stop` ...), `chat_template_kwargs`, and `extra_body` for keys that only your server knows.
            `seed="episode"` draws one per request from the episode's sampling seed.

    Raises:
        ConfigError: A setting cannot be used.

    >>> policy = ChatCompletionsPolicy("qwen", "http://localhost:8000/v1", temperature=0.7, think_opened=True)
    >>> policy.spec()["temperature"], policy.spec()["think_opened"]
    (0.7, True)
    """

    def __init__(
        self, model: str, base_url: str | None = None, api_key: str | SecretStr | None = None,
        api_key_env: str | None = "OPENAI_API_KEY", completions: bool | str = False,
        reasoning_history: ReasoningHistory = "think_tags", parse_reasoning: bool = True,
        think_opened: bool = False, replace_developer_role_with_system: bool = False, keep_strict: bool = False,
        return_token_ids: bool = False, token_history: TokenHistory = "drop", version_header: str | None = None,
        max_in_flight: int = 1024, timeout: float = 600.0, max_attempts: int = 5, max_body: int = MAX_BODY,
        **sampling: Any,
    ) -> None:  # fmt: skip
        self._connections = Connections(
            model, base_url, api_key, api_key_env, timeout,
            max_in_flight=max_in_flight, max_attempts=max_attempts, max_body=max_body,
        )  # fmt: skip
        self._options = Options(
            reasoning_history, parse_reasoning, think_opened, replace_developer_role_with_system, keep_strict,
            return_token_ids, token_history, version_header, completions,
        )  # fmt: skip
        self._rules, self._template = self._options.rules, self._options.template
        self._path = "/chat/completions" if self._template is None else "/completions"
        self._sampling, self._fields = _checked(sampling, keep_strict)

    async def __call__(self, observation: list[Item], info: dict[str, Any]) -> dict[str, Any]:
        """Return the model's answer as a response.

        Args:
            observation: The conversation so far.
            info: `responses_create_params` holds the row's tools and sampling; it may be missing.

        Returns:
            A Responses object (`output`, `usage`, `status`, `incomplete_details` ...), with `_gym_llm`: `latency`
            (seconds of the attempt that succeeded), `attempts` (those that failed) and `policy_version`, if known.
            A conversation that is too long, or that the server's filter refuses, is an incomplete response with
            the reason `context_overflow` or `content_filter`, and no output.

        Raises:
            ModelError: There is no answer, or the row asks for what chat has not.
        """
        return await self._answer(observation, info.get("responses_create_params") or {}, None)

    def for_episode(self, env: gymnasium.Env[Any, Any], seed: int) -> Act:
        """Return the policy itself, or with `seed="episode"` what draws a seed for each request."""
        if self._sampling.get("seed") != EPISODE_SEED:
            return self

        async def seeded(observation: list[Item], info: dict[str, Any]) -> dict[str, Any]:
            drawn = np.random.SeedSequence([seed, len(observation)]).generate_state(1)[0]
            return await self._answer(observation, info.get("responses_create_params") or {}, int(drawn))

        return seeded

    def spec(self) -> dict[str, Any]:
        """Return the configuration; of the key, only its environment variable."""
        return {"type": "chat", **self._connections.spec(), **self._options.changed(), **self._sampling}

    def sampled(self, sampling: Mapping[str, Any]) -> Policy:
        """Return this policy with other sampling, which wins over the row's in everything."""
        policy = self._copied()
        laid = laid_over(self._sampling, sampling)
        policy._sampling, policy._fields = _checked(laid, self._options.keep_strict)
        return SampledPolicy(policy, sampling)

    def create_call(self, params: Params) -> dict[str, Any]:
        """Return the create call that is made of a row's, under the names that the row and the policy use."""
        row = {name: params[name] for name in OPEN if name in params}
        return laid_over(laid_over(params, self._sampling), row)

    async def _answer(self, observation: list[Item], params: Params, seed: int | None) -> dict[str, Any]:
        body = self._body(observation, params, seed)
        endpoint = await self._connections.endpoint(self._path)
        try:
            answer = await endpoint.ask(request.encoded(body), completion.check)
        except ModelError as error:
            if error.kind in ENDINGS:
                return ended(error, params)
            raise
        captured = self._options.return_token_ids
        made = completion.response(answer.body, self._rules, params, not captured and bool(body.get("logprobs")))
        if captured:
            await self._capture(made["output"], answer.body, body)
        made["_gym_llm"] = {"latency": answer.latency, "attempts": answer.attempts} | self._version(answer)
        return made

    def _body(self, observation: list[Item], params: Params, seed: int | None) -> Body:
        """Return the request."""
        row = request.read_params(params, self._options.keep_strict)
        body, instructions = request.merged(row, self._fields)
        body["model"] = self._connections.model
        body["messages"] = chat_messages(observation, self._rules, instructions)
        if seed is not None:
            body["seed"] = seed
        if self._template is not None:
            prompt = self._template(body["messages"], body.get("tools") or [])
            body = for_completions(body, prompt, self._options.stops)
        if self._options.return_token_ids:
            capture.ask_for_tokens(body, self._template is not None)
        known = capture.prefix(observation) if self._options.token_history == "required_prefix" else None
        return body if known is None else body | {"required_prefix_token_ids": known}

    async def _capture(self, output: list[Item], answer: dict[str, Any], body: Body) -> None:
        """Put the call's token data on its last item."""
        ids, probabilities = capture.generation(answer)
        prompt = capture.prompt_ids(answer)
        if prompt is None:
            address = self._connections.base_url.removesuffix("/v1")
            endpoint = await self._connections.endpoint("/tokenize", address)
            asked = await endpoint.ask(request.encoded(capture.tokenize(body)), capture.check_tokens)
            prompt = capture.check_prompt(asked.body["tokens"], answer)
        capture.attach(output, prompt, ids, probabilities)

    def _version(self, answer: Answer) -> dict[str, Any]:
        """Return the version of the weights that answered, where the server names it."""
        header, body = self._options.version_header, answer.body
        inner = body["metadata"] if isinstance(body.get("metadata"), dict) else {}
        said = answer.headers.get(header) if header else body.get("policy_version", inner.get("weight_version"))
        if said is None:
            return {}
        return {"policy_version": int(said) if isinstance(said, str) and said.isdecimal() else said}


def _checked(sampling: Params, keep_strict: bool) -> tuple[dict[str, Any], Fields]:
    """Return the sampling settings without those that are None, and what they say to the server.

    Raises:
        ConfigError: A name is unknown, or a value cannot be used.
    """
    given = {name: value for name, value in sampling.items() if value is not None}
    try:
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(given))
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        raise ConfigError(f"the policy's settings {sorted(given)} must be plain JSON: {error}") from None
    try:
        fields = request.read_params(plain, keep_strict)
    except ModelError as error:
        raise ConfigError(str(error)) from None
    if fields.body.get("seed") == EPISODE_SEED:
        del fields.body["seed"]
    return plain, fields
