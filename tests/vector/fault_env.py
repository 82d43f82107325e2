"""An environment that breaks on command: its actions name the fault."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from typing import Any

import gymnasium
import numpy as np

from gym_llm import ResponsesEnv, tool
from gym_llm.items import Item, assistant_message, function_call, output_text

ROW = {"responses_create_params": {"input": "Break something."}}


def call(fault: str) -> list[Item]:
    return [function_call("do", {"fault": fault})]


DONE = [assistant_message("done")]


class TwoArguments(Exception):
    def __init__(self, first: str, second: str) -> None:
        super().__init__(first, second)


class FaultEnv(ResponsesEnv):
    """Count calls; break when told to."""

    max_turns = 50

    def __init__(self, **settings: Any) -> None:
        super().__init__(dataset=[ROW], **settings)
        self.count = 0

    def begin(self, task: Any) -> None:
        self.count = 0

    @tool
    async def do(self, fault: str) -> dict[str, int]:  # noqa: C901 - one branch per fault
        """Do something.

        Args:
            fault: What goes wrong.
        """
        import asyncio

        if fault == "await":
            await asyncio.sleep(3600)
        elif fault == "nap":
            await asyncio.sleep(0.05)
        elif fault == "loop":
            while True:
                pass
        elif fault == "sleep":
            time.sleep(3600)
        elif fault == "gil":
            ctypes.PyDLL(None).sleep(3600)
        elif fault == "segfault":
            ctypes.string_at(1)
        elif fault == "exit0":
            os._exit(0)
        elif fault == "memory":
            self.hoard = [np.ones(1 << 20) for _ in range(200)]
            time.sleep(3600)
        elif fault == "fork":
            os.fork()
        elif fault == "print":
            print("noise " * 1000, flush=True)  # noqa: T201 - that is the fault
            os.write(1, b"more noise\n")
        elif fault == "sys.exit":
            sys.exit(3)
        self.count += 1
        return {"count": self.count}

    def verify(self, task: Any, episode: Any) -> float:
        return float(self.count)


class BreakingBox(gymnasium.Env[Any, Any]):
    """A plain Gymnasium environment whose action says how it breaks."""

    observation_space = gymnasium.spaces.Box(-1e6, 1e6, (3,), np.float32)
    action_space = gymnasium.spaces.Discrete(20)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.state = self.np_random.normal(size=3).astype(np.float32)
        return self.state.copy(), {}

    def step(self, action: int) -> Any:
        if action == 1:
            raise ValueError("bad action")
        if action == 2:
            raise TwoArguments("a", "b")
        if action == 3:
            os._exit(1)
        info: dict[str, Any] = {}
        if action == 4:
            info["lock"] = __import__("threading").Lock()
        if action == 5:
            info["trap"] = Trap()
        self.state = self.state + self.np_random.normal(size=3).astype(np.float32)
        return self.state.copy(), float(self.state.sum()), action == 9, False, info


class Trap:
    """What it runs where it is unpickled leaves a mark."""

    path = ""

    def __reduce__(self) -> Any:
        return os.system, (f"touch {os.environ.get('TRAP_PATH', '/dev/null')}",)


def text(observation: list[Item]) -> str:
    return str(observation[-1].get("output") or output_text(observation[-1:]))
