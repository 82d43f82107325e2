"""Every option of the mock model, as frozen plain data that can come from YAML or a command line.

Only shapes and ranges are checked here; what the options mean is in the modules that read them.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from gym_llm.mock_model.latency import parse_latency

FaultKind = Literal[
    "rate_limit", "server_error", "unavailable", "unauthorized", "not_found", "context_overflow",
    "slow", "hang", "drop", "drop_mid_body", "malformed_json", "truncated_length", "truncated_close",
    "cut_stream", "html", "gzip_bomb", "incomplete", "content_filter",
]  # fmt: skip


class _Plain(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class FaultConfig(_Plain):
    """One fault and the requests it strikes; without `probability`, `every` or `first` it strikes all.

    Its short text form is `KIND:OPTION:VALUE...`, with `=` allowed before a value; the request header
    `x-mock-fault` and the metadata key `mock_fault` take it too.

    >>> FaultConfig.model_validate("rate_limit:every:10:retry_after:2").every
    10
    """

    kind: FaultKind
    """What happens.

    Error statuses: `rate_limit` 429 with Retry-After, `server_error` 500, `unavailable` 503, `unauthorized` 401,
    `not_found` 404 (the model), `context_overflow` 400.
    Transport: `slow` one byte per `interval`; `hang` no answer ever; `drop` closed before the first byte;
    `drop_mid_body` reset half way; `truncated_length` half the body that its framing promised;
    `truncated_close` half a body that ends with the connection; `cut_stream` a stream that ends in good order but
    before its last event.
    Bodies: `malformed_json`; `html` a proxy's page; `gzip_bomb`.
    Answers: `incomplete` broken off by max_output_tokens; `content_filter` broken off by the filter.
    """
    probability: float | None = Field(default=None, ge=0, le=1)
    """Chance per request, drawn with the server's seed."""
    every: int | None = Field(default=None, ge=1)
    """Strike every nth request."""
    first: int | None = Field(default=None, ge=0)
    """Strike the first n requests."""
    retry_after: float | None = Field(default=None, ge=0)
    """Seconds in the Retry-After header of an error status (default: 1 for `rate_limit`, none for others)."""
    as_date: bool = False
    """Write Retry-After as an HTTP date."""
    interval: float = Field(default=0.05, gt=0)
    """Seconds between the bytes of `slow`."""
    status: int | None = Field(default=None, ge=200, le=599)
    """HTTP status of `html` (default 502) or of any error kind."""
    megabytes: int = Field(default=256, ge=1, le=4096)
    """Size of a `gzip_bomb` once decompressed, in MiB."""

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        kind, *options = (word.strip() for word in re.split("[:=]", value))
        if len(options) % 2:
            raise ValueError(f"{value!r} is not KIND:OPTION:VALUE...")
        return {"kind": kind, **dict(zip(options[::2], options[1::2], strict=True))}


class SolveSource(_Plain):
    """An environment whose reference solutions are the answers."""

    id: str
    """Registered environment id."""
    kwargs: dict[str, Any] = Field(default_factory=dict)
    """Keyword arguments for `gymnasium.make`, such as `dataset`."""

    @model_validator(mode="before")
    @classmethod
    def _bare_id(cls, value: Any) -> Any:
        return {"id": value} if isinstance(value, str) else value


class MockModelConfig(_Plain):
    """Everything that a mock model can be told.

    >>> MockModelConfig(text="It is cold.", latency="lognormal:0.5:0.3").port
    0
    """

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = Field(default=0, ge=0, le=65535)
    """Port to listen on; 0 takes any free one."""
    answers: Literal["fixed", "script", "solve", "echo", "random"] | None = None
    """Where answers come from. Unset: `solve` or `script` when one of them is given, else `fixed`."""
    text: str = "This is the mock model."
    """The answer of `fixed`."""
    script: tuple[str | list[dict[str, Any]] | dict[str, Any], ...] = ()
    """One action per turn: a text, a list of output items, or a mapping with `output`, `status` ("incomplete"),
    `reason` ("max_output_tokens", "content_filter") and `usage`."""
    solve: tuple[SolveSource, ...] = ()
    """Environments whose `solve` answers; a bare id stands for `{"id": id}`."""
    solve_seed: int | None = Field(default=None, ge=0)
    """Seed of the collection that asks, for tasks whose first observation is drawn, such as shuffled options."""
    model: str | None = None
    """The only model name served, others get 404. Unset: any name."""
    api_key: str | None = Field(default=None, repr=False)
    """The key demanded, without it 401. Unset: no key is looked at."""
    latency: str = "0"
    """Seconds before an answer: `0.5`, `uniform:LOW:HIGH`, `lognormal:MEDIAN:SIGMA` or `exponential:MEAN`."""
    stream_interval: float = Field(default=0.0, ge=0)
    """Seconds between the events of a stream."""
    rate: float | None = Field(default=None, gt=0)
    """Requests per second that are answered; what comes above gets 429 with Retry-After: 1."""
    token_ids: bool = False
    """Put `prompt_token_ids`, `generation_token_ids` and `generation_log_probs` on each response's last item."""
    faults: tuple[FaultConfig, ...] = ()
    """Faults to play, the first that strikes a request wins; each a mapping or its short text form."""
    seed: int = 0
    """Seeds latencies, faults and random answers."""
    max_body_bytes: int = Field(default=64 * 1024 * 1024, ge=1)
    """Largest request body; a larger one gets 413."""
    keep_requests: int = Field(default=0, ge=0)
    """How many of the last request bodies `MockModel.recent` keeps."""

    @field_validator("faults", "solve", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return [value] if isinstance(value, str | dict) else value

    @field_validator("latency", mode="before")
    @classmethod
    def _latency(cls, value: Any) -> Any:
        if isinstance(value, str | int | float):
            parse_latency(value)
            return str(value)
        return value

    @model_validator(mode="after")
    def _sources_given(self) -> MockModelConfig:
        for name, given in (("script", self.script), ("solve", self.solve)):
            if self.answers == name and not given:
                raise ValueError(f"answers={name} needs {name}=[...], which is empty")
        if self.answers is None and self.script and self.solve:
            raise ValueError("both script and solve are given: keep one, or name it in answers")
        return self
