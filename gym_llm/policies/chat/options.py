"""What a chat policy can be told beside address, key and sampling: one checked, frozen set of options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from gym_llm.errors import ConfigError
from gym_llm.policies.chat.rules import ReasoningHistory, Rules
from gym_llm.policies.chat.templates import PLAIN_STOPS, Template, plain
from gym_llm.policies.policy import imported

TokenHistory = Literal["drop", "messages", "required_prefix"]


@dataclass(frozen=True, slots=True)
class Options:
    """How a policy speaks to its server.

    Attributes:
        reasoning_history: How past reasoning is sent: `think_tags`, `reasoning_content`, `interleaved`, `drop`.
        parse_reasoning: Whether `<think>` blocks of an answer become `reasoning` items.
        think_opened: Whether the chat template opens the `<think>` block that answers begin in.
        replace_developer_role_with_system: For templates that know no `developer`.
        keep_strict: Whether tools keep `strict`.
        return_token_ids: Whether token ids and log probabilities are asked for and demanded.
        token_history: What goes back of them: nothing, the data on each past message, or the known beginning
            of the prompt as `required_prefix_token_ids`.
        version_header: The HTTP header in which the server names the version of its weights.
        completions: For base models: True to write the conversation as plain text and call `/completions`, or the
            function `module:name` that writes it.
    """

    reasoning_history: ReasoningHistory = "think_tags"
    parse_reasoning: bool = True
    think_opened: bool = False
    replace_developer_role_with_system: bool = False
    keep_strict: bool = False
    return_token_ids: bool = False
    token_history: TokenHistory = "drop"
    version_header: str | None = None
    completions: bool | str = False

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            ConfigError: One is none of those allowed.
        """
        for option in fields(self):
            _check(option.name, getattr(self, option.name))

    @property
    def rules(self) -> Rules:
        """How conversations are written."""
        return Rules(
            self.reasoning_history, self.parse_reasoning, self.think_opened,
            self.replace_developer_role_with_system, self.token_history == "messages",
        )  # fmt: skip

    @property
    def template(self) -> Template | None:
        """What writes the prompt for `/completions`; None for chat.

        Raises:
            ConfigError: It cannot be imported.
        """
        if isinstance(self.completions, str):
            found: Template = imported(self.completions, "template")
            return found
        return plain if self.completions else None

    @property
    def stops(self) -> list[str]:
        """Where generation ends when nothing else is said."""
        return list(PLAIN_STOPS) if self.completions is True else []

    def changed(self) -> Mapping[str, Any]:
        """Return the options that are not the defaults."""
        return {name: value for name, value in asdict(self).items() if value != getattr(Options(), name)}


_CHOICES = {"reasoning_history": get_args(ReasoningHistory), "token_history": get_args(TokenHistory)}


def _check(name: str, value: Any) -> None:
    if name in _CHOICES:
        if value not in _CHOICES[name]:
            raise ConfigError(f"{name}={value!r}: give one of {', '.join(_CHOICES[name])}")
    elif name == "version_header":
        if value is not None and not isinstance(value, str):
            raise ConfigError(f"{name}={value!r}: give the name of an HTTP header")
    elif name == "completions" and isinstance(value, str) and ":" in value:
        return
    elif not isinstance(value, bool):
        also = ", or a template as module:function" if name == "completions" else ""
        raise ConfigError(f"{name}={value!r}: give true or false{also}")
