"""An OpenAI-compatible model server for tests, demonstrations and benchmarks: real wire, no model.

It answers by a fixed text, a script, or the reference solutions of environments, with latencies, token ids and
faults on demand. It is not a proxy and runs no model.
"""

from gym_llm.mock_model.config import FaultConfig, MockModelConfig, SolveSource
from gym_llm.mock_model.model_call import Answer, Answerer, Request
from gym_llm.mock_model.server import MockModel, serve
from gym_llm.mock_model.solve import SolveAnswers

__all__ = [
    "Answer",
    "Answerer",
    "FaultConfig",
    "MockModel",
    "MockModelConfig",
    "Request",
    "SolveAnswers",
    "SolveSource",
    "serve",
]
