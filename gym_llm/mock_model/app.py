"""The mock model's routes: from an HTTP request to the reply that the connection plays.

Here the parts meet: key and rate, the two APIs, answers, tokens, latency, faults and counters. No sockets.
"""

from __future__ import annotations

import hmac
import re
import time
from collections import deque
from typing import Any

import msgspec

from gym_llm.errors import ModelError
from gym_llm.items import Item
from gym_llm.mock_model import azure, chat_api, responses_api
from gym_llm.mock_model.answers import build_answerer
from gym_llm.mock_model.config import FaultConfig, MockModelConfig
from gym_llm.mock_model.faults import INCOMPLETE, FaultPlan, broken, error_status
from gym_llm.mock_model.http import HttpRequest
from gym_llm.mock_model.latency import parse_latency
from gym_llm.mock_model.model_call import Answer, Answerer, Request
from gym_llm.mock_model.replies import EVENTS, Content, Reply, error_content, honest, json_content, refusal
from gym_llm.mock_model.stats import Stats
from gym_llm.mock_model.tokens import item_tokens, log_probs, prompt_tokens

_CALLS = {b"/v1/responses": "responses", b"/v1/chat/completions": "chat"}
_PAGES = {b"/health", b"/stats", b"/v1/models"}
_MODEL_ALONE = re.compile(rb'\{"model": ?"[^"\\]*"\}')
_DEFAULT_MODEL = "mock-model"
_CHARS_PER_TOKEN = 4


class Application:
    """Answers HTTP requests.

    Args:
        config: All options.
        stats: Counters to add to.
        answerer: Answers in place of those that `config` describes.

    Attributes:
        recent: The last request bodies, as many as `config.keep_requests` says.
    """

    def __init__(self, config: MockModelConfig, stats: Stats, answerer: Answerer | None = None) -> None:
        self._config = config
        self._stats = stats
        self._answers = answerer or build_answerer(config)
        self._latency = parse_latency(config.latency, config.seed)
        self._faults = FaultPlan(config.faults, config.seed)
        self._limiter = RateLimiter(config.rate) if config.rate else None
        self._key = None if config.api_key is None else f"Bearer {config.api_key}".encode()
        self.recent: deque[dict[str, Any]] = deque(maxlen=config.keep_requests)

    def handle(self, http: HttpRequest) -> Reply:
        """Return the reply to a request; never raises."""
        if http.path.startswith(azure.ROOT):
            http = azure.translated(http)
        api = _CALLS.get(http.path)
        if api is None or http.method != b"POST":
            return honest(self._page(http, api))
        if _MODEL_ALONE.fullmatch(http.body):
            return honest(self._refused(http))
        number = self._stats.arrived()
        try:
            reply, status = self._call(http, api, number)
        except ModelError as error:
            reply, status = honest(refusal(error)), error.status or 400
        except Exception as error:  # boundary: an answerer's bug is shown to the client, the server goes on
            text = f"The mock model failed: {type(error).__name__}: {error}"
            reply, status = honest(error_content(500, text)), 500
        self._stats.rejected += status >= 400
        reply.on_end = self._stats.left
        return reply

    def _page(self, http: HttpRequest, api: str | None) -> Content:
        """Answer what is not a model call."""
        if api is not None or (http.path in _PAGES and http.method != b"GET"):
            allowed = b"GET" if api is None else b"POST"
            text = f"{http.path.decode('latin-1')} takes {allowed.decode()} only."
            return error_content(405, text, headers=b"Allow: %b\r\n" % allowed)
        if http.path == b"/health":
            return json_content({"status": "ok"})
        if http.path == b"/stats":
            return json_content(self._stats.as_dict())
        if http.path == b"/v1/models":
            name = self._config.model or _DEFAULT_MODEL
            entry = {"id": name, "object": "model", "created": 0, "owned_by": "gym_llm"}
            return self._unauthorized(http) or json_content({"object": "list", "data": [entry]})
        if http.path.startswith(b"/v1/models/"):
            name = http.path.removeprefix(b"/v1/models/").decode("utf-8", "replace")
            return self._unauthorized(http) or self._model(name)
        routes = ", ".join(route.decode() for route in (*_CALLS, *sorted(_PAGES)))
        return error_content(404, f"Nothing at {http.path.decode('latin-1')}. There are: {routes}.")

    def _model(self, name: str) -> Content:
        """Answer what is asked about one model; without a name of its own, the server has them all."""
        try:
            known = self._checked_model({"model": name})
        except ModelError as error:
            return refusal(error)
        return json_content({"id": known, "object": "model", "created": 0, "owned_by": "gym_llm"})

    def _refused(self, http: HttpRequest) -> Content:
        """Refuse a call without a conversation: clients probe with it, so it is not counted and meets no fault."""
        try:
            return self._unauthorized(http) or refusal(_empty(self._checked_model(_decoded(http))))
        except ModelError as error:
            return refusal(error)

    def _call(self, http: HttpRequest, api: str, number: int) -> tuple[Reply, int]:
        """Answer a model call; returns the reply and its status."""
        refused = self._unauthorized(http) or self._limited()
        if refused is not None:
            return honest(refused), refused.status
        body = _decoded(http)
        if self.recent.maxlen:
            self.recent.append(body)
        fault = self._faults.choose(http.headers, body, number)
        if fault is not None:
            self._stats.faults[fault.kind] += 1
            error = error_status(fault)
            if error is not None:
                return honest(error), error.status
        content = self._answered(body, api, number, len(http.body), fault)
        interval = self._config.stream_interval
        reply = honest(content, interval) if fault is None else broken(fault, content, interval)
        reply.delay = self._latency()
        return reply, content.status

    def _unauthorized(self, http: HttpRequest) -> Content | None:
        given = http.headers.get(b"authorization", b"")
        if self._key is None or hmac.compare_digest(given, self._key):
            return None
        return error_content(401, "Incorrect API key provided.", code="invalid_api_key")

    def _limited(self) -> Content | None:
        if self._limiter is None or self._limiter.admits(time.monotonic()):
            return None
        text = f"Rate limit of {self._config.rate:g} requests per second reached."
        return error_content(429, text, code="rate_limit_exceeded", headers=b"Retry-After: 1\r\n")

    def _answered(
        self, body: dict[str, Any], api: str, number: int, body_bytes: int, fault: FaultConfig | None
    ) -> Content:
        model = self._checked_model(body)
        read = responses_api.read_request if api == "responses" else chat_api.read_request
        request = read(body, number)
        given = self._answers(request)
        answer = given if isinstance(given, Answer) else Answer(given)
        if fault is not None and fault.kind in INCOMPLETE:
            answer = _cut(answer, INCOMPLETE[fault.kind])
        make = self._response if api == "responses" else self._completion
        return make(request, answer, model, body_bytes)

    def _checked_model(self, body: dict[str, Any]) -> str:
        name = body.get("model") or self._config.model or _DEFAULT_MODEL
        if not isinstance(name, str):
            raise responses_api.bad("`model` must be a text.")
        if self._config.model not in (None, name):
            text = f"The model {name!r} does not exist; this server has {self._config.model!r}."
            raise ModelError(text, kind="not_found", status=404)
        return name

    def _response(self, request: Request, answer: Answer, model: str, body_bytes: int) -> Content:
        output = responses_api.output_items(answer, request.number)
        usage = _counted(output, body_bytes)
        if self._config.token_ids and output:
            prompt, generated, probabilities = _tokens(request, output)
            usage = len(prompt), len(generated)
            data = {"prompt_token_ids": prompt, "generation_token_ids": generated}
            output[-1] |= {**data, "generation_log_probs": probabilities}
        response = responses_api.response_object(request, output, _said(answer, usage), answer.reason, model)
        if request.body.get("stream"):
            return Content(responses_api.response_events(response), EVENTS)
        return json_content(response)

    def _completion(self, request: Request, answer: Answer, model: str, body_bytes: int) -> Content:
        message = chat_api.chat_message(answer.output)
        usage, tokens = _counted(answer.output, body_bytes), None
        if self._config.token_ids or chat_api.wants_tokens(request.body):
            tokens = _tokens(request, chat_api.message_items(message))
            usage = len(tokens[0]), len(tokens[1])
        body = chat_api.completion_object(request, message, _said(answer, usage), answer.reason, model, tokens)
        if not request.body.get("stream"):
            return json_content(body)
        options = request.body.get("stream_options")
        with_usage = isinstance(options, dict) and bool(options.get("include_usage"))
        return Content(chat_api.completion_events(body, with_usage), EVENTS)


class RateLimiter:
    """Admits a number of requests per second, up to one second's worth at once.

    Args:
        rate: Requests per second.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._capacity = max(1.0, rate)
        self._left = self._capacity
        self._since: float | None = None

    def admits(self, now: float) -> bool:
        """Take one request if there is room; `now` is in seconds and never goes back."""
        if self._since is not None:
            self._left = min(self._capacity, self._left + (now - self._since) * self._rate)
        self._since = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


def _empty(model: str) -> ModelError:
    return responses_api.bad(f"The request to {model!r} has no conversation: give `input`, or `messages`.")


def _decoded(http: HttpRequest) -> dict[str, Any]:
    if http.headers.get(b"content-encoding", b"identity") != b"identity":
        raise ModelError("Send the body without Content-Encoding.", kind="bad_request", status=415)
    try:
        body = msgspec.json.decode(http.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise responses_api.bad(f"We could not parse the JSON body of your request: {error}") from None
    if not isinstance(body, dict):
        raise responses_api.bad("The body of a request is one JSON object.")
    return body


def _cut(answer: Answer, reason: Any) -> Answer:
    """Return the answer broken off in the text of its last item."""
    output = [dict(item) for item in answer.output]
    for item in output[-1:]:
        if item.get("type") == "function_call":
            item["arguments"] = _half(item["arguments"])
        elif isinstance(item.get("content"), str):
            item["content"] = _half(item["content"])
        else:
            parts = item.get("content") or ()
            item["content"] = [{**part, "text": _half(part.get("text", ""))} for part in parts]
    return Answer(output, reason, answer.usage)


def _half(text: str) -> str:
    return text[: len(text) // 2]


def _tokens(request: Request, output: list[Item]) -> tuple[list[int], list[int], list[float]]:
    prompt = prompt_tokens(request.input, request.instructions, request.tools)
    generated = item_tokens(output)
    return prompt, generated, log_probs(generated, len(prompt))


def _counted(output: Any, body_bytes: int) -> tuple[int, int]:
    """Estimate usage from sizes, which costs next to nothing; with token data it is counted exactly."""
    return body_bytes // _CHARS_PER_TOKEN, len(msgspec.json.encode(output)) // _CHARS_PER_TOKEN


def _said(answer: Answer, usage: tuple[int, int]) -> tuple[int, int]:
    said = answer.usage or {}
    return int(said.get("input_tokens", usage[0])), int(said.get("output_tokens", usage[1]))
