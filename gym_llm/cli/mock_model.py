"""`gym-llm mock-model`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gym_llm.cli.names import resolve

if TYPE_CHECKING:
    from gym_llm.mock_model import MockModelConfig


def run(config: MockModelConfig) -> int:
    """Run a model server that thinks nothing, for tests and benchmarks.

    It speaks OpenAI's Responses and Chat Completions APIs, streaming or not, and answers by a fixed text, a script,
    or the reference solutions of environments; latencies and faults on demand. Prints its base_url and runs
    until Ctrl-C.
    """
    from gym_llm.mock_model import serve

    sources = tuple(source.model_copy(update={"id": resolve(source.id)}) for source in config.solve)
    serve(config.model_copy(update={"solve": sources}))
    return 0
