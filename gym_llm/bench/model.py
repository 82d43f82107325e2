"""The mock model in a process of its own, so that its CPU and memory are told apart from ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gym_llm.bench.usage import process_cpu
from gym_llm.errors import ModelError

_PROGRAM = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    "from gym_llm.mock_model import MockModelConfig, serve; "
    "serve(MockModelConfig.model_validate_json(sys.argv[1]))"
)
_CLOSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Model:
    """A running mock model."""

    base_url: str
    pid: int

    def cpu(self) -> float:
        """Return its CPU seconds so far."""
        return process_cpu(self.pid)

    def most_in_flight(self) -> int:
        """Return the most requests that it has had at once."""
        with urllib.request.urlopen(self.base_url.removesuffix("/v1") + "/stats") as answer:
            return int(json.load(answer)["max_in_flight"])

    def policy(self, concurrency: int) -> dict[str, Any]:
        """Return the description of the policy that asks it."""
        return {
            "type": "openai", "model": "mock-model", "base_url": self.base_url, "api_key_env": None,
            "max_in_flight": concurrency,
        }  # fmt: skip


@contextmanager
def running(env_id: str, kwargs: Mapping[str, Any], latency: str, seed: int) -> Iterator[Model]:
    """Run a mock model that answers the collections of a seed by an environment's reference solutions.

    Raises:
        ModelError: It did not start.
    """
    config = {"latency": latency, "solve": [{"id": env_id, "kwargs": dict(kwargs)}], "solve_seed": seed}
    path = os.pathsep.join(filter(None, sys.path))
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, json.dumps(config)],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path},
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            told = process.stdout.readline()
            if not told.startswith("base_url:"):
                raise ModelError("the mock model did not start; what it wrote stands above", kind="connection")
            yield Model(told.split()[-1], process.pid)
        finally:
            process.terminate()
            try:
                process.communicate(timeout=_CLOSE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
