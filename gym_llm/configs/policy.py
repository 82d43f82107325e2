"""Schemas of the `policy` group: one model per file in `policy/`, told apart by `type`.

Plain data only: building the policy is left to the caller. A key given here is a `SecretStr`, which neither
prints nor logs.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class PolicySchema(BaseModel):
    """What all policies have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MockPolicy(PolicySchema):
    """The embedded default: the package's own mock model server over HTTP, answering by `solve`."""

    type: Literal["mock"] = Field(description="Chosen by policy=mock.")
    latency: float | str = Field(
        description="Seconds until the server answers: a number, or a distribution such as uniform:LOW:HIGH."
    )


class SamplingSchema(PolicySchema):
    """Keywords of the model call; null leaves what the row, or the policy, says."""

    temperature: float | None = Field(ge=0, description="Sampling temperature.")
    top_p: float | None = Field(ge=0, le=1, description="Nucleus sampling.")
    max_output_tokens: int | None = Field(ge=1, description="Tokens per answer.")
    seed: int | Literal["episode"] | None = Field(
        description="Seed of the server's sampling (chat); episode draws one per request."
    )
    stop: str | list[str] | None = Field(description="Texts that end an answer (chat).")
    parallel_tool_calls: bool | None = Field(description="Whether one answer may hold several tool calls.")
    reasoning: dict[str, Any] | None = Field(description="As in the API, such as reasoning.effort=low.")
    chat_template_kwargs: dict[str, Any] | None = Field(description="Arguments of the chat template (chat).")
    extra_body: dict[str, Any] | None = Field(description="Keys that only your server knows.")


class ModelSchema(SamplingSchema):
    """What the policies that call a model have in common."""

    model: str = Field(description="Model name, as the server knows it.")
    api_key: SecretStr | None = Field(description="API key; null takes the environment variable, which is best.")
    api_key_env: str | None = Field(description="Environment variable that holds the API key; null sends none.")
    timeout: float = Field(gt=0, description="Seconds for one attempt, answer included.")
    max_attempts: int = Field(ge=1, description="Attempts per request.")
    max_in_flight: int = Field(ge=1, description="Requests in flight at once.")
    max_body: int = Field(ge=1, description="Largest answer, in bytes.")


_BASE_URL = (
    "Address of the API, ending in /v1, or a list of them for several servers; null takes OPENAI_BASE_URL, "
    "else OpenAI's own."
)


class OpenAISchema(ModelSchema):
    """Any server of OpenAI's Responses API."""

    type: Literal["openai"] = Field(description="Chosen by policy=openai.")
    base_url: str | list[str] | None = Field(description=_BASE_URL)


class ChatSchema(ModelSchema):
    """Any server of the Chat Completions API."""

    type: Literal["chat"] = Field(description="Chosen by policy=chat.")
    base_url: str | list[str] | None = Field(description=_BASE_URL)
    completions: bool | str = Field(description="For base models: /completions with plain text, or module:function.")
    reasoning_history: Literal["think_tags", "reasoning_content", "interleaved", "drop"] = Field(
        description="How past reasoning is sent."
    )
    parse_reasoning: bool = Field(description="Whether <think> blocks of answers become reasoning items.")
    think_opened: bool = Field(description="Whether the chat template opens the <think> block.")
    replace_developer_role_with_system: bool = Field(description="For templates that know no developer role.")
    keep_strict: bool = Field(description="Whether tools keep `strict`.")
    return_token_ids: bool = Field(description="Demand token ids and log probabilities.")
    token_history: Literal["drop", "messages", "required_prefix"] = Field(description="What goes back of them.")
    version_header: str | None = Field(description="Header in which the server names the version of its weights.")


class AzureSchema(ModelSchema):
    """A deployment of Azure OpenAI."""

    type: Literal["azure"] = Field(description="Chosen by policy=azure.")
    azure_endpoint: str | None = Field(
        description="Address of the resource, https://NAME.openai.azure.com; null takes AZURE_OPENAI_ENDPOINT."
    )
    api_version: str | None = Field(
        description="v1, or a date for the older addresses; null takes OPENAI_API_VERSION, else v1."
    )
    api: Literal["responses", "chat"] = Field(description="The API to call.")
    azure_ad_token_env: str | None = Field(
        description="Environment variable that holds a token of Entra ID, sent in place of a key."
    )


class ScriptedSchema(PolicySchema):
    """Each environment's own reference solution, without a server."""

    type: Literal["scripted"] = Field(description="Chosen by policy=scripted.")


class RandomSchema(PolicySchema):
    """Random valid actions, drawn from the action space."""

    type: Literal["random"] = Field(description="Chosen by policy=random.")


AnyPolicy = Annotated[
    MockPolicy | OpenAISchema | ChatSchema | AzureSchema | ScriptedSchema | RandomSchema,
    Field(discriminator="type"),
]
