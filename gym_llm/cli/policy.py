"""A policy's plain description made of its settings, for the commands that use one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gym_llm.configs.policy import AnyPolicy

_NULL_SAYS_SOMETHING = ("api_key_env",)


@contextmanager
def described(config: AnyPolicy, **mock: Any) -> Iterator[dict[str, Any]]:
    """Yield the policy's description; for `mock`, with a server that runs as long.

    Args:
        config: The checked settings.
        **mock: Options of the mock model, beside its latency.
    """
    if config.type == "mock":
        from gym_llm.mock_model import MockModel

        with MockModel(latency=config.latency, **mock) as server:
            yield {"type": "openai", "model": "mock-model", "base_url": server.base_url, "api_key_env": None}
        return
    settings = config.model_dump(mode="python")
    yield {key: value for key, value in settings.items() if value is not None or key in _NULL_SAYS_SOMETHING}
