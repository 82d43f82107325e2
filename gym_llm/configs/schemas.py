"""Schemas of the commands: the type, the limits and the meaning of every setting.

One frozen model per command, unknown keys refused. Defaults are not here but in the YAML file of the same name;
help texts and the page on the command line are derived from both.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from gym_llm.configs.policy import AnyPolicy, SamplingSchema


class Schema(BaseModel):
    """A command's settings."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class ListConfig(Schema):
    """Settings of `gym-llm list`."""

    as_json: bool = Field(alias="json", description="Print JSON, one object per environment.")


class ShowConfig(Schema):
    """Settings of `gym-llm show`."""

    env: str = Field(description="Environment: MCQA, MCQA-v0, gym_llm/MCQA-v0 or module:Name-v0.")
    env_kwargs: dict[str, Any] = Field(description="Keyword arguments of the environment.")
    task: int = Field(ge=0, description="Index of the example task to show.")


class PlayConfig(Schema):
    """Settings of `gym-llm play`."""

    env: str = Field(description="Environment, as in show.")
    env_kwargs: dict[str, Any] = Field(description="Keyword arguments of the environment.")
    task: int | None = Field(ge=0, description="Index of the task; null draws one with the seed.")
    seed: int = Field(ge=0, description="Seed of the episode.")


class CheckConfig(Schema):
    """Settings of `gym-llm check`."""

    env: str = Field(description="Environment, as in show.")
    env_kwargs: dict[str, Any] = Field(description="Keyword arguments of the environment.")
    tasks: int = Field(ge=1, description="How many tasks each probe tries.")
    hostile_actions: int = Field(ge=1, description="How many hostile actions are played.")
    step_timeout: float = Field(gt=0, description="Seconds that one call into the environment may take.")
    seed: int = Field(ge=0, description="Seed of everything random in the check.")


class BenchConfig(Schema):
    """Settings of `gym-llm bench`."""

    env: str = Field(description="Environment, as in show; it needs reference solutions.")
    env_kwargs: dict[str, Any] = Field(description="Keyword arguments of the environment.")
    latency: str = Field(description="Seconds until the mock model answers: a number, or a distribution.")
    episodes: int = Field(ge=1, description="Episodes of one collection.")
    concurrency: int = Field(ge=1, description="Episodes at once.")
    num_envs: int = Field(ge=1, description="Environments that are stepped at once.")
    num_workers: int | None = Field(ge=1, description="Worker processes; null takes one per core.")
    steps: int = Field(ge=1, description="How often all environments are stepped in a round.")
    rounds: int = Field(ge=1, description="How often everything is measured.")
    vs: Literal["gymnasium"] | None = Field(description="gymnasium steps its vector classes beside ours.")
    output: Path | None = Field(
        description="Plot to write: .png, .svg or .pdf, with the figures as .json beside it; "
        "null makes outputs/bench-NAME-TIME.png."
    )
    profile: Path | None = Field(description="HTML file to write: where the CPU goes, as a flame graph.")
    seed: int = Field(ge=0, description="Seed of the collections.")

    @field_validator("output")
    @classmethod
    def _drawable(cls, path: Path | None) -> Path | None:
        if path is not None and path.suffix not in (".png", ".svg", ".pdf"):
            raise ValueError(f"{path} ends in none of .png, .svg, .pdf")
        return path


class NewConfig(Schema):
    """Settings of `gym-llm new`."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_]*$",
        description="Name of the package: lower-case letters, digits and underscores, a letter first.",
    )


class Sampling(SamplingSchema):
    """Keywords of the model call that replace those of the row and of the policy."""


class WrapperSchema(Schema):
    """One wrapper; its name alone stands for a wrapper without arguments."""

    name: str
    kwargs: dict[str, Any] = {}


class ShareSchema(Schema):
    """One environment of a mixture."""

    env: str
    env_kwargs: dict[str, Any] = {}
    wrappers: list[str | WrapperSchema] = []
    input: Path | None = None
    weight: float = Field(1.0, gt=0, allow_inf_nan=False)


class CollectConfig(Schema):
    """Settings of `gym-llm collect`."""

    env: str | dict[str, ShareSchema] = Field(
        description="Environment, as in show, or a mixture: NAME: {env, env_kwargs, wrappers, input, weight} for each."
    )
    env_kwargs: dict[str, Any] = Field(description="Keyword arguments of the environment; of all in a mixture.")
    wrappers: list[str | WrapperSchema] = Field(
        description="Wrappers, innermost first: names of gym_llm.wrappers or gymnasium.wrappers, or module:Class; "
        "with arguments {name, kwargs}."
    )
    input: Path | None = Field(description="Dataset, a JSONL file; null takes the bundled example tasks.")
    output: Path | None = Field(description="JSONL file to write; null makes outputs/NAME-TIME.jsonl.")
    limit: int | None = Field(ge=1, description="Tasks to take from the dataset's beginning; null takes all.")
    num_repeats: int = Field(ge=1, description="Episodes per task.")
    concurrency: int = Field(ge=1, description="Episodes at once.")
    num_workers: int | None = Field(
        ge=0, description="Processes that play episodes, 0 for none but this one; null decides by the episodes."
    )
    episode_timeout: float | None = Field(
        gt=0, description="Seconds that one step may take, the model's answer included; null for no limit."
    )
    resume: bool = Field(description="Continue an interrupted collection of the same output.")
    overwrite: bool = Field(description="Replace the output if it is there.")
    max_attempts: int = Field(ge=1, description="Attempts per episode before it stays a failure.")
    seed: int = Field(ge=0, description="Seed of the run.")
    progress: bool = Field(description="Show the progress bar.")
    sampling: Sampling
    policy: AnyPolicy

    @model_validator(mode="after")
    def _mixture_names_files(self) -> CollectConfig:
        if isinstance(self.env, str):
            return self
        if not self.env:
            raise ValueError("env: a mixture of none; name at least one environment")
        if self.input is not None:
            raise ValueError("input belongs to one environment; in a mixture write env.NAME.input")
        for name in self.env:
            other = name.removesuffix("_failures")
            if not re.fullmatch(r"[A-Za-z0-9_-]+", name) or other in self.env.keys() - {name}:
                raise ValueError(f"env.{name}: the name becomes part of a file's; use letters, digits, - and _")
        return self


class DumpConfig(Schema):
    """Settings of `gym-llm dump-config`."""

    command: str = Field(description="The command whose settings are shown; its NAME and key=value words follow.")


class DoctorConfig(Schema):
    """Settings of `gym-llm doctor`."""

    timeout: float = Field(gt=0, description="Seconds that one server may take.")
    tokens: bool = Field(description="Generate a few tokens, to see whether their ids can be had.")
    policy: AnyPolicy


class SandboxConfig(Schema):
    """Settings of `gym-llm sandbox`."""

    action: Literal["doctor", "run"] = Field(description="doctor looks at this machine, run runs a Python file.")
    as_json: bool = Field(alias="json", description="Print what doctor finds as one JSON object.")
    attacks: bool = Field(description="Whether doctor also tries the attack battery on the provider.")
    file: Path | None = Field(description="The file that run runs.")
    provider: str = Field(description="auto, bubblewrap, docker, podman, apptainer, or unsafe-local: no protection.")
    image: str | None = Field(description="Image of docker, podman or apptainer; python:3.11-slim by default.")
    input: Path | None = Field(description="File that the program reads as its stdin.")
    profile: Literal["compute", "process"] = Field(description="compute starts no process, process may.")
    cpu: float = Field(gt=0, description="Seconds of CPU that it may use.")
    wall: float = Field(gt=0, description="Seconds that it may take.")
    memory: float = Field(gt=0, description="MiB of memory that it may use.")
