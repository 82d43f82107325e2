"""The table of commands. Summary and description are the first and the further paragraphs of `run`'s docstring."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pydantic


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        name: What is typed; with underscores, its YAML file and its module.
        schema: Where its settings' schema stands, as `module:Name`.
        positional: The key that NAME fills, or several, separated by spaces; None when the command takes no NAME.
        examples: Complete lines, each short, offline and run by a test.
    """

    name: str
    schema: str
    positional: str | None
    examples: tuple[str, ...]

    @property
    def settings(self) -> str:
        """Name of its YAML file."""
        return self.name.replace("-", "_")

    @property
    def run(self) -> Callable[[Any], int]:
        """The function that does it: checked settings in, exit status out."""
        function: Callable[[Any], int] = import_module(f"gym_llm.cli.{self.settings}").run
        return function

    @property
    def paragraphs(self) -> list[str]:
        """The paragraphs of `run`'s docstring, each on one line."""
        text = inspect.getdoc(self.run) or ""
        return [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]

    @property
    def summary(self) -> str:
        """What it does, in one line without a full stop."""
        return self.paragraphs[0].rstrip(".")

    def load_schema(self) -> type[pydantic.BaseModel]:
        """Import and return the schema."""
        module, _, name = self.schema.partition(":")
        schema: type[pydantic.BaseModel] = getattr(import_module(module), name)
        return schema


_SCHEMAS = "gym_llm.configs.schemas:"
COMMANDS = (
    Command(
        "list", _SCHEMAS + "ListConfig", None,
        ("gym-llm list", "gym-llm list json=true"),
    ),
    Command(
        "show", _SCHEMAS + "ShowConfig", "env",
        ("gym-llm show SimpleWeather", "gym-llm show MCQA task=2"),
    ),
    Command(
        "play", _SCHEMAS + "PlayConfig", "env",
        (
            "printf '/solve\\n/solve\\n' | gym-llm play SimpleWeather",
            "echo 'The answer is A.' | gym-llm play MCQA task=1",
        ),
    ),
    Command(
        "collect", _SCHEMAS + "CollectConfig", "env",
        (
            "gym-llm collect MCQA",
            "gym-llm collect MCQA limit=2 num_repeats=4 output=mcqa.jsonl overwrite=true",
            "gym-llm collect SimpleWeather policy=random limit=3 env_kwargs.max_turns=4",
            "gym-llm collect 'env={easy:{env:SimpleWeather,weight:2},hard:{env:MCQA}}' limit=6 output=mix.jsonl",
        ),
    ),
    Command(
        "check", _SCHEMAS + "CheckConfig", "env",
        ("gym-llm check SimpleWeather hostile_actions=200",),
    ),
    Command(
        "bench", _SCHEMAS + "BenchConfig", "env",
        ("gym-llm bench SimpleWeather episodes=200 num_envs=16 latency=0.1 rounds=1 output=bench.png",),
    ),
    Command(
        "doctor", _SCHEMAS + "DoctorConfig", None,
        ("gym-llm doctor", "gym-llm doctor tokens=true"),
    ),
    Command(
        "sandbox", _SCHEMAS + "SandboxConfig", "action file",
        (
            "gym-llm sandbox doctor attacks=false",
            "echo 'print(6 * 7)' > answer.py && gym-llm sandbox run answer.py cpu=2",
        ),
    ),
    Command(
        "dump-config", _SCHEMAS + "DumpConfig", "command",
        (
            "gym-llm dump-config collect MCQA limit=3",
            "gym-llm dump-config collect MCQA collect=quick --origin",
        ),
    ),
    Command(
        "mock-model", "gym_llm.mock_model:MockModelConfig", None,
        (
            "gym-llm mock-model solve=MCQA",
            "gym-llm mock-model text=Hello latency=lognormal:0.5:0.3 'faults=[\"rate_limit:every=10\"]'",
        ),
    ),
    Command(
        "new", _SCHEMAS + "NewConfig", "name",
        ("gym-llm new my_env && gym-llm check my_env:MyEnv-v0",),
    ),
)  # fmt: skip
BY_NAME = {command.name: command for command in COMMANDS}
